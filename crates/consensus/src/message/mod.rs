//! What nodes say to each other. Layouts are canonical; the wire form is one kind byte and the
//! signed statement.

mod append;
mod catch_up;
mod election;
mod raft;
mod testimony;
mod vote;

pub use append::{AppendEntries, Heartbeat};
pub use catch_up::{Fetch, FetchReply, Proof, Relay};
pub use election::{
    Grant, Justification, Leave, PairReport, Reason, Report, RequestVote, Suspect, TermRecord,
    hash_of_reports,
};
pub use raft::{AppendOutcome, RaftAppend, RaftAppendReply, RaftRequestVote, RaftVote};
pub use testimony::{Conviction, ShownVote, Testimony};
pub use vote::{Applied, Vote};

use crate::{
    configuration::Configuration,
    encoding::{DecodeError, Reader, Writer},
    evidence::Evidence,
    signed::Signed,
    types::{NodeId, Term},
};

/// Which stream a message travels on, so that bulk never blocks votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Votes, heartbeats, elections.
    Urgent,
    /// Entries, relayed requests and catch-up.
    Bulk,
}

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident($body:ty) = $kind:literal, $class:ident;)*) => {
        /// A message between validators.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Message {
            $($(#[$doc])* $name(Signed<$body>),)*
        }

        impl Message {
            /// The kind's name, for logs and counters.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }

            /// Which stream it travels on.
            #[must_use]
            pub const fn class(&self) -> Class {
                match self { $(Self::$name(_) => Class::$class,)* }
            }

            /// Who signed it.
            #[must_use]
            pub const fn signer(&self) -> NodeId {
                match self { $(Self::$name(signed) => signed.signer,)* }
            }

            /// The wire form.
            #[must_use]
            pub fn to_bytes(&self) -> Vec<u8> {
                let mut writer = Writer::default();
                match self {
                    $(Self::$name(signed) => {
                        writer.u8($kind);
                        signed.encode(&mut writer);
                    })*
                }
                writer.into_bytes()
            }

            /// Reads the wire form. The result is not verified.
            ///
            /// # Errors
            /// Whatever is wrong with the bytes.
            pub fn from_bytes(
                configuration: &Configuration,
                bytes: &[u8],
            ) -> Result<Self, DecodeError> {
                let mut reader = Reader::new(bytes);
                let message = match reader.u8()? {
                    $($kind => Self::$name(Signed::decode(configuration, &mut reader)?),)*
                    found => {
                        return Err(DecodeError::Unknown {
                            what: "message kind",
                            found: found.into(),
                        });
                    }
                };
                reader.finish()?;
                Ok(message)
            }
        }

        $(impl From<Signed<$body>> for Message {
            fn from(signed: Signed<$body>) -> Self {
                Self::$name(signed)
            }
        })*
    };
}

messages! {
    /// The leader's entries (P3.1).
    AppendEntries(AppendEntries) = 1, Bulk;
    /// The leader is alive, and how far it is (P3.1).
    Heartbeat(Heartbeat) = 2, Urgent;
    /// What a node accepted, locked and applied (P2.6).
    Vote(Vote) = 3, Urgent;
    /// A node suspects the leader (P4.2).
    Suspect(Suspect) = 4, Urgent;
    /// What a node may have voted for, to the next leader (P4.4).
    Report(Report) = 5, Urgent;
    /// The next leader asks for grants (P4.7).
    RequestVote(RequestVote) = 6, Bulk;
    /// A grant (P4.7).
    VoteGranted(Grant) = 7, Urgent;
    /// Certificates for somebody who lacks them (P4.2, P4.3).
    Proof(Proof) = 8, Urgent;
    /// Asks for entries (P3.7).
    Fetch(Fetch) = 9, Urgent;
    /// Entries that were asked for (P3.7).
    FetchReply(FetchReply) = 10, Bulk;
    /// Client requests on their way to the leader, or to everybody (P6.1, P6.2).
    Relay(Relay) = 11, Bulk;
    /// Proof that a validator broke the rules (P7.3).
    Accuse(Evidence) = 12, Bulk;
    /// What may convict somebody together with what another node holds (P7.3).
    Testimony(Testimony) = 13, Bulk;
    /// A node would have the term end (P4.3).
    Leave(Leave) = 14, Urgent;
    /// Raft's AppendEntries (P10.1).
    RaftAppend(RaftAppend) = 20, Bulk;
    /// Its answer.
    RaftAppendReply(RaftAppendReply) = 21, Urgent;
    /// Raft's RequestVote and pre-vote.
    RaftRequestVote(RaftRequestVote) = 22, Urgent;
    /// Its answer.
    RaftVote(RaftVote) = 23, Urgent;
}

