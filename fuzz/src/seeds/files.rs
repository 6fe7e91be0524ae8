//! Good files: receipts, genesis, evidence, keys.

use std::collections::BTreeMap;

use consensus::{
    Entry, Epoch, Hash, Index, NodeId, Point, Signed, SignedHeader, Signer, Term,
    certificate::{Counted, QuorumCertificate},
    encoding::Canonical,
    evidence::{Evidence, Offence},
    merkle,
    message::{Applied, Vote},
};
use keys::{Genesis, KeyPair, Mode, to_hex};
use ledger::{
    Ledger, Receipt,
    receipt::{ReceiptParts, ResultParts},
};
use serde_json::json;

use super::{
    Seeds,
    ledger::{signed, transfer},
};
use crate::{
    network::{configuration, genesis, key},
    target::ledger::entry,
};

pub(super) fn add(seeds: &mut Seeds) {
    for (name, receipt) in receipts() {
        seeds.add("receipt", name, receipt.to_json());
    }
    let json = genesis().to_json().expect("a short genesis");
    for mode in [Mode::Byzantine, Mode::RaftSigned, Mode::Raft] {
        let mut content = genesis().content().clone();
        content.mode = mode;
        content.client_checks = None;
        let made = Genesis::new(content).and_then(|genesis| genesis.to_json());
        seeds.add("genesis", mode.as_str(), made.expect("a good genesis"));
    }
    seeds.add(
        "genesis",
        "other-format",
        json.replace("\"format\": 1", "\"format\": 2"),
    );
    seeds.add("genesis", "balances", balances());
    seeds.add("evidence-file", "equivocation", evidence_file());
    for (name, pem) in key_files() {
        seeds.add("key-file", name, pem);
    }
}

/// What n`node` signs.
fn sign(header: &mut SignedHeader) {
    let hash = header.header.hash(configuration());
    let digest =
        consensus::EntryHeader::signing_digest(configuration(), header.header.epoch, &hash);
    header.signature = Signer::sign(validator(header.header.author).signing_key(), &digest);
}

fn validator(node: NodeId) -> KeyPair {
    key(&format!("n{}", node.0))
}

fn vote(signer: u16, accepted: Point, applied: Applied) -> Signed<Vote> {
    let vote = Vote {
        epoch: Epoch::ZERO,
        term: Term::ZERO,
        accepted: Some(accepted),
        locked: None,
        applied: Some(applied),
    };
    let key = validator(NodeId(signer));
    Signed::new(configuration(), NodeId(signer), key.signing_key(), vote)
}

/// A receipt with everything, one without a result, one whose result nobody confirms.
fn receipts() -> Vec<(&'static str, Receipt)> {
    let mut ledger = Ledger::new(genesis(), configuration());
    let payloads = [0, 1].map(|nonce| signed("alice", nonce, vec![transfer(3)]));
    let payloads: Vec<std::sync::Arc<[u8]>> = payloads.map(Into::into).into();
    let unsigned = entry(&ledger, payloads.clone());
    let mut header = unsigned.signed.clone();
    sign(&mut header);
    let entry = Entry::new(configuration(), header, payloads);
    let applied = ledger.apply(&entry).applied;
    let executed = ledger.executed(1).expect("it was executed");
    let results: Vec<&[u8]> = executed.result_bytes().collect();
    let nothing = Applied {
        index: Index::ZERO,
        digest: Hash::default(),
    };
    let parts = ReceiptParts {
        payload: entry.payloads[1].to_vec(),
        position: 1,
        path: merkle::path(&entry.payloads, 1).expect("two payloads"),
        header: entry.signed.clone(),
        following: Vec::new(),
        commit: Some(QuorumCertificate {
            counted: Counted::Accepted,
            header: entry.header().clone(),
            following: Vec::new(),
            votes: (0..4)
                .map(|signer| vote(signer, entry.point(), nothing))
                .collect(),
        }),
        acknowledgements: Vec::new(),
        result: Some(ResultParts {
            bytes: results[1].to_vec(),
            path: merkle::path(&results, 1).expect("two results"),
            digest_before: executed.digest_before,
            roots: vec![executed.results_root],
            votes: (0..2)
                .map(|signer| vote(signer, entry.point(), applied))
                .collect(),
        }),
    };
    let without = ReceiptParts {
        result: None,
        ..parts.clone()
    };
    let build = |parts| Receipt::build(configuration(), parts).expect("a whole receipt");
    vec![
        ("whole", build(&parts)),
        ("without-result", build(&without)),
    ]
}

