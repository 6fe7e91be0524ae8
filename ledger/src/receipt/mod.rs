//! Receipts: files that prove a transaction's place, commit and result offline (P7.1).
//!
//! # The file
//! JSON; every binary part is lower-case hexadecimal of a canonical layout.
//!
//! | field | meaning |
//! |---|---|
//! | `format` | 1 |
//! | `network` | hash of genesis |
//! | `transaction` | the signed transaction ([`crate::transaction`]) |
//! | `position`, `path` | where it stands in the entry's body, and its Merkle path (RFC 9162), lowest sibling first |
//! | `entry` | the entry's header and its author's signature |
//! | `commit` | `{"kind": "certificate", "between": […], "certificate": …}`: the headers strictly between the entry and the one that the commit certificate speaks about, and the certificate; `{"kind": "acknowledgements", "following": […], "replies": […]}`: signed headers after the entry, and signed append replies; or `{"kind": "inclusion-only"}` |
//! | `result` | absent, or `{"bytes": …, "proof": …}`: the canonical [`TransactionResult`](crate::TransactionResult) and, in Byzantine mode, `{"root", "path", "digest_before", "roots_after": […], "votes": […]}` |
//!
//! # What it proves
//! | mode | commit | result |
//! |---|---|---|
//! | byzantine | certified: false only if more than f validators are traitors | certified by f + 1 validators |
//! | raft-signed | a majority's acknowledgement, or inclusion only | the serving node's word |
//! | raft | inclusion only: no validator has signed anything | the serving node's word |
//!
//! A receipt of a later epoch will carry the proofs of the configurations since genesis. Until
//! then every receipt is of the first epoch.

mod build;
mod failure;
mod verified;
mod verify;
mod verify_commit;
mod verify_result;

use serde::{Deserialize, Serialize};

pub use build::{IncompleteReceipt, ReceiptParts, ResultParts};
pub use failure::{ReceiptError, ReceiptFailure};
pub use verified::{Assurance, Check, Shown, Step, VerifiedReceipt, VerifiedResult};

use crate::{
    hexadecimal::{HexBytes, HexHash},
    limits::RECEIPT_BYTES,
};

/// The one format that is read and written.
pub const FORMAT: u32 = 1;

/// A receipt as it stands in its file; nothing about it is known before [`Receipt::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    format: u32,
    network: HexHash,
    transaction: HexBytes,
    position: u32,
    path: Vec<HexHash>,
    entry: HexBytes,
    commit: CommitProof,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<ResultPart>,
}

/// What shows that the entry is committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum CommitProof {
    Certificate {
        between: Vec<HexBytes>,
        certificate: HexBytes,
    },
    Acknowledgements {
        following: Vec<HexBytes>,
        replies: Vec<HexBytes>,
    },
    InclusionOnly {},
}

/// What became of the transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultPart {
    bytes: HexBytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<ResultProof>,
}

/// What shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultProof {
    root: HexHash,
    path: Vec<HexHash>,
    digest_before: HexHash,
    roots_after: Vec<HexHash>,
    votes: Vec<HexBytes>,
}

impl Receipt {
    /// Reads a file of at most [`RECEIPT_BYTES`]. This checks its form only.
    ///
    /// # Errors
    /// [`ReceiptError::TooLarge`], [`ReceiptError::Json`] or [`ReceiptError::Format`].
    pub fn from_json(json: &[u8]) -> Result<Self, ReceiptError> {
        if json.len() > RECEIPT_BYTES {
            return Err(ReceiptError::TooLarge(json.len()));
        }
        let receipt: Self = keys::strict_json::from_slice(json).map_err(|error| {
            // The parser may quote the file: let no control character through to a terminal.
            let text = error.to_string();
            let plain = text.chars().filter(|character| !character.is_control());
            ReceiptError::Json(plain.take(200).collect())
        })?;
        match receipt.format {
            FORMAT => Ok(receipt),
            other => Err(ReceiptError::Format(other)),
        }
    }

    /// The file's text, ending in a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self)
            .expect("a receipt holds nothing that JSON cannot express");
        json.push('\n');
        json
    }
}
