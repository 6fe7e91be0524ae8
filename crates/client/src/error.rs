//! What can go wrong, as types.

use std::time::Duration;

use consensus::{NodeId, mode::SizeError};
use thiserror::Error;
use transport::{ConnectError, RefusalReason};

/// What is known of why a node cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing was heard of it in the time that there was, which was less than an answer may take.
    Unheard,
    /// It did not answer for as long as answers take at most.
    Silent,
    /// It answered, and said no.
    Refused(RefusalReason),
    /// Somebody with another key answers there.
    OtherKey,
    /// A connection was there and ended, or none could be made from here.
    Lost,
}

/// Why a node cannot be reached at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name} ({node}): {reason}")]
pub struct Unreachable {
    /// Its position among the validators.
    pub node: NodeId,
    /// Its name in genesis.
    pub name: String,
    /// Why, for people.
    pub reason: String,
    /// Why, for programs.
    pub cause: Cause,
}

/// Why something asked of the network did not come about.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Too few nodes answer. What was sent may still be committed; repeating it is safe.
    #[error("no quorum: {reachable} nodes answer and {needed} are needed{}. What was sent may still be committed; repeating it is safe", list(.unreachable))]
    NoQuorum {
        /// How many nodes are connected.
        reachable: usize,
        /// How many it takes.
        needed: usize,
        /// The others, with reasons.
        unreachable: Vec<Unreachable>,
    },
    /// No f + 1 matching answers came in time. The request may be committed or not; repeating it is
    /// safe, for it is executed at most once (P6.5).
    #[error("the outcome is unknown after {} s: {answers} of {needed} matching answers came{}. Repeating the request is safe", .after.as_secs(), because(.last_refusal))]
    OutcomeUnknown {
        /// How long was waited.
        after: Duration,
        /// The most answers that match.
        answers: usize,
        /// How many it takes.
        needed: usize,
        /// What a node said last, if one refused.
        last_refusal: Option<String>,
    },
    /// Enough nodes say that the request is not valid. It will never be committed as it stands.
    #[error("the request is not valid: {0}")]
    Invalid(String),
    /// Enough nodes take no part in having it agreed on, as their state would refuse it at once.
    #[error("the nodes do not take the request{}", if *.settled { ", and never will" } else { " as things are" })]
    NotAdmitted {
        /// Whether that is so for good: it is executed already, its number is used by another
        /// transaction, or its validity is over.
        settled: bool,
        /// The application's result bytes: what executing it now would give.
        result: Vec<u8>,
    },
    /// The nodes have too much to do, and still had when the time was over. Nothing has happened.
    #[error("the network is busy, retry after {} ms", .retry_after.as_millis())]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// Not enough equal answers came in time.
    #[error("no {needed} nodes gave the same answer in time; {answers} answered")]
    NoMatch {
        /// How many nodes answered.
        answers: usize,
        /// How many equal answers it takes.
        needed: usize,
    },
    /// A request of the same account and nonce is under way in this client.
    #[error("a request of this account and nonce is under way already")]
    UnderWay,
    /// The payload does not fit a frame.
    #[error("the request has {0} bytes, too many to send")]
    TooLarge(usize),
    /// The mode cannot work with the number of validators in genesis.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// This side's identity or socket could not be made.
    #[error("cannot connect from here: {0}")]
    Local(String),
}

impl From<&ConnectError> for Cause {
    fn from(error: &ConnectError) -> Self {
        match error {
            ConnectError::Timeout => Self::Silent,
            ConnectError::Refused(refusal) => Self::Refused(refusal.reason),
            ConnectError::WrongKey { .. } => Self::OtherKey,
            ConnectError::Disconnected(_)
            | ConnectError::MalformedReply(_)
            | ConnectError::Undialable(_) => Self::Lost,
        }
    }
}

fn list(unreachable: &[Unreachable]) -> String {
    let lines: Vec<String> = unreachable.iter().map(ToString::to_string).collect();
    if lines.is_empty() {
        String::new()
    } else {
        format!(" ({})", lines.join("; "))
    }
}

fn because(refusal: &Option<String>) -> String {
    refusal
        .as_ref()
        .map_or_else(String::new, |refusal| format!(" (a node said: {refusal})"))
}
