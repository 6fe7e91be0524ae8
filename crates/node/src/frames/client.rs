//! What clients say.

use serde::{Deserialize, Serialize};
use transport::{
    codec::{self, CodecError},
    limits::MAX_CLIENT_FRAME,
};

use super::Id;

/// One signed request with the client's name for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Comes back in a refusal.
    pub id: u64,
    /// The application's signed payload.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

/// From a client to a node. Whatever carries an `id` is answered by a [`ServerFrame`](super::ServerFrame) with the same
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientFrame {
    /// Requests to agree on, at most [`MAX_SUBMISSIONS`]. Each is answered by a
    /// [`ServerFrame::Refused`](super::ServerFrame::Refused), or later by its outcome. Repeating one is safe (P6.5).
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

impl ClientFrame {
    /// Reads a client's frame.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode::<_, MAX_CLIENT_FRAME>(bytes)
    }
}
