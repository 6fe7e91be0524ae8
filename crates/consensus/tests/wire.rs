//! The wire format of `docs/wire.md` against its test vectors, and against bytes that nobody made.
//!
//! `cargo test -p consensus --test wire -- --ignored regenerate` writes the vectors anew. They
//! change only together with the version of the format.

mod flat_json;
mod vectors;

use std::{fs, sync::LazyLock};

use consensus::{
    Ed25519, Entry, EntryKind, Epoch, Evidence, Message, Mode, NodeId, Term, Verification,
    certificate::{ElectionCertificate, LeaveCertificate, QuorumCertificate},
    encoding::{Canonical, DecodeError, Reader},
    limits,
    message::AppendEntries,
};
use flat_json::{Object, parse};
use proptest::prelude::*;
use vectors::{Network, network_of, recode};

/// The vectors with bytes of a layout, as they stand in the files.
fn stored() -> &'static [Object] {
    static STORED: LazyLock<Vec<Object>> = LazyLock::new(|| {
        vectors::files()
            .iter()
            .flat_map(|file| parse(&fs::read_to_string(vectors::path(file.name)).unwrap()))
            .filter(|vector| vector.find("bytes").is_some())
            .collect()
    });
    &STORED
}

fn named(name: &str) -> &'static Object {
    let found = stored().iter().find(|vector| vector.get("name") == name);
    found.unwrap_or_else(|| panic!("no vector is named {name}"))
}

#[test]
#[ignore = "writes the vectors anew"]
#[expect(
    clippy::disallowed_methods,
    reason = "the core does no IO; its vectors are files"
)]
fn regenerate() {
    for file in vectors::files() {
        fs::write(vectors::path(file.name), flat_json::print(&file.objects)).unwrap();
    }
}

#[test]
fn the_code_makes_every_vector_byte_for_byte() {
    for file in vectors::files() {
        let stored = parse(&fs::read_to_string(vectors::path(file.name)).unwrap());
        assert_eq!(stored.len(), file.objects.len(), "{}", file.name);
        for (stored, made) in stored.iter().zip(&file.objects) {
            assert_eq!(stored, made, "{}", file.name);
        }
    }
}

#[test]
fn every_vector_is_read_and_written_back() {
    for vector in stored() {
        let network = network_of(vector);
        let bytes = vector.bytes("bytes");
        let again = recode(&network.configuration, vector.get("layout"), &bytes);
        assert_eq!(again, Ok(bytes), "{}", vector.get("name"));
    }
}

#[test]
fn every_kind_of_message_has_a_vector() {
    let kinds: std::collections::BTreeSet<u8> = stored()
        .iter()
        .filter(|vector| vector.get("layout") == "message")
        .map(|vector| vector.bytes("bytes")[0])
        .collect();
    let known = (0..=u8::MAX).filter(|&kind| {
        let network = network_of(named("vote"));
        Message::from_bytes(&network.configuration, &[kind])
            != Err(DecodeError::Unknown {
                what: "message kind",
                found: kind.into(),
            })
    });
    assert!(known.eq(kinds));
}

/// Judges a vector as a receiver does.
fn judge(verification: &Verification, vector: &Object, bytes: &[u8]) -> Result<(), String> {
    fn text(error: impl ToString) -> String {
        error.to_string()
    }
    let (configuration, verifier) = (verification.configuration(), verification.verifier());
    match vector.get("layout") {
        "message" => {
            let from = NodeId(vector.get("signer").parse().unwrap());
            verification.message(from, bytes).map(drop).map_err(text)
        }
        "entry" => {
            let entry = Entry::decode(configuration, &mut Reader::new(bytes)).map_err(text)?;
            verification.entries(&mut [entry.into()]).map_err(text)
        }
        "quorum certificate" => {
            let certificate = QuorumCertificate::from_bytes(bytes).map_err(text)?;
            certificate.check(configuration, verifier).map_err(text)
        }
        "election certificate" => {
            let certificate = ElectionCertificate::from_bytes(bytes).map_err(text)?;
            certificate.check(configuration, verifier).map_err(text)
        }
        "leave certificate" => {
            let certificate = LeaveCertificate::from_bytes(bytes).map_err(text)?;
            certificate.check(configuration, verifier).map_err(text)
        }
        "evidence" => {
            let evidence = Evidence::from_bytes(bytes).map_err(text)?;
            evidence.check(configuration, verifier).map_err(text)
        }
        // Parts that nobody judges alone.
        "entry header" | "signed header" | "term record" => Ok(()),
        other => panic!("unknown layout {other}"),
    }
}

