//! What helps a node that lacks something: entries, certificates, requests.

use std::sync::Arc;

use super::{body_with_entries, decode_entries, encode_entries};
use crate::{
    certificate::{ElectionCertificate, LeaveCertificate, QuorumCertificate},
    configuration::Configuration,
    encoding::{Canonical, DecodeError, Reader, Writer},
    entry::Entry,
    limits,
    signed::body,
    types::{Epoch, Point},
};

/// Asks for the entries after `from` (P3.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The epoch.
    pub epoch: Epoch,
    /// The last entry that the sender has on the path.
    pub from: Point,
    /// The entry to lead to, on whatever branch it is. `None`: along the committed chain.
    pub target: Option<Point>,
}

impl Canonical for Fetch {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.from.encode(writer);
        writer.option(self.target.as_ref());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            from: Point::decode(reader)?,
            target: reader.option()?,
        })
    }
}

body!(Fetch, "hawser/v1/fetch");

/// Entries that were asked for. Their hashes and certificates say whether they are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchReply {
    /// The epoch.
    pub epoch: Epoch,
    /// The question's `from`.
    pub from: Point,
    /// The question's `target`.
    pub target: Option<Point>,
    /// The entries that follow it, linked; empty if the sender has none.
    pub entries: Vec<Arc<Entry>>,
    /// A commit certificate that covers one of the entries, where the sender has one.
    pub commit: Option<QuorumCertificate>,
}

impl FetchReply {
    fn write(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.from.encode(writer);
        writer.option(self.target.as_ref());
        encode_entries(writer, &self.entries);
        writer.option(self.commit.as_ref());
    }

    fn read(configuration: &Configuration, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            from: Point::decode(reader)?,
            target: reader.option()?,
            entries: decode_entries(configuration, reader)?,
            commit: reader.option()?,
        })
    }
}

body_with_entries!(FetchReply, "hawser/v1/fetch-reply");

/// Certificates for a node that is behind (P4.2, P4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The epoch.
    pub epoch: Epoch,
    /// Proof of the sender's term, if it has a leader.
    pub election: Option<ElectionCertificate>,
    /// Proof that the term before was left, otherwise.
    pub leave: Option<LeaveCertificate>,
    /// The best commit certificate that the sender holds.
    pub commit: Option<QuorumCertificate>,
}

impl Canonical for Proof {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        writer.option(self.election.as_ref());
        writer.option(self.leave.as_ref());
        writer.option(self.commit.as_ref());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            election: reader.option()?,
            leave: reader.option()?,
            commit: reader.option()?,
        })
    }
}

body!(Proof, "hawser/v1/proof");

/// Client requests that a node hands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The epoch.
    pub epoch: Epoch,
    /// Whether their clients complained: every validator then watches that they are included
    /// (P6.2).
    pub complained: bool,
    /// The requests, each signed by its client.
    pub requests: Vec<Arc<[u8]>>,
}

impl Canonical for Relay {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        writer.bool(self.complained);
        writer.length(self.requests.len());
        for request in &self.requests {
            writer.bytes(request);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let epoch = Epoch::decode(reader)?;
        let complained = reader.bool()?;
        let count = reader.length("relayed requests", limits::RELAYED_REQUESTS)?;
        Ok(Self {
            epoch,
            complained,
            requests: (0..count)
                .map(|_| {
                    reader
                        .bytes("relayed request", limits::PAYLOAD_BYTES)
                        .map(Arc::from)
                })
                .collect::<Result<_, _>>()?,
        })
    }
}

body!(Relay, "hawser/v1/relay");
