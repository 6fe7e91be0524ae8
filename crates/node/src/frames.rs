//! What clients and nodes say to each other, inside frames of an authenticated connection.
//!
//! The encoding is [`transport::codec`]'s. Canonical bytes of the consensus core (headers,
//! certificates, evidence) travel as opaque bytes, so that a client checks exactly what was signed.

use bytes::Bytes;
use consensus::RequestKey;
use serde::{Deserialize, Serialize};
use transport::{
    codec::{self, CodecError},
    limits::MAX_CLIENT_FRAME,
};

use crate::status::StatusReport;

/// Identity of a request on the wire (P2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The account.
    #[serde(with = "serde_bytes")]
    pub account: [u8; 32],
    /// The account's number for the request.
    pub nonce: u64,
}

impl From<RequestKey> for Key {
    fn from(key: RequestKey) -> Self {
        Self {
            account: key.account,
            nonce: key.nonce,
        }
    }
}

impl From<Key> for RequestKey {
    fn from(key: Key) -> Self {
        Self {
            account: key.account,
            nonce: key.nonce,
        }
    }
}

/// A 32-byte name: an account, a transaction id, the hash of a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Id(#[serde(with = "serde_bytes")] pub [u8; 32]);

/// One signed request with the client's name for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Comes back in a refusal.
    pub id: u64,
    /// The application's signed payload.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

/// From a client to a node. Whatever carries an `id` is answered by a [`ServerFrame`] with the same
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientFrame {
    /// Requests to agree on, at most [`MAX_SUBMISSIONS`]. Each is answered by a
    /// [`ServerFrame::Refused`], or later by its outcome. Repeating one is safe (P6.5).
    Submit(#[serde(deserialize_with = "codec::list")] Vec<Submission>),
    /// A request stays unanswered under this leader (P6.2).
    Complain {
        /// The client's name for the complaint; comes back in a refusal.
        id: u64,
        /// The term complained about.
        term: u64,
        /// Its leader's position among the validators.
        leader: u16,
        /// The client's signature over the [complaint](crate::Complaint), with the key of this
        /// connection.
        #[serde(with = "serde_bytes")]
        signature: [u8; 64],
        /// The request.
        #[serde(with = "serde_bytes")]
        payload: Vec<u8>,
    },
    /// Send the outcomes of these accounts from now on, at most
    /// [`WATCHED_ACCOUNTS`](crate::limits::WATCHED_ACCOUNTS) on one connection.
    Watch(#[serde(deserialize_with = "codec::list")] Vec<Id>),
    /// Ask the application.
    Query {
        /// The client's name for the question.
        id: u64,
        /// Answer only once this index is executed.
        at_least: u64,
        /// The application's bytes.
        #[serde(with = "serde_bytes")]
        question: Vec<u8>,
    },
    /// How far must one read to see everything that was acknowledged before (P7.2)? Raft modes:
    /// the leader answers by ReadIndex. Byzantine mode: every node answers how far it accepted.
    ReadIndex {
        /// The client's name for the question.
        id: u64,
    },
    /// How is the node?
    Status {
        /// The client's name for the question.
        id: u64,
    },
    /// What is known of a transaction?
    Transaction {
        /// The client's name for the question.
        id: u64,
        /// Its id.
        transaction: Id,
    },
    /// What a receipt for a transaction is made of (P7.1).
    Receipt {
        /// The client's name for the question.
        id: u64,
        /// The transaction's id.
        transaction: Id,
    },
    /// The committed entry at an index.
    Block {
        /// The client's name for the question.
        id: u64,
        /// The index.
        index: u64,
    },
    /// All evidence the node holds (P7.3).
    EvidenceList {
        /// The client's name for the question.
        id: u64,
    },
    /// One piece of evidence.
    EvidenceGet {
        /// The client's name for the question.
        id: u64,
        /// Its hash, from the list.
        evidence: Id,
    },
}

/// Most submissions in one frame.
pub const MAX_SUBMISSIONS: usize = 1024;

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
}

/// What a node knows of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionState {
    /// Neither waiting here nor among the recent outcomes, which reach back to this index.
    Unknown {
        /// The lowest index whose outcomes are remembered.
        remembered_from: u64,
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

/// Canonical bytes of the consensus core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanonicalBytes(#[serde(with = "serde_bytes")] pub Vec<u8>);

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
    /// Answer to [`ClientFrame::ReadIndex`].
    ReadIndex {
        /// To which question.
        id: u64,
        /// The index.
        index: u64,
    },
    /// Answer to [`ClientFrame::Status`].
    Status {
        /// To which question.
        id: u64,
        /// The report.
        report: Box<StatusReport>,
    },
    /// Answer to [`ClientFrame::Transaction`].
    Transaction {
        /// To which question.
        id: u64,
        /// What is known.
        state: TransactionState,
    },
    /// Answer to [`ClientFrame::Receipt`]; `None` if the transaction is not among the recent ones.
    Receipt {
        /// To which question.
        id: u64,
        /// The parts.
        parts: Option<Box<ReceiptParts>>,
    },
    /// Answer to [`ClientFrame::Block`]; `None` if nothing is committed there.
    Block {
        /// To which question.
        id: u64,
        /// The entry.
        block: Option<BlockFrame>,
    },
    /// Answer to [`ClientFrame::EvidenceList`].
    EvidenceList {
        /// To which question.
        id: u64,
        /// The list.
        list: Vec<EvidenceSummary>,
    },
    /// Answer to [`ClientFrame::EvidenceGet`]; `None` if there is no such evidence.
    Evidence {
        /// To which question.
        id: u64,
        /// Canonical bytes of [`consensus::Evidence`].
        evidence: Option<CanonicalBytes>,
    },
}

/// Encodes a frame.
///
/// # Errors
/// [`CodecError::TooLong`] if no frame may be that long.
pub fn encode<T: Serialize>(frame: &T) -> Result<Bytes, CodecError> {
    let bytes = codec::encode(frame)?;
    if bytes.len() > MAX_CLIENT_FRAME {
        return Err(CodecError::TooLong {
            length: bytes.len(),
            limit: MAX_CLIENT_FRAME,
        });
    }
    Ok(bytes.into())
}

impl ClientFrame {
    /// Reads a client's frame.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode::<_, MAX_CLIENT_FRAME>(bytes)
    }
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
