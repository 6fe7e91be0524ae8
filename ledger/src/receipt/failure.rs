//! Why a receipt does not hold.

use consensus::{
    Hash, certificate::CertificateError, encoding::DecodeError, mode::SizeError,
    verification::InvalidEntry,
};
use thiserror::Error;

use super::{
    FORMAT,
    verified::{Check, Step},
};
use crate::{limits::RECEIPT_BYTES, transaction::TransactionError};

/// What is wrong with a receipt.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReceiptError {
    /// The file is larger than any receipt.
    #[error("the receipt has {0} bytes; the limit is {RECEIPT_BYTES}")]
    TooLarge(usize),
    /// The text is not JSON of this form.
    #[error("the receipt cannot be read: {0}")]
    Json(String),
    /// The file was made for another version of this program.
    #[error("the receipt has format {0}; this program reads format {FORMAT}")]
    Format(u32),
    /// The genesis file lists validators that cannot make a network.
    #[error("the genesis file makes no network: {0}")]
    Genesis(#[from] SizeError),
    /// It belongs to another network.
    #[error("the receipt is of the network {found}, and the genesis file is that of {expected}")]
    WrongNetwork {
        /// The genesis file's.
        expected: Hash,
        /// The receipt's.
        found: Hash,
    },
    /// A list is longer than in any receipt.
    #[error("there are {found} {what}; the limit is {limit}")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// A binary part has another layout.
    #[error("{what} cannot be read: {source}")]
    Malformed {
        /// Which part.
        what: &'static str,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The transaction is not valid, or not signed by its key.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// The entry is no entry of transactions.
    #[error("the entry holds no transactions")]
    EntryKind,
    /// The Merkle path does not lead from the transaction to the entry.
    #[error("the transaction is not in the entry at position {0}")]
    NotIncluded(u32),
    /// The entry's header is not its leader's.
    #[error("{0}")]
    Entry(#[from] InvalidEntry),
    /// The kind of proof does not belong to the network's mode.
    #[error("a receipt of mode {mode} does not carry this kind of proof of commit")]
    ProofOfOtherMode {
        /// The network's mode.
        mode: consensus::Mode,
    },
    /// The receipt of a Byzantine network does not show that the entry is committed.
    #[error("the receipt holds no commit certificate")]
    NoCommitCertificate,
    /// The headers between the entry and the proof are not one chain.
    #[error("the headers from the entry to the proof of its commit are not linked")]
    Unlinked,
    /// The commit certificate does not hold.
    #[error("the commit certificate does not hold: {0}")]
    Certificate(#[from] CertificateError),
    /// The certificate shows acceptance, not commit.
    #[error("the certificate's {0} votes do not commit")]
    NotCommitting(usize),
    /// A signer stands twice in one proof, or is no validator.
    #[error("a signer is counted twice, or is no validator")]
    Signers,
    /// A signature of a validator is not good.
    #[error("the signature of a validator is not good")]
    Signature,
    /// An acknowledgement is of another term, a refusal, or about another entry.
    #[error("an acknowledgement does not cover the entry")]
    NotAcknowledged,
    /// Fewer validators say it than it takes.
    #[error("{found} validators are fewer than the {needed} needed")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// The result is about another transaction.
    #[error("the result is that of another transaction")]
    ResultOfOther,
    /// The Merkle path does not lead from the result to the results root.
    #[error("the result is not among the entry's results")]
    ResultNotIncluded,
    /// In Byzantine mode a result needs its certificate, in the Raft modes there is none.
    #[error("the result comes with a proof that the mode does not have, or lacks the one it has")]
    ResultProof,
    /// A vote is about another result digest.
    #[error("a vote does not confirm the result")]
    ResultNotConfirmed,
    /// Something in it proves nothing: no receipt holds more than it needs.
    #[error("there are more {0} than lead to what they are to prove")]
    Unused(&'static str),
}

/// A receipt that does not hold: how far the checks came, and what failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{failed}: {error}")]
pub struct ReceiptFailure {
    /// The checks that passed before.
    pub passed: Vec<Step>,
    /// The check that failed.
    pub failed: Check,
    /// Why.
    #[source]
    pub error: ReceiptError,
}
