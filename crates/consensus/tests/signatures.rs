//! The one signature predicate (P2.2) against crafted signatures on which libraries disagree.
//!
//! The cases are those of ed25519-speccheck (Chalkias, Garillot, Nikolaenko, *Taming the many
//! EdDSAs*, SSR 2020). Their messages have 32 bytes, as every digest that is signed here.

mod flat_json;

use consensus::{Ed25519, Hash, PublicKey, Signature, Verifier};

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

/// An accepted signature has one form: adding the group order to S is refused.
#[test]
fn the_accepted_signature_cannot_be_rewritten() {
    /// 2²⁵² + 27742317777372353535851937790883648493, little-endian.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let Case {
        key,
        digest,
        signature,
    } = cases().swap_remove(3);
    let mut rewritten = signature;
    let mut carry = 0;
    for (byte, order) in rewritten.0[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    for verifier in [Ed25519::default(), Ed25519::with_known([key])] {
        assert!(verifier.verify(&key, &digest, &signature));
        assert!(!verifier.verify(&key, &digest, &rewritten));
    }
}
