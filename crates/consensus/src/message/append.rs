//! What a Byzantine-mode leader sends in the normal case (P3.1).

use std::sync::Arc;

use super::{body_with_entries, decode_entries, encode_entries};
use crate::{
    certificate::{ElectionCertificate, QuorumCertificate},
    configuration::Configuration,
    encoding::{Canonical, DecodeError, Reader, Writer},
    entry::Entry,
    signed::body,
    types::{Epoch, Point, Term},
};

/// Entries of the leader's term that extend `previous`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendEntries {
    /// The epoch.
    pub epoch: Epoch,
    /// The term.
    pub term: Term,
    /// What the first entry extends.
    pub previous: Point,
    /// The entries, linked.
    pub entries: Vec<Arc<Entry>>,
    /// Best commit certificate the leader knows, where the receivers may lack it.
    pub commit: Option<QuorumCertificate>,
    /// Proof of the term, until everybody voted in it.
    pub election: Option<ElectionCertificate>,
}

impl AppendEntries {
    fn write(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        self.previous.encode(writer);
        encode_entries(writer, &self.entries);
        writer.option(self.commit.as_ref());
        writer.option(self.election.as_ref());
    }

    fn read(configuration: &Configuration, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            previous: Point::decode(reader)?,
            entries: decode_entries(configuration, reader)?,
            commit: reader.option()?,
            election: reader.option()?,
        })
    }
}

body_with_entries!(AppendEntries, "hawser/v1/append-entries");

/// The leader is alive. Never appends, and is not progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The epoch.
    pub epoch: Epoch,
    /// The term.
    pub term: Term,
    /// The leader's last entry, so that a node that missed some asks for them.
    pub head: Point,
    /// Best commit certificate the leader knows.
    pub commit: Option<QuorumCertificate>,
    /// Proof of the term, until everybody voted in it.
    pub election: Option<ElectionCertificate>,
}

impl Canonical for Heartbeat {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        self.head.encode(writer);
        writer.option(self.commit.as_ref());
        writer.option(self.election.as_ref());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            head: Point::decode(reader)?,
            commit: reader.option()?,
            election: reader.option()?,
        })
    }
}

body!(Heartbeat, "hawser/v1/heartbeat");
