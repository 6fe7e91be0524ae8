//! The transactions and results of `docs/wire.md` against their test vectors.
//!
//! `cargo test -p ledger --test wire -- --ignored regenerate` writes the vectors anew. They change
//! only together with the version of the format.

use std::{fs, path::PathBuf};

use consensus::{Hash, PublicKey, encoding::Canonical};
use keys::{KeyPair, SigningKey, to_hex};
use ledger::{
    Earlier, Operation, Outcome, Place, Reference, Rejection, RejectionCode, SignedTransaction,
    Transaction, TransactionResult, request_account,
};
use serde_json::{Value, json};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/wire/transactions.json")
}

/// The network of the core's vectors.
fn network() -> Hash {
    let mut bytes = [0; 32];
    for (byte, number) in bytes.iter_mut().zip(0..) {
        *byte = number;
    }
    Hash(bytes)
}

fn key(seed: u8) -> KeyPair {
    KeyPair::from(SigningKey::from_bytes(&[seed; 32]))
}

fn transaction(seed: u8, operations: Vec<Operation>) -> Transaction {
    let public = key(seed).public_key();
    Transaction {
        network: network(),
        account: public.address(),
        key: PublicKey(*public.as_bytes()),
        opened: Hash::default(),
        nonce: 7,
        valid_until: 1000,
        salt: 0x0807_0605_0403_0201,
        reference: None,
        memo: String::new(),
        operations,
    }
}

fn transactions() -> Vec<(&'static str, &'static str, u8, Transaction)> {
    let asset = "USD".parse().unwrap();
    let to = key(2).public_key().address();
    let transfer = Operation::Transfer {
        to,
        asset,
        amount: 250,
    };
    let named = Transaction {
        opened: Hash([0x33; 32]),
        reference: Some(Reference {
            name: [0x22; 32],
            since: 900,
        }),
        memo: "für Brot".to_owned(),
        ..transaction(1, vec![transfer.clone(), transfer.clone()])
    };
    let issue = Operation::Issue {
        to,
        asset,
        amount: u64::MAX,
    };
    let open = |name: Option<&str>| Operation::OpenAccount {
        key: PublicKey(*key(3).public_key().as_bytes()),
        name: name.map(str::to_owned),
    };
    vec![
        (
            "transfer",
            "a transfer of an account of genesis",
            1,
            transaction(1, vec![transfer]),
        ),
        (
            "named transfers",
            "two transfers of an account that was opened, with memo and reference",
            1,
            named,
        ),
        (
            "issue and open",
            "what only the admin may",
            4,
            transaction(4, vec![issue, open(Some("dora")), open(None)]),
        ),
    ]
}

fn results() -> Vec<(&'static str, &'static str, TransactionResult)> {
    let result = |outcome| TransactionResult {
        transaction: Hash([0x11; 32]),
        repeats: None,
        outcome,
    };
    let earlier = Earlier {
        transaction: Hash([0x44; 32]),
        place: Place {
            index: 5,
            position: 6,
        },
    };
    let rejection = Rejection {
        code: RejectionCode::ReferenceConflict,
        operation: None,
        other: Some(Hash([0x55; 32])),
    };
    let short = Rejection {
        operation: Some(1),
        ..RejectionCode::InsufficientFunds.into()
    };
    vec![
        ("applied", "it took effect", result(Outcome::Applied)),
        (
            "rejected",
            "its second operation failed",
            result(Outcome::Rejected(short)),
        ),
        (
            "conflict",
            "the reference belongs to another transaction",
            result(Outcome::Rejected(rejection)),
        ),
        (
            "repeat",
            "its nonce was settled before",
            result(Outcome::Repeat),
        ),
        (
            "repeat of a reference",
            "another transaction was applied under its reference",
            TransactionResult {
                repeats: Some(earlier),
                ..result(Outcome::Repeat)
            },
        ),
    ]
}

fn made() -> Value {
    let mut vectors = Vec::new();
    for (name, what, seed, transaction) in transactions() {
        let signed = transaction.sign(key(seed).signing_key());
        let transaction = &signed.transaction;
        let lookup = transaction.reference.map_or(String::new(), |reference| {
            Reference::lookup(&transaction.account, &reference.name).to_string()
        });
        vectors.push(json!({
            "name": name,
            "what": what,
            "layout": "transaction",
            "seed": to_hex(&[seed; 32]),
            "public key": to_hex(&transaction.key.0),
            "account": to_hex(transaction.account.as_bytes()),
            "request account": to_hex(&request_account(&transaction.account, &transaction.key)),
            "body": to_hex(&transaction.to_bytes()),
            "digest": transaction.signing_digest().to_string(),
            "signature": to_hex(&signed.signature.0),
            "id": transaction.id().to_string(),
            "content": transaction.content().to_string(),
            "reference lookup": lookup,
            "bytes": to_hex(&signed.to_bytes()),
        }));
    }
    for (name, what, result) in results() {
        vectors.push(json!({
            "name": name,
            "what": what,
            "layout": "result",
            "bytes": to_hex(&result.to_bytes()),
        }));
    }
    Value::Array(vectors)
}

fn stored() -> Value {
    serde_json::from_slice(&fs::read(path()).unwrap()).unwrap()
}

#[test]
#[ignore = "writes the vectors anew"]
fn regenerate() {
    let mut text = serde_json::to_string_pretty(&made()).unwrap();
    text.push('\n');
    fs::create_dir_all(path().parent().unwrap()).unwrap();
    fs::write(path(), text).unwrap();
}

#[test]
fn the_code_makes_every_vector_byte_for_byte() {
    assert_eq!(stored(), made());
}

/// Of every vector each byte that is cut off or changed makes another value, or none.
#[test]
fn no_altered_bytes_are_taken_for_the_vector() {
    for vector in stored().as_array().unwrap() {
        let text = vector["bytes"].as_str().unwrap();
        let digits = text.as_bytes().chunks_exact(2);
        let bytes: Vec<u8> = digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let read = |bytes: &[u8]| match vector["layout"].as_str() {
            Some("transaction") => SignedTransaction::from_bytes(bytes).map(|it| it.to_bytes()),
            _ => TransactionResult::from_bytes(bytes).map(|it| it.to_bytes()),
        };
        assert_eq!(read(&bytes).unwrap(), bytes);
        for at in 0..bytes.len() {
            assert!(read(&bytes[..at]).is_err());
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            if let Ok(same) = read(&changed) {
                assert_eq!(same, changed);
            }
        }
        assert!(read(&[&bytes[..], &[0]].concat()).is_err());
    }
}
