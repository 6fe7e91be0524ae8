//! The broadcast vote (P2.6).

use crate::{
    encoding::{Canonical, DecodeError, Reader, Writer},
    signed::body,
    types::{Epoch, Hash, Index, Point, Term},
};

/// How far a node executed, and the digest that chains the results so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The last executed entry.
    pub index: Index,
    /// Chains the results root of every entry up to there.
    pub digest: Hash,
}

impl Canonical for Applied {
    fn encode(&self, writer: &mut Writer) {
        self.index.encode(writer);
        self.digest.encode(writer);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            index: Index::decode(reader)?,
            digest: Hash::decode(reader)?,
        })
    }
}

/// One node's cumulative statement in a term. Votes never expire: every rule assumes that every
/// Byzantine vote exists and that old votes arrive late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The epoch.
    pub epoch: Epoch,
    /// The term.
    pub term: Term,
    /// Entries verified and durable up to here, in this term's log.
    pub accepted: Option<Point>,
    /// An accept certificate of this term is held durably up to here.
    pub locked: Option<Point>,
    /// Executed up to here.
    pub applied: Option<Applied>,
}

impl Canonical for Vote {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        writer.option(self.accepted.as_ref());
        writer.option(self.locked.as_ref());
        writer.option(self.applied.as_ref());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            accepted: reader.option()?,
            locked: reader.option()?,
            applied: reader.option()?,
        })
    }
}

body!(Vote, "hawser/v1/vote");
