//! Every path of the product that judges a signature gives the answer of the one predicate (P2.2)
//! on signatures on which libraries differ: ed25519-speccheck and every combination of torsion.
//!
//! | path | where it is tested |
//! |---|---|
//! | `consensus::Ed25519`, keys known or not | `crates/consensus/tests/signatures.rs`, and here |
//! | `keys::PublicKey::verify` | here |
//! | the TLS handshake | here |
//! | transactions, alone and many at once on several threads | here |
//! | the node's memory of good signatures | `crates/node/src/checks.rs` |

#[path = "../../crates/consensus/tests/flat_json/mod.rs"]
mod flat_json;
#[path = "../../crates/consensus/tests/torsion/mod.rs"]
mod torsion;

use std::sync::Arc;

use consensus::{Ed25519, Hash, Payloads, PublicKey, Signature, Verifier, encoding::Canonical};
use keys::Address;
use ledger::{Operation, SignedTransaction, Transaction, TransactionPayloads};
use transport::testing::handshake_proves;

struct Case {
    key: [u8; 32],
    message: [u8; 32],
    signature: [u8; 64],
    good: bool,
}

fn cases() -> Vec<Case> {
    let speccheck = include_str!("../../crates/consensus/tests/data/ed25519-speccheck/cases.json");
    let torsion = include_str!("../../crates/consensus/tests/data/ed25519-torsion/cases.json");
    let read = |case: &flat_json::Object, good| Case {
        key: case.array("pub_key"),
        message: case.array("message"),
        signature: case.array("signature"),
        good,
    };
    let speccheck = flat_json::parse(speccheck);
    assert_eq!(speccheck.len(), 12);
    let numbered = speccheck.iter().enumerate();
    let mut cases: Vec<Case> = numbered
        .map(|(number, case)| read(case, number == 3))
        .collect();
    let torsion = flat_json::parse(torsion);
    assert!(torsion.len() > 100);
    cases.extend(
        torsion
            .iter()
            .map(|case| read(case, case.get("good") == "yes")),
    );
    cases
}

#[test]
fn statements_keys_and_handshakes_are_judged_alike() {
    let cases = cases();
    let unknown = Ed25519::default();
    let known = Ed25519::with_known(cases.iter().map(|case| PublicKey(case.key)));
    for (number, case) in cases.iter().enumerate() {
        let Case {
            key,
            message,
            signature,
            good,
        } = case;
        for verifier in [&unknown, &known] {
            let key = PublicKey(*key);
            let held = verifier.verify(&key, &Hash(*message), &Signature(*signature));
            assert_eq!(held, *good, "statement, case {number}");
        }
        let of_keys = keys::PublicKey::from_bytes(key).is_ok_and(|key| {
            let signature = keys::Signature::from_bytes(signature);
            key.verify(message, &signature).is_ok()
        });
        assert_eq!(of_keys, *good, "key, case {number}");
        let handshake = handshake_proves(key, message, signature);
        assert_eq!(handshake, *good, "handshake, case {number}");
    }
}

const NETWORK: Hash = Hash([7; 32]);

fn transaction(key: [u8; 32], nonce: u64) -> Transaction {
    Transaction {
        network: NETWORK,
        account: Address::from_bytes([1; 32]),
        key: PublicKey(key),
        opened: Hash::default(),
        nonce,
        valid_until: 1000,
        salt: 0,
        reference: None,
        memo: String::new(),
        operations: vec![Operation::Transfer {
            to: Address::from_bytes([2; 32]),
            asset: "USD".parse().unwrap(),
            amount: 1,
        }],
    }
}

/// Transactions under keys and with points R of every torsion, and whether they are good.
fn transactions() -> Vec<(Arc<[u8]>, bool)> {
    let mut made = Vec::new();
    for of_key in 0..8 {
        let signer = torsion::Signer::new(b"transactions", of_key);
        let digest = |nonce| transaction(signer.key(), nonce).signing_digest().0.to_vec();
        for of_point in 0..8 {
            for good in [true, false] {
                let found = torsion::message_for(&signer, of_point, good, digest);
                if let Some((nonce, signature)) = found {
                    let signed = SignedTransaction {
                        transaction: transaction(signer.key(), nonce),
                        signature: Signature(signature),
                    };
                    made.push((signed.to_bytes().into(), good));
                }
            }
        }
    }
    made
}

#[test]
fn transactions_are_judged_alike_alone_and_many_at_once() {
    let made = transactions();
    let (good, bad): (Vec<_>, Vec<_>) = made.iter().partition(|(_, good)| *good);
    assert!(good.len() >= 20 && bad.len() >= 50, "{}", good.len());
    let keys =
        (0..8).map(|torsion| PublicKey(torsion::Signer::new(b"transactions", torsion).key()));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(4)
        .build()
        .unwrap();
    for verifier in [Ed25519::default(), Ed25519::with_known(keys)] {
        let payloads = TransactionPayloads::with_verifier(NETWORK, Arc::new(verifier));
        for (payload, good) in &made {
            assert_eq!(payloads.check(payload).is_ok(), *good);
        }
        let all = |some: &[Arc<[u8]>]| pool.install(|| payloads.check_all(some));
        let good: Vec<Arc<[u8]>> = good.iter().map(|(payload, _)| payload.clone()).collect();
        assert_eq!(all(&good).map(|keys| keys.len()), Ok(good.len()));
        // One bad among many good ones is seen, wherever it stands.
        for (number, (bad, _)) in bad.iter().enumerate() {
            let mut mixed = good.clone();
            mixed.insert(number % (good.len() + 1), bad.clone());
            assert!(all(&mixed).is_err());
        }
    }
}
