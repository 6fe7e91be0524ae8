//! What a node holds that may convict somebody together with what another node holds (P7.3).

use crate::{
    encoding::{Canonical, DecodeError, Reader, Writer},
    entry::{EntryHeader, SignedHeader},
    evidence::{Admission, OffenceKind},
    limits,
    message::{Grant, Vote},
    signed::{Signed, body},
    types::{Epoch, NodeId},
};

/// That a node holds evidence of one kind against a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conviction {
    /// Against whom.
    pub accused: NodeId,
    /// Of what.
    pub kind: OffenceKind,
}

impl Canonical for Conviction {
    fn encode(&self, writer: &mut Writer) {
        self.accused.encode(writer);
        self.kind.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            accused: NodeId::decode(reader)?,
            kind: OffenceKind::decode(reader)?,
        })
    }
}

/// A vote with headers that lead to its accepted point, as far as the sender has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownVote {
    /// The vote.
    pub vote: Signed<Vote>,
    /// Linked headers, the last one that of the accepted point; may be empty.
    pub headers: Vec<EntryHeader>,
}

impl Canonical for ShownVote {
    fn encode(&self, writer: &mut Writer) {
        Canonical::encode(&self.vote, writer);
        writer.list(&self.headers);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            vote: Canonical::decode(reader)?,
            headers: reader.list("headers of a shown vote", limits::EVIDENCE_HEADERS)?,
        })
    }
}

/// Signed statements of others that do not fit the sender's chain, or that end a term. And what the
/// sender has, so that the receiver can send what it lacks: evidence, and votes that a report denies.
/// Nothing in it counts towards a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Testimony {
    /// The epoch.
    pub epoch: Epoch,
    /// The evidence that the sender holds.
    pub known: Vec<Conviction>,
    /// Headers signed by leaders.
    pub headers: Vec<SignedHeader>,
    /// Votes.
    pub votes: Vec<ShownVote>,
    /// Grants.
    pub grants: Vec<Signed<Grant>>,
    /// What reports that the sender got admit.
    pub admissions: Vec<Admission>,
}

impl Canonical for Testimony {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        writer.list(&self.known);
        writer.list(&self.headers);
        writer.list(&self.votes);
        writer.list(&self.grants);
        writer.list(&self.admissions);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let most = limits::TESTIMONY_STATEMENTS;
        let testimony = Self {
            epoch: Epoch::decode(reader)?,
            known: reader.list("known evidence", limits::EVIDENCE)?,
            headers: reader.list("headers of a testimony", most)?,
            votes: reader.list("votes of a testimony", most)?,
            grants: reader.list("grants of a testimony", most)?,
            admissions: reader.list("admissions of a testimony", limits::ADMISSIONS)?,
        };
        let headers = testimony.votes.iter().map(|shown| shown.headers.len());
        let found = headers.sum();
        if found > limits::TESTIMONY_HEADERS {
            return Err(DecodeError::TooLong {
                what: "headers of shown votes",
                found,
                limit: limits::TESTIMONY_HEADERS,
            });
        }
        Ok(testimony)
    }
}

body!(Testimony, "hawser/v1/testimony");
