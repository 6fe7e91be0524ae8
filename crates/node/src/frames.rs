//! What clients and nodes say to each other, inside frames of an authenticated connection.
//!
//! The encoding is [`transport::codec`]'s. Canonical bytes of the consensus core (headers,
//! certificates, evidence) travel as opaque bytes, so that a client checks exactly what was signed.

mod client;
mod server;

pub use client::{ClientFrame, MAX_SUBMISSIONS, Submission};
pub use server::{
    BlockFrame, EvidenceSummary, OutcomeFrame, ReceiptParts, Refusal, ServerFrame, TransactionState,
};

use bytes::Bytes;
use consensus::RequestKey;
use serde::{Deserialize, Serialize};
use transport::{
    codec::{self, CodecError},
    limits::MAX_CLIENT_FRAME,
};

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

/// Canonical bytes of the consensus core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanonicalBytes(#[serde(with = "serde_bytes")] pub Vec<u8>);

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
