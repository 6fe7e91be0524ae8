//! The RPCs of the Raft modes (P10.1).

use std::sync::Arc;

use super::{body_with_entries, decode_entries, encode_entries};
use crate::{
    configuration::Configuration,
    encoding::{Canonical, DecodeError, Reader, Writer},
    entry::Entry,
    signed::body,
    types::{Epoch, Index, Point, Term},
};

/// AppendEntries; without entries, the heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaftAppend {
    /// The epoch.
    pub epoch: Epoch,
    /// The leader's term.
    pub term: Term,
    /// What the first entry extends: the hash stands for Raft's prevLogTerm and is stricter.
    pub previous: Point,
    /// The entries, linked.
    pub entries: Vec<Arc<Entry>>,
    /// The leader's commit index.
    pub commit: Index,
    /// Counts the leader's rounds of heartbeats, for check-quorum and ReadIndex.
    pub round: u64,
}

impl RaftAppend {
    fn write(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        self.previous.encode(writer);
        encode_entries(writer, &self.entries);
        self.commit.encode(writer);
        writer.u64(self.round);
    }

    fn read(configuration: &Configuration, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            previous: Point::decode(reader)?,
            entries: decode_entries(configuration, reader)?,
            commit: Index::decode(reader)?,
            round: reader.u64()?,
        })
    }
}

body_with_entries!(RaftAppend, "hawser/v1/raft/append-entries");

/// What became of an AppendEntries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// The log agrees with the leader's up to this point, durably.
    Matched(Point),
    /// It does not hold `previous`; the leader should try no later than this index, which skips
    /// a whole conflicting term (fast backtracking).
    Conflict {
        /// Where to try next.
        try_from: Index,
    },
}

/// Answer to [`RaftAppend`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaftAppendReply {
    /// The epoch.
    pub epoch: Epoch,
    /// The sender's term.
    pub term: Term,
    /// The round that is answered.
    pub round: u64,
    /// What became of it.
    pub outcome: AppendOutcome,
}

impl Canonical for RaftAppendReply {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        writer.u64(self.round);
        match &self.outcome {
            AppendOutcome::Matched(point) => {
                writer.u8(0);
                point.encode(writer);
            }
            AppendOutcome::Conflict { try_from } => {
                writer.u8(1);
                try_from.encode(writer);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            round: reader.u64()?,
            outcome: match reader.u8()? {
                0 => AppendOutcome::Matched(Point::decode(reader)?),
                1 => AppendOutcome::Conflict {
                    try_from: Index::decode(reader)?,
                },
                found => {
                    return Err(DecodeError::Unknown {
                        what: "append outcome",
                        found: found.into(),
                    });
                }
            },
        })
    }
}

body!(RaftAppendReply, "hawser/v1/raft/append-reply");

/// RequestVote, or the pre-vote that asks without raising the term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaftRequestVote {
    /// The epoch.
    pub epoch: Epoch,
    /// The term that the candidate stands for.
    pub term: Term,
    /// Whether this is only the pre-vote.
    pub pre_vote: bool,
    /// Index of the candidate's last entry.
    pub last_index: Index,
    /// Term of the candidate's last entry.
    pub last_term: Term,
}

impl Canonical for RaftRequestVote {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        writer.bool(self.pre_vote);
        self.last_index.encode(writer);
        self.last_term.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            pre_vote: reader.bool()?,
            last_index: Index::decode(reader)?,
            last_term: Term::decode(reader)?,
        })
    }
}

body!(RaftRequestVote, "hawser/v1/raft/request-vote");

/// Answer to [`RaftRequestVote`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaftVote {
    /// The epoch.
    pub epoch: Epoch,
    /// The term: the candidate's if granted, otherwise the sender's.
    pub term: Term,
    /// Whether the pre-vote is answered.
    pub pre_vote: bool,
    /// Whether the vote is granted.
    pub granted: bool,
}

impl Canonical for RaftVote {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        writer.bool(self.pre_vote);
        writer.bool(self.granted);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            pre_vote: reader.bool()?,
            granted: reader.bool()?,
        })
    }
}

body!(RaftVote, "hawser/v1/raft/vote");
