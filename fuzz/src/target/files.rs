//! Files that people exchange or keep: receipts, genesis, evidence, keys.

use std::path::Path;

use consensus::{Evidence, encoding::Canonical};
use keys::{Genesis, KeyPair, Passphrase, PassphraseSource};
use ledger::{Receipt, cli::testing};

use super::{Memory, Target};
use crate::network::{configuration, genesis};

const MEMORY: Memory = Memory {
    factor: 256,
    fixed: 128 << 10,
};

pub(super) const RECEIPT: Target = Target {
    name: "receipt",
    about: "a receipt's JSON: what was read is written and read again; verifying never panics and repeats",
    run: receipt,
    memory: Memory {
        factor: 512,
        fixed: 256 << 10,
    },
    longest: 16 << 10,
    replayed: 48_000,
};

fn receipt(input: &[u8]) {
    let receipt = match Receipt::from_json(input) {
        Ok(receipt) => receipt,
        Err(error) => {
            let text = error.to_string();
            return assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    };
    let again = Receipt::from_json(receipt.to_json().as_bytes());
    assert_eq!(again.as_ref().ok(), Some(&receipt));
    let judge = || match receipt.verify_with(configuration()) {
        Ok(verified) => Ok((verified.id, verified.place, verified.assurance)),
        Err(failure) => Err((failure.passed.len(), failure.error.to_string())),
    };
    assert_eq!(judge(), judge());
}

pub(super) const GENESIS: Target = Target {
    name: "genesis",
    about: "a genesis file's JSON: what passes every check is written, read again, and has the same id",
    run: genesis_file,
    memory: MEMORY,
    longest: 16 << 10,
    replayed: 48_000,
};

fn genesis_file(input: &[u8]) {
    match Genesis::from_json(input) {
        Ok(genesis) => {
            let json = genesis.to_json().expect("it was short enough to be read");
            let again = Genesis::from_json(json.as_bytes()).expect("it passed before");
            assert_eq!(again.id(), genesis.id());
            assert_eq!(again.content(), genesis.content());
            drop(node::configuration(&genesis, None));
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
}

pub(super) const EVIDENCE_FILE: Target = Target {
    name: "evidence-file",
    about: "an evidence file, as `ledger evidence verify` reads it",
    run: |input| {
        if let Ok(bytes) = testing::evidence_file(genesis(), input)
            && let Ok(evidence) = Evidence::from_bytes(&bytes)
        {
            assert_eq!(evidence.to_bytes(), bytes);
        }
    },
    memory: MEMORY,
    longest: 16 << 10,
    replayed: 64_000,
};

pub(super) const KEY_FILE: Target = Target {
    name: "key-file",
    about: "a key file, locked or not: what is read is a key that works, no error shows what the file holds, and what it demands is bounded",
    run: key_file,
    // scrypt takes up to 64 MiB.
    memory: Memory {
        factor: 64,
        fixed: 68 << 20,
    },
    longest: 2 << 10,
    replayed: 80_000,
};

/// The passphrase that is tried on what is locked.
pub(crate) const PASSPHRASE: &str = "open sesame";

fn key_file(input: &[u8]) {
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).expect("a passphrase");
    let source = PassphraseSource::Known(passphrase);
    match KeyPair::from_pem(Path::new("key.pem"), input, &source) {
        Ok(key) => {
            let signature = key.sign(b"message");
            assert_eq!(key.public_key().verify(b"message", &signature), Ok(()));
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert!(text.len() < 400, "{text:?}");
        }
    }
}