fn balances() -> String {
    let mut content = genesis().content().clone();
    content.accounts[0].balances =
        BTreeMap::from([("EUR".to_owned(), u64::MAX), ("USD".to_owned(), 0)]);
    let made = Genesis::new(content).and_then(|genesis| genesis.to_json());
    made.expect("a good genesis")
}

fn evidence_file() -> String {
    let ledger = Ledger::new(genesis(), configuration());
    let headers = [3, 4].map(|amount| {
        let payload = signed("alice", 0, vec![transfer(amount)]);
        let mut header = entry(&ledger, vec![payload.into()]).signed;
        sign(&mut header);
        header
    });
    let [first, second] = headers;
    let evidence = Evidence {
        epoch: Epoch::ZERO,
        offence: Offence::Equivocation {
            author: first.header.author,
            first,
            second,
        },
    };
    let file = json!({
        "format": 1,
        "network": to_hex(&genesis().id()),
        "evidence": to_hex(&evidence.to_bytes()),
    });
    format!("{file:#}\n")
}

fn key_files() -> Vec<(&'static str, String)> {
    let key = key("alice");
    let body = |label: &str, der: &[u8]| {
        format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            base64(der)
        )
    };
    let der = key.to_pkcs8_der();
    let mut other = der.to_vec();
    // X25519, whose identifier differs in its last byte.
    other[11] = 0x6e;
    let public = key.public_key();
    let second = [
        &[0x30, 0x51, 2, 1, 1][..],
        &der[5..],
        &[0x81, 0x21, 0],
        public.as_bytes(),
    ]
    .concat();
    vec![
        ("own", body("PRIVATE KEY", &der)),
        (
            "commented",
            format!("a comment\n{}", body("PRIVATE KEY", &der)),
        ),
        ("version-2", body("PRIVATE KEY", &second)),
        ("x25519", body("PRIVATE KEY", &other)),
        ("public", body("PUBLIC KEY", &der)),
        // Cheap parameters, so that mutations of it are too: scrypt with N = 16, and PBKDF2 once.
        ("scrypt", LOCKED_BY_SCRYPT.to_owned()),
        ("pbkdf2", LOCKED_BY_PBKDF2.to_owned()),
    ]
}

/// RFC 4648, lines of 64 characters.
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for piece in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..piece.len()].copy_from_slice(piece);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for digit in 0..4 {
            if text.len() % 65 == 64 {
                text.push('\n');
            }
            text.push(if digit <= piece.len() {
                char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63])
            } else {
                '='
            });
        }
    }
    text
}

/// By OpenSSL, under the passphrase `open sesame`.
const LOCKED_BY_SCRYPT: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGSME4GCSqGSIb3DQEFDTBBMCAGCSsGAQQB2kcECzATBAhZpXoYqDx1ZQIBEAIB
AQIBATAdBglghkgBZQMEASoEEN1VVD00hEcpmERKU1h7uOYEQKu+r08sInY8V6eB
mNrToAcUGgxWZj/oCEvpWcgZ7IqRCAP4mlyuiMauou6Y5yz+Kpr252UrXZN8fYn1
I3IfIm4=
-----END ENCRYPTED PRIVATE KEY-----
";

/// By OpenSSL, under the passphrase `open sesame`.
const LOCKED_BY_PBKDF2: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGaMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAjrEdwhcOk29QIBATAM
BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQAxbtw8uc++7tVQW3F+dypgRAbfQu
897JxFSeaJWNHERuwNGP/CYupjUM+DAeGTztzZPA9FOmlSGLp+OOnWlLTPoi0AQb
63Cbafwy4gThjfPCKg==
-----END ENCRYPTED PRIVATE KEY-----
";