#[test]
fn every_vector_is_valid() {
    for vector in stored() {
        let verification = network_of(vector).verification();
        let judged = judge(&verification, vector, &vector.bytes("bytes"));
        assert_eq!(judged, Ok(()), "{}", vector.get("name"));
    }
}

/// Signatures are over the digest of the body under the tag, by the key of the signer.
#[test]
fn signed_parts_are_what_the_vectors_say() {
    use consensus::{Hash, PublicKey, Signature, Verifier};
    let keys = parse(&fs::read_to_string(vectors::path("keys.json")).unwrap());
    for vector in stored() {
        let Some(digest) = vector.find("digest") else {
            continue;
        };
        let who = vector.find("signer").or_else(|| vector.find("author"));
        let name = format!("validator {}", who.unwrap());
        let key = keys.iter().find(|key| key.get("name") == name).unwrap();
        let holds = Ed25519::default().verify(
            &PublicKey(key.array("public key")),
            &Hash(flat_json::from_hex(digest).try_into().unwrap()),
            &Signature(vector.array("signature")),
        );
        assert!(holds, "{}", vector.get("name"));
    }
}

/// Whatever is read has one encoding: a flipped bit makes another value or none.
#[test]
fn a_flipped_bit_is_refused_or_makes_another_canonical_value() {
    for vector in stored() {
        let configuration = network_of(vector).configuration;
        let mut bytes = vector.bytes("bytes");
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(again) = recode(&configuration, vector.get("layout"), &bytes) {
                assert_eq!(again, bytes, "{}, bit {bit}", vector.get("name"));
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// Nothing in a signed message is outside its signature.
#[test]
fn no_bit_of_a_signed_message_can_be_changed() {
    const BITS_OF_EACH: usize = 500;
    let signed =
        |vector: &&Object| vector.get("layout") == "message" && vector.find("digest").is_some();
    for vector in stored().iter().filter(signed) {
        let verification = network_of(vector).verification();
        let mut bytes = vector.bytes("bytes");
        let bits = bytes.len() * 8;
        for bit in (0..bits).step_by(1 + bits / BITS_OF_EACH) {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let judged = judge(&verification, vector, &bytes);
            assert!(judged.is_err(), "{}, bit {bit}", vector.get("name"));
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn what_is_cut_short_or_too_long_is_refused() {
    for vector in stored() {
        let configuration = network_of(vector).configuration;
        let (name, layout) = (vector.get("name"), vector.get("layout"));
        let mut bytes = vector.bytes("bytes");
        for length in 0..bytes.len() {
            let cut = recode(&configuration, layout, &bytes[..length]);
            let short = matches!(cut, Err(DecodeError::Short { .. }));
            assert!(short, "{name}, {length} bytes: {cut:?}");
        }
        bytes.push(0);
        let long = recode(&configuration, layout, &bytes);
        assert_eq!(long, Err(DecodeError::Trailing { extra: 1 }), "{name}");
    }
}

/// Every sender stops adding entries once their bodies are as long as a message should be.
#[test]
fn entries_after_a_full_message_are_refused() {
    let network = Network::new(Mode::Byzantine);
    let payload = vec![7; limits::PAYLOAD_BYTES];
    let payloads = vec![&payload[..]; limits::MESSAGE_BYTES / 2 / limits::PAYLOAD_BYTES];
    let mut previous = network.configuration.opening();
    let entries = [(); 3].map(|()| {
        let entry = network.entry(EntryKind::Transactions, (0, 0), previous, &payloads);
        previous = entry.point();
        entry
    });
    let read = |count: usize| {
        let append = AppendEntries {
            epoch: Epoch::ZERO,
            term: Term(0),
            previous: network.configuration.opening(),
            entries: entries[..count].to_vec(),
            commit: None,
            election: None,
        };
        let bytes = Message::from(network.sign(0, append)).to_bytes();
        Message::from_bytes(&network.configuration, &bytes).map(|_| ())
    };
    assert_eq!(read(2), Ok(()));
    let refused = Err(DecodeError::TooLong {
        what: "entries of a message",
        found: limits::MESSAGE_BYTES,
        limit: limits::MESSAGE_BYTES,
    });
    assert_eq!(read(3), refused);
}

/// A count beyond its limit is refused by that limit, whatever follows; so nothing was reserved
/// for it. A count within its limit is refused when the input ends.
#[test]
fn announced_lengths_are_judged_before_anything_is_read() {
    const HEADER: usize = 104;
    const SIGNED_HEADER: usize = HEADER + 64;
    // Kind and signer, or offence and epoch, come before.
    let prefixes = [
        ("append-entries", 3 + 8 + 8 + 40, "entries of a message", 64),
        (
            "append-entries",
            3 + 8 + 8 + 40 + 4 + SIGNED_HEADER,
            "payloads of an entry",
            1024,
        ),
        (
            "append-entries",
            3 + 8 + 8 + 40 + 4 + SIGNED_HEADER + 4,
            "payload",
            65_536,
        ),
        (
            "append-entries of term 1",
            3 + 8 + 8 + 40 + 4 + SIGNED_HEADER,
            "payloads of an entry",
            1,
        ),
        (
            "append-entries of term 1",
            3 + 8 + 8 + 40 + 4 + SIGNED_HEADER + 4,
            "payload",
            6_291_456,
        ),
        (
            "report of validator 1",
            3 + 8 + 8 + 8 + 40,
            "headers of a report",
            64,
        ),
        ("request-vote", 3 + 8 + 8 + 40, "reports", 64),
        (
            "fetch-reply",
            3 + 8 + 40 + 1 + 40,
            "entries of a message",
            64,
        ),
        ("relay", 3 + 8 + 1, "relayed requests", 1024),
        ("relay", 3 + 8 + 1 + 4, "relayed request", 65_536),
        (
            "raft append-entries",
            3 + 8 + 8 + 40,
            "entries of a message",
            64,
        ),
        ("accepted", 1 + HEADER, "headers of a certificate", 64),
        ("locked", 1 + HEADER + 4, "votes of a certificate", 64),
        ("election", 8 + 8 + 40 + 32, "grants of a certificate", 64),
        ("leave", 8 + 8, "leaves of a certificate", 64),
    ];
    for (name, offset, what, limit) in prefixes {
        let vector = named(name);
        let configuration = network_of(vector).configuration;
        let announce = |count: u32| {
            let mut bytes = vector.bytes("bytes");
            bytes.truncate(offset);
            bytes.extend(count.to_le_bytes());
            recode(&configuration, vector.get("layout"), &bytes)
        };
        for count in [limit + 1, u32::MAX] {
            let expected = DecodeError::TooLong {
                what,
                found: count as usize,
                limit: limit as usize,
            };
            assert_eq!(announce(count), Err(expected), "{name}");
        }
        let most = announce(limit);
        assert!(
            matches!(most, Err(DecodeError::Short { .. })),
            "{name}: {most:?}"
        );
    }
}

proptest! {
    #[test]
    fn random_bytes_are_refused_or_canonical(
        kind in prop_oneof![1..=12u8, 20..=23u8, any::<u8>()],
        rest in proptest::collection::vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..600),
    ) {
        let configuration = network_of(named("vote")).configuration;
        let bytes = [&[kind][..], &rest].concat();
        if let Ok(message) = Message::from_bytes(&configuration, &bytes) {
            prop_assert_eq!(message.to_bytes(), bytes);
        }
    }

    #[test]
    fn vectors_with_a_foreign_piece_are_refused_or_canonical(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        cut in 0..40usize,
        piece in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let vector = &stored()[which.index(stored().len())];
        let configuration = network_of(vector).configuration;
        let mut bytes = vector.bytes("bytes");
        let start = at.index(bytes.len());
        let end = bytes.len().min(start + cut);
        bytes.splice(start..end, piece);
        if let Ok(again) = recode(&configuration, vector.get("layout"), &bytes) {
            prop_assert_eq!(again, bytes);
        }
    }
}
