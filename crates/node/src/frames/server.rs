//! What nodes say.

use serde::{Deserialize, Serialize};
use transport::{
    codec::{self, CodecError},
    limits::MAX_CLIENT_FRAME,
};

use super::{CanonicalBytes, Id, Key};
use crate::status::StatusReport;

/// An applied request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeFrame {
    /// The request's identity.
    pub key: Key,
    /// The transaction that has it.
    pub transaction: Id,
    /// The application's result bytes.
    #[serde(with = "serde_bytes")]
    pub result: Vec<u8>,
}

/// Why a node does not do what it was asked. Nothing has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// A bound is reached; the same may be asked again after this many milliseconds.
    Busy {
        /// Milliseconds.
        retry_after: u64,
    },
    /// The payload is no valid request, for this reason.
    Invalid(String),
    /// No leader is known at the moment.
    NoLeader,
    /// Another node leads: its position among the validators.
    NotLeader(u16),
    /// The complaint is about a term that is over.
    StaleTerm {
        /// The present term.
        term: u64,
        /// Its leader, if it has one.
        leader: Option<u16>,
    },
    /// The complaint's signature does not hold.
    BadSignature,
    /// More accounts than one connection may watch, or more submissions than one frame may hold.
    TooMany,
    /// The node is stopping.
    Stopping,
    /// The application's present state would refuse the request at once, so the node takes no part
    /// in having it agreed on (P6.2).
    NotAdmitted {
        /// Whether that is so for good: the request's number is settled, or its validity is over.
        settled: bool,
        /// The application's result bytes: what executing it now would give.
        #[serde(with = "serde_bytes")]
        result: Vec<u8>,
    },
}

/// What a node knows of a transaction, or of what was done under a reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionState {
    /// Neither waiting here nor in any entry that this node has executed.
    Unknown {
        /// The last executed index.
        applied: u64,
    },
    /// This node took it and has not seen it committed.
    Pending,
    /// Executed.
    Applied {
        /// The entry's index.
        index: u64,
        /// The entry's term.
        term: u64,
        /// Its position in the entry.
        position: u32,
        /// The outcome.
        outcome: OutcomeFrame,
    },
    /// This node took it, no entry up to there holds it, and the state refuses it for ever: another
    /// transaction has settled its nonce, as a rule, or its time is over.
    Superseded {
        /// The last executed index.
        applied: u64,
    },
}

/// What a receipt is made of (P7.1). Bytes are canonical layouts of the consensus core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptParts {
    /// The transaction.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
    /// Its position in the entry.
    pub position: u32,
    /// Merkle path from the transaction to the header's body root, lowest sibling first.
    pub path: Vec<Id>,
    /// The entry's `SignedHeader`.
    #[serde(with = "serde_bytes")]
    pub header: Vec<u8>,
    /// The `SignedHeader`s after it up to the certificate's point; empty if that is the entry.
    pub following: Vec<CanonicalBytes>,
    /// Byzantine mode: the `QuorumCertificate` that commits the last of these headers. Absent in
    /// the Raft modes.
    pub commit: Option<CanonicalBytes>,
    /// The mode `raft-signed`: a majority's `Signed<RaftAppendReply>` that hold the last of these
    /// headers, as far as this node, as leader, collected them.
    pub acknowledgements: Vec<CanonicalBytes>,
    /// The application's result bytes.
    #[serde(with = "serde_bytes")]
    pub result: Vec<u8>,
    /// Merkle path from the result to the entry's results root.
    pub result_path: Vec<Id>,
    /// How many results there are under that root.
    pub result_count: u32,
    /// The digest before the entry (P2.6).
    pub digest_before: Id,
    /// The results roots from the entry to the index that the votes name, the entry's own first.
    pub results_roots: Vec<Id>,
    /// Byzantine mode: f + 1 `Signed<Vote>` for the digest that follows from the roots. Empty if
    /// none are at hand.
    pub result_votes: Vec<CanonicalBytes>,
}