impl Message {
    /// The term that a Byzantine-mode message belongs to, where it has one.
    #[must_use]
    pub const fn term(&self) -> Option<Term> {
        match self {
            Self::AppendEntries(signed) => Some(signed.body.term),
            Self::Heartbeat(signed) => Some(signed.body.term),
            Self::Vote(signed) => Some(signed.body.term),
            Self::Suspect(signed) => Some(signed.body.term),
            Self::Leave(signed) => Some(signed.body.term),
            Self::Report(signed) => Some(signed.body.term),
            Self::RequestVote(signed) => Some(signed.body.term),
            Self::VoteGranted(signed) => Some(signed.body.term),
            Self::RaftAppend(signed) => Some(signed.body.term),
            Self::RaftAppendReply(signed) => Some(signed.body.term),
            Self::RaftRequestVote(signed) => Some(signed.body.term),
            Self::RaftVote(signed) => Some(signed.body.term),
            Self::Proof(_)
            | Self::Fetch(_)
            | Self::FetchReply(_)
            | Self::Relay(_)
            | Self::Accuse(_)
            | Self::Testimony(_) => None,
        }
    }
}

/// Reads a counted list of entries of bounded total size: nobody may add a further one beyond it, so
/// that no message takes much longer to check than another.
pub(crate) fn decode_entries(
    configuration: &Configuration,
    reader: &mut Reader<'_>,
) -> Result<Vec<std::sync::Arc<crate::entry::Entry>>, DecodeError> {
    let count = reader.length("entries of a message", crate::limits::MESSAGE_ENTRIES)?;
    let mut bytes = 0;
    (0..count)
        .map(|_| {
            if bytes >= crate::limits::MESSAGE_BYTES {
                return Err(DecodeError::TooLong {
                    what: "entries of a message",
                    found: bytes,
                    limit: crate::limits::MESSAGE_BYTES,
                });
            }
            let entry = crate::entry::Entry::decode(configuration, reader)?;
            bytes += entry.body_bytes();
            Ok(std::sync::Arc::new(entry))
        })
        .collect()
}

pub(crate) fn encode_entries(writer: &mut Writer, entries: &[std::sync::Arc<crate::entry::Entry>]) {
    writer.length(entries.len());
    for entry in entries {
        entry.encode(writer);
    }
}

/// Makes a type with a hand-written `encode`/`read` pair, needing the configuration, a [`Body`](crate::signed::Body).
macro_rules! body_with_entries {
    ($type:ty, $tag:literal) => {
        impl $crate::signed::Body for $type {
            const TAG: &'static str = $tag;

            fn epoch(&self) -> $crate::types::Epoch {
                self.epoch
            }

            fn encode_body(&self, writer: &mut $crate::encoding::Writer) {
                self.write(writer);
            }

            fn decode_body(
                configuration: &$crate::configuration::Configuration,
                reader: &mut $crate::encoding::Reader<'_>,
            ) -> Result<Self, $crate::encoding::DecodeError> {
                Self::read(configuration, reader)
            }
        }
    };
}
pub(crate) use body_with_entries;
