//! The one signature predicate (P2.2) against crafted signatures on which libraries disagree.
//!
//! The cases are those of ed25519-speccheck (Chalkias, Garillot, Nikolaenko, *Taming the many
//! EdDSAs*, SSR 2020), and every combination of torsion in key and R. Their messages have 32 bytes,
//! as every digest that is signed here. That the other paths of the product give the same answers
//! is shown in `fuzz/tests/signatures.rs` and in the node's and the transport's own tests.

mod flat_json;
mod torsion;

use consensus::{Ed25519, Hash, PublicKey, Signature, Verifier};
use flat_json::Object;

/// What each case is, and whether strict verification takes it: no key or R of small order, S
/// below the group order, and the equation without cofactor over the bytes as they are.
const CASES: [(&str, bool); 12] = [
    ("key and R of small order, S = 0", false),
    ("key of small order", false),
    ("R of small order", false),
    ("key and R with torsion, the equation holds as it is", true),
    ("the equation holds only with cofactor", false),
    (
        "the equation holds only with cofactor, and only if 8 k is not reduced",
        false,
    ),
    ("S beyond the group order", false),
    ("S far beyond the group order", false),
    (
        "R of small order, not canonical; holds if R is reduced before hashing",
        false,
    ),
    (
        "R of small order, not canonical; holds if R is hashed as it is",
        false,
    ),
    (
        "key of small order, not canonical; holds if the key is reduced before hashing",
        false,
    ),
    (
        "key of small order, not canonical; holds if the key is hashed as it is",
        false,
    ),
];

struct Case {
    key: PublicKey,
    digest: Hash,
    signature: Signature,
}

fn cases() -> Vec<Case> {
    flat_json::parse(include_str!("data/ed25519-speccheck/cases.json"))
        .iter()
        .map(|case| Case {
            key: PublicKey(case.array("pub_key")),
            digest: Hash(case.array("message")),
            signature: Signature(case.array("signature")),
        })
        .collect()
}

#[test]
fn crafted_signatures_are_judged_strictly_and_alike() {
    let cases = cases();
    assert_eq!(cases.len(), CASES.len());
    let unknown = Ed25519::default();
    let known = Ed25519::with_known(cases.iter().map(|case| case.key));
    for (number, (case, (what, accepted))) in cases.iter().zip(CASES).enumerate() {
        for verifier in [&unknown, &known] {
            let holds = verifier.verify(&case.key, &case.digest, &case.signature);
            assert_eq!(holds, accepted, "case {number}: {what}");
        }
    }
}

/// The same signature with the group order added to S.
fn with_order_added(signature: &[u8; 64]) -> [u8; 64] {
    /// 2²⁵² + 27742317777372353535851937790883648493, little-endian.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut rewritten = *signature;
    let mut carry = 0;
    for (byte, order) in rewritten[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    rewritten
}

/// An accepted signature has one form: adding the group order to S is refused.
#[test]
fn the_accepted_signature_cannot_be_rewritten() {
    let Case {
        key,
        digest,
        signature,
    } = cases().swap_remove(3);
    let rewritten = Signature(with_order_added(&signature.0));
    for verifier in [Ed25519::default(), Ed25519::with_known([key])] {
        assert!(verifier.verify(&key, &digest, &signature));
        assert!(!verifier.verify(&key, &digest, &rewritten));
    }
}

/// The torsion cases, as they stand in their file: each with whether it is good.
fn torsion_cases() -> Vec<(Case, bool, String)> {
    flat_json::parse(include_str!("data/ed25519-torsion/cases.json"))
        .iter()
        .map(|case| {
            let read = Case {
                key: PublicKey(case.array("pub_key")),
                digest: Hash(case.array("message")),
                signature: Signature(case.array("signature")),
            };
            (read, case.get("good") == "yes", case.get("what").to_owned())
        })
        .collect()
}

/// Keys and points R with every combination of torsion, messages for which the equation holds and
/// does not, points R of small order, and S beyond the group order.
fn made_torsion_cases() -> Vec<Object> {
    let mut cases = Vec::new();
    let mut add = |what: String, key: [u8; 32], message: &[u8], signature: &[u8], good: bool| {
        cases.push(Object(vec![
            ("what".to_owned(), what),
            (
                "good".to_owned(),
                if good { "yes" } else { "no" }.to_owned(),
            ),
            ("message".to_owned(), flat_json::to_hex(message)),
            ("pub_key".to_owned(), flat_json::to_hex(&key)),
            ("signature".to_owned(), flat_json::to_hex(signature)),
        ]));
    };
    let message = |number: u64| [&number.to_le_bytes(), &[0; 24][..]].concat();
    for of_key in 0..8 {
        let signer = torsion::Signer::new(b"torsion", of_key);
        for of_point in 0..8 {
            for good in [true, false] {
                let found = torsion::message_for(&signer, of_point, good, message);
                if let Some((number, signature)) = found {
                    let what = format!("key with {of_key}/8 torsion, R with {of_point}/8");
                    add(what, signer.key(), &message(number), &signature, good);
                }
            }
            let small = signer.sign(&message(0), of_point, true).signature;
            let what = format!("key with {of_key}/8 torsion, R of small order, {of_point}/8");
            add(what, signer.key(), &message(0), &small, false);
        }
    }
    let signer = torsion::Signer::new(b"torsion", 0);
    let signature = signer.sign(&message(7), 0, false).signature;
    let rewritten = with_order_added(&signature);
    let what = "S beyond the group order".to_owned();
    add(what, signer.key(), &message(7), &rewritten, false);
    cases
}

#[test]
#[ignore = "writes the torsion cases anew"]
#[expect(
    clippy::disallowed_methods,
    reason = "the core does no IO; its test data are files"
)]
fn regenerate() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/ed25519-torsion/cases.json"
    );
    std::fs::write(path, flat_json::print(&made_torsion_cases())).unwrap();
}

#[test]
fn the_torsion_cases_are_those_that_the_code_makes() {
    let stored = flat_json::parse(include_str!("data/ed25519-torsion/cases.json"));
    assert_eq!(stored, made_torsion_cases());
}

/// What is good follows from the torsion alone (`torsion::Signer::sign`), not from a library.
#[test]
fn torsion_is_judged_by_the_equation_without_cofactor() {
    let cases = torsion_cases();
    let good = cases.iter().filter(|(_, good, _)| *good).count();
    assert!(good >= 20 && cases.len() - good >= 100, "{good}");
    let unknown = Ed25519::default();
    let known = Ed25519::with_known(cases.iter().map(|(case, ..)| case.key));
    for (case, good, what) in &cases {
        for verifier in [&unknown, &known] {
            let holds = verifier.verify(&case.key, &case.digest, &case.signature);
            assert_eq!(holds, *good, "{what}");
        }
    }
}
