//! What verifying a receipt gives.

use std::fmt;

use consensus::{Hash, Point, Term};

use crate::{
    outcome::{Outcome, Place, TransactionResult},
    transaction::SignedTransaction,
};

/// How much a receipt proves about the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assurance {
    /// It stands in the entry shown. Nothing shows that the entry is part of the ledger.
    InclusionOnly,
    /// A majority has acknowledged the entry; it holds if no node lies.
    MajorityAcknowledged,
    /// A commit certificate: it holds while at most f validators are traitors.
    Certified,
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::InclusionOnly => "inclusion only",
            Self::MajorityAcknowledged => "majority acknowledged",
            Self::Certified => "certified",
        })
    }
}

/// One of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The receipt is of the genesis file's network.
    Network,
    /// The transaction is well formed and signed.
    Transaction,
    /// The entry's header is its leader's.
    Entry,
    /// The transaction stands in the entry.
    Inclusion,
    /// The entry is committed.
    Commit,
    /// The result is what the network computed.
    Result,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Network => "network",
            Self::Transaction => "transaction",
            Self::Entry => "entry",
            Self::Inclusion => "inclusion",
            Self::Commit => "commit",
            Self::Result => "result",
        })
    }
}

/// A check that found nothing wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub check: Check,
    /// Whether it proves something. In the Raft modes a receipt may show nothing about the commit.
    pub proven: bool,
    /// What was found, in a sentence.
    pub sentence: String,
}

/// What a receipt shows about the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It was applied, for certain.
    Applied,
    /// It was rejected, and never will be applied.
    Rejected,
    /// Nothing was done here, because it was settled before.
    Repeat,
    /// Nothing is certain: the receipt holds no result, or one node's word.
    Unproven,
}

/// A result in a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedResult {
    /// What became of the transaction.
    pub result: TransactionResult,
    /// Whether f + 1 validators signed for it. Otherwise it is the serving node's word.
    pub certified: bool,
}

/// What a receipt shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// The checks, in order.
    pub steps: Vec<Step>,
    /// How much it proves about the commit.
    pub assurance: Assurance,
    /// The transaction's id.
    pub id: Hash,
    /// The transaction.
    pub transaction: SignedTransaction,
    /// Where it stands.
    pub place: Place,
    /// The entry.
    pub entry: Point,
    /// The entry's term.
    pub term: Term,
    /// The entry's timestamp, in milliseconds since the Unix epoch.
    pub timestamp: u64,
    /// What became of the transaction, if the receipt says.
    pub result: Option<VerifiedResult>,
}

impl VerifiedReceipt {
    /// What it shows about the payment. A rejection counts also as one node's word: who is told that
    /// nothing was paid should not take it for a payment.
    #[must_use]
    pub fn shown(&self) -> Shown {
        match &self.result {
            None => Shown::Unproven,
            Some(VerifiedResult { result, certified }) => match result.outcome {
                Outcome::Rejected(_) => Shown::Rejected,
                Outcome::Repeat => Shown::Repeat,
                Outcome::Applied if *certified && self.assurance == Assurance::Certified => {
                    Shown::Applied
                }
                Outcome::Applied => Shown::Unproven,
            },
        }
    }
}
