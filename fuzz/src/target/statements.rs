//! What validators say to each other: canonical layouts (`docs/wire.md` §§ 6 to 9).

use std::fmt::Debug;

use consensus::{
    Entry, EntryHeader, Evidence, Message, NodeId, SignedHeader, Verification,
    certificate::{ElectionCertificate, LeaveCertificate, QuorumCertificate},
    encoding::{Canonical, Reader, Writer},
    message::{Grant, Leave, Report, Suspect, TermRecord, Vote, hash_of_reports},
    signed::Signed,
};

use super::{Memory, Target};
use crate::{input::Input, network::network};

/// A layout is read into at most so much: the widest is an option of a point, 1 byte and 48.
const MEMORY: Memory = Memory {
    factor: 128,
    fixed: 16 << 10,
};

pub(super) const MESSAGE: Target = Target {
    name: "message",
    about: "a message between validators, of every kind and mode: one encoding; judged by the real and by a gullible verifier",
    run: message,
    memory: Memory {
        factor: 512,
        fixed: 64 << 10,
    },
    longest: 32 << 10,
    replayed: 48_000,
};

/// The first byte: mode in the low half, sender in the high half.
fn message(input: &[u8]) {
    let mut input = Input(input);
    let first = input.byte();
    let network = network(first & 15);
    let from = NodeId((first >> 4).into());
    let message = match Message::from_bytes(&network.configuration, input.0) {
        Ok(message) => message,
        Err(error) => return drop(error.to_string()),
    };
    assert_eq!(message.to_bytes(), input.0, "a message has one encoding");
    for verification in [&network.strict, &network.gullible] {
        match verification.decoded_message(from, message.clone()) {
            Ok(verified) => {
                assert_eq!(verified.to_bytes(), input.0, "judging changes nothing");
                if let Message::Relay(relay) = &*verified {
                    drop(verification.relayed(&relay.body.requests));
                }
            }
            Err(error) => drop(error.to_string()),
        }
    }
}

/// Reads a value that fills its bytes, and checks that it is written back as it was.
pub(super) fn canonical<T: Canonical + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    match T::from_bytes(bytes) {
        Ok(value) => {
            assert_eq!(value.to_bytes(), bytes, "{value:?} has one encoding");
            Some(value)
        }
        Err(error) => {
            drop(error.to_string());
            None
        }
    }
}

pub(super) const PART: Target = Target {
    name: "part",
    about: "what messages consist of, by itself: entries, headers, votes, suspects, leaves, reports, grants: one encoding",
    run: part,
    memory: MEMORY,
    longest: 16 << 10,
    replayed: 80_000,
};

fn part(input: &[u8]) {
    let mut input = Input(input);
    let kind = input.byte();
    let network = network(kind >> 4);
    let bytes = input.0;
    match kind & 15 {
        0 => {
            let mut reader = Reader::new(bytes);
            let Ok(entry) = Entry::decode(&network.configuration, &mut reader) else {
                return;
            };
            if reader.finish().is_err() {
                return;
            }
            let mut writer = Writer::default();
            entry.encode(&mut writer);
            assert_eq!(writer.into_bytes(), bytes, "an entry has one encoding");
            assert!(entry.body_bytes() <= bytes.len());
            for verification in [&network.strict, &network.gullible] {
                drop(verification.entries(&mut [entry.clone().into()]));
            }
        }
        1 => {
            let _ = canonical::<SignedHeader>(bytes);
        }
        2 => {
            let _ = canonical::<EntryHeader>(bytes);
        }
        3 => {
            let _ = canonical::<Signed<Vote>>(bytes);
        }
        4 => {
            let _ = canonical::<Signed<Suspect>>(bytes);
        }
        5 => {
            let _ = canonical::<Signed<Report>>(bytes);
        }
        6 => {
            let _ = canonical::<Signed<Grant>>(bytes);
        }
        7 => {
            let _ = canonical::<Signed<Leave>>(bytes);
        }
        _ => {}
    }
}

pub(super) const CERTIFICATE: Target = Target {
    name: "certificate",
    about: "accept, commit, election and leave certificates: one encoding; checked by the real and by a gullible verifier",
    run: certificate,
    memory: Memory {
        factor: 256,
        fixed: 32 << 10,
    },
    longest: 16 << 10,
    replayed: 80_000,
};

fn verifications() -> [&'static Verification; 2] {
    let network = network(0);
    [&network.strict, &network.gullible]
}

fn certificate(input: &[u8]) {
    let mut input = Input(input);
    let kind = input.byte();
    let configuration = &network(0).configuration;
    for verification in verifications() {
        let verifier = verification.verifier();
        let checked = match kind {
            0 => canonical::<QuorumCertificate>(input.0).map(|certificate| {
                let good = certificate.check(configuration, verifier);
                if good.is_ok() {
                    let sizes = configuration.sizes();
                    assert!(certificate.votes.len() >= sizes.quorum());
                    assert!(certificate.votes.len() <= sizes.validators());
                }
                let _ = certificate.point(configuration);
                good
            }),
            1 => canonical::<ElectionCertificate>(input.0).map(|certificate| {
                let good = certificate.check(configuration, verifier);
                assert!(
                    good.is_err() || certificate.grants.len() >= configuration.sizes().quorum()
                );
                good
            }),
            2 => canonical::<LeaveCertificate>(input.0).map(|certificate| {
                let good = certificate.check(configuration, verifier);
                assert!(
                    good.is_err() || certificate.leaves.len() >= configuration.sizes().quorum()
                );
                good
            }),
            _ => None,
        };
        if let Some(Err(error)) = checked {
            drop(error.to_string());
        }
    }
}

pub(super) const EVIDENCE: Target = Target {
    name: "evidence",
    about: "evidence of every offence: one encoding; checked, and put into words",
    run: evidence,
    memory: MEMORY,
    longest: 16 << 10,
    replayed: 80_000,
};

fn evidence(input: &[u8]) {
    let Some(evidence) = canonical::<Evidence>(input) else {
        return;
    };
    drop((
        evidence.to_string(),
        evidence.name(),
        node::evidence_id(&evidence),
    ));
    let configuration = &network(0).configuration;
    for verification in verifications() {
        match evidence.check(configuration, verification.verifier()) {
            Ok(()) => assert!(configuration.key(evidence.accused()).is_some()),
            Err(error) => drop(error.to_string()),
        }
    }
}

pub(super) const TERM_RECORD: Target = Target {
    name: "term-record",
    about: "the payload of a leader's first entry: one encoding",
    run: term_record,
    memory: MEMORY,
    longest: 32 << 10,
    replayed: 48_000,
};

fn term_record(input: &[u8]) {
    if let Some(record) = canonical::<TermRecord>(input) {
        let _ = hash_of_reports(&record.reports);
    }
}
