//! Who may stay: the policy of whoever listens, and the ways to say no.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hello::Hello;
use crate::identity::PeerKey;
use crate::limits::MAX_REFUSAL_TEXT;

/// Decides about a peer that has proven its key and said a hello of our network, mode and
/// version.
pub trait Admission: Send + Sync {
    /// Admits the holder of `key` in the role `hello` names, and says whose share of places it
    /// takes; or says why not. Called on the network's threads: it must not block.
    ///
    /// # Errors
    /// The [`Refusal`] that is sent to the peer.
    fn admit(&self, key: PeerKey, hello: &Hello) -> Result<Standing, Refusal>;
}

/// Whose share of the places for clients a client takes (P12.2). It means nothing for validators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The key is known: what it takes is its own.
    Member,
    /// A key costs nothing, so all strangers of one address share what one of them could take,
    /// and all strangers together leave most to members.
    Stranger,
}

/// Why a hello was refused, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalReason {
    /// The peer speaks another version of this protocol.
    WrongVersion,
    /// The peer belongs to another network, that is, another genesis.
    WrongNetwork,
    /// The peer runs the same network in another mode.
    WrongMode,
    /// The key is not among those that may connect in this role.
    UnknownKey,
    /// As many connections as allowed exist, of this key or in all.
    TooManyConnections,
    /// A reason of the admission policy; the text says which.
    Policy,
}

/// Why a hello was refused, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[error("{text}")]
pub struct Refusal {
    /// For programs.
    pub reason: RefusalReason,
    /// For people. Comes from the other side: show it as quoted text.
    pub text: String,
}

impl Refusal {
    /// Makes a refusal; a text longer than [`MAX_REFUSAL_TEXT`] bytes is cut.
    pub fn new(reason: RefusalReason, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > MAX_REFUSAL_TEXT {
            let cut = (0..=MAX_REFUSAL_TEXT).rfind(|&cut| text.is_char_boundary(cut));
            text.truncate(cut.unwrap_or(0));
        }
        Self { reason, text }
    }
}