/// A committed entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockFrame {
    /// The `SignedHeader`.
    #[serde(with = "serde_bytes")]
    pub header: Vec<u8>,
    /// The entry's hash.
    pub hash: Id,
    /// The body; left out of a term record, which may be larger than a frame.
    pub payloads: Option<Vec<CanonicalBytes>>,
}

/// One line of the list of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceSummary {
    /// SHA-256, tagged `hawser/v1/evidence-id`, of its canonical bytes.
    pub id: Id,
    /// The offence's name.
    pub offence: String,
    /// The accused validator's position.
    pub accused: u16,
    /// One sentence for people.
    pub text: String,
}

/// From a node to a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ServerFrame {
    /// The first frame on a connection, and again whenever the leader changes.
    Leader {
        /// The term.
        term: u64,
        /// Its leader's position among the validators, if it has one.
        leader: Option<u16>,
    },
    /// Outcomes of watched accounts and of what this connection submitted, all of one entry.
    Outcomes {
        /// The entry's index.
        index: u64,
        /// The entry's term.
        term: u64,
        /// The outcomes.
        outcomes: Vec<OutcomeFrame>,
    },
    /// A request is not taken, or a question not answered.
    Refused {
        /// Which.
        id: u64,
        /// Why.
        refusal: Refusal,
    },
    /// The application's answer.
    Answer {
        /// To which question.
        id: u64,
        /// The index up to which the answered state is executed.
        applied: u64,
        /// The application's bytes.
        #[serde(with = "serde_bytes")]
        answer: Vec<u8>,
    },
    /// Answer to [`ClientFrame::ReadIndex`](super::ClientFrame::ReadIndex).
    ReadIndex {
        /// To which question.
        id: u64,
        /// The index.
        index: u64,
    },
    /// Answer to [`ClientFrame::Status`](super::ClientFrame::Status).
    Status {
        /// To which question.
        id: u64,
        /// The report.
        report: Box<StatusReport>,
    },
    /// Answer to [`ClientFrame::Transaction`](super::ClientFrame::Transaction).
    Transaction {
        /// To which question.
        id: u64,
        /// What is known.
        state: TransactionState,
    },
    /// Answer to [`ClientFrame::Receipt`](super::ClientFrame::Receipt); `None` if this node has not executed the transaction.
    Receipt {
        /// To which question.
        id: u64,
        /// The parts.
        parts: Option<Box<ReceiptParts>>,
    },
    /// Answer to [`ClientFrame::Block`](super::ClientFrame::Block); `None` if nothing is committed there.
    Block {
        /// To which question.
        id: u64,
        /// The entry.
        block: Option<BlockFrame>,
    },
    /// Answer to [`ClientFrame::EvidenceList`](super::ClientFrame::EvidenceList).
    EvidenceList {
        /// To which question.
        id: u64,
        /// The list.
        list: Vec<EvidenceSummary>,
    },
    /// Answer to [`ClientFrame::EvidenceGet`](super::ClientFrame::EvidenceGet); `None` if there is no such evidence.
    Evidence {
        /// To which question.
        id: u64,
        /// Canonical bytes of [`consensus::Evidence`].
        evidence: Option<CanonicalBytes>,
    },
}

impl ServerFrame {
    /// The client's name for what this answers, where it has one.
    #[must_use]
    pub const fn id(&self) -> Option<u64> {
        match self {
            Self::Leader { .. } | Self::Outcomes { .. } => None,
            Self::Refused { id, .. }
            | Self::Answer { id, .. }
            | Self::ReadIndex { id, .. }
            | Self::Status { id, .. }
            | Self::Transaction { id, .. }
            | Self::Receipt { id, .. }
            | Self::Block { id, .. }
            | Self::EvidenceList { id, .. }
            | Self::Evidence { id, .. } => Some(*id),
        }
    }

    /// Reads a node's frame.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode::<_, MAX_CLIENT_FRAME>(bytes)
    }
}
