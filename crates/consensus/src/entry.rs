//! Log entries (P2.4): a header that is hashed, chained and signed, and a body under its root.

use std::sync::Arc;

use crate::{
    configuration::Configuration,
    encoding::{Canonical, DecodeError, Reader, Writer},
    limits, merkle,
    request::RequestKey,
    signature::Signature,
    types::{Epoch, Hash, Index, NodeId, Point, Term},
};

/// What an entry's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Client requests for the application.
    Transactions,
    /// A leader's first entry of a term: in Byzantine mode its one payload is the
    /// [`TermRecord`](crate::message::TermRecord) (P4.7); in the Raft modes it is empty (P10.1).
    TermRecord,
}

/// The part of an entry that is chained and signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryHeader {
    /// What the body is.
    pub kind: EntryKind,
    /// The epoch.
    pub epoch: Epoch,
    /// The term in which the entry was created. Never decreases along a chain.
    pub term: Term,
    /// The position.
    pub index: Index,
    /// The leader that created and signed the entry.
    pub author: NodeId,
    /// Hash of the entry before.
    pub previous: Hash,
    /// Merkle root of the payloads.
    pub body_root: Hash,
    /// How many payloads there are.
    pub count: u32,
    /// The author's clock, in milliseconds since the Unix epoch. Never goes back along a chain.
    pub timestamp: u64,
}

impl EntryHeader {
    const TAG: &'static str = "hawser/v1/entry";
    const SIGNATURE_TAG: &'static str = "hawser/v1/entry-signature";

    /// The entry's hash.
    #[must_use]
    pub fn hash(&self, configuration: &Configuration) -> Hash {
        configuration
            .domain()
            .digest(Self::TAG, self.epoch, &self.to_bytes())
    }

    /// The digest that the author signs.
    #[must_use]
    pub fn signing_digest(configuration: &Configuration, epoch: Epoch, hash: &Hash) -> Hash {
        configuration
            .domain()
            .digest(Self::SIGNATURE_TAG, epoch, &hash.0)
    }

    /// The entry's point.
    #[must_use]
    pub fn point(&self, configuration: &Configuration) -> Point {
        Point {
            index: self.index,
            hash: self.hash(configuration),
        }
    }
}

impl Canonical for EntryHeader {
    fn encode(&self, writer: &mut Writer) {
        writer.u8(match self.kind {
            EntryKind::Transactions => 0,
            EntryKind::TermRecord => 1,
        });
        self.epoch.encode(writer);
        self.term.encode(writer);
        self.index.encode(writer);
        self.author.encode(writer);
        self.previous.encode(writer);
        self.body_root.encode(writer);
        writer.u32(self.count);
        writer.u64(self.timestamp);
        // Hash of the next configuration, for the stop sign that ends an epoch (P9.2).
        writer.bool(false);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let unknown = |what, found: u8| DecodeError::Unknown {
            what,
            found: found.into(),
        };
        let header = Self {
            kind: match reader.u8()? {
                0 => EntryKind::Transactions,
                1 => EntryKind::TermRecord,
                found => return Err(unknown("entry kind", found)),
            },
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            index: Index::decode(reader)?,
            author: NodeId::decode(reader)?,
            previous: Hash::decode(reader)?,
            body_root: Hash::decode(reader)?,
            count: reader.u32()?,
            timestamp: reader.u64()?,
        };
        match reader.u8()? {
            0 => Ok(header),
            found => Err(unknown("next configuration", found)),
        }
    }
}

/// A header with its author's signature: what a report shows of an entry (P4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeader {
    /// The header.
    pub header: EntryHeader,
    /// The author's signature.
    pub signature: Signature,
}

impl Canonical for SignedHeader {
    fn encode(&self, writer: &mut Writer) {
        self.header.encode(writer);
        self.signature.encode(writer);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            header: EntryHeader::decode(reader)?,
            signature: Signature::decode(reader)?,
        })
    }
}

/// A log entry. Its header and signature stay with it for ever, whoever forwards it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Header and signature.
    pub signed: SignedHeader,
    /// The body.
    pub payloads: Vec<Arc<[u8]>>,
    /// The entry's hash; follows from the header.
    hash: Hash,
    /// The requests in the body, known once the entry was checked. Not part of the encoding.
    keys: Vec<RequestKey>,
}

impl Entry {
    /// An entry with its hash computed and its requests not yet known.
    #[must_use]
    pub fn new(
        configuration: &Configuration,
        signed: SignedHeader,
        payloads: Vec<Arc<[u8]>>,
    ) -> Self {
        Self {
            hash: signed.header.hash(configuration),
            signed,
            payloads,
            keys: Vec::new(),
        }
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &EntryHeader {
        &self.signed.header
    }

    /// The entry's point.
    #[must_use]
    pub const fn point(&self) -> Point {
        Point {
            index: self.signed.header.index,
            hash: self.hash,
        }
    }

    /// The point that the entry follows.
    #[must_use]
    pub const fn previous(&self) -> Point {
        Point {
            index: self.signed.header.index.previous(),
            hash: self.signed.header.previous,
        }
    }

    /// The entry's term.
    #[must_use]
    pub const fn term(&self) -> Term {
        self.signed.header.term
    }

    /// The entry's index.
    #[must_use]
    pub const fn index(&self) -> Index {
        self.signed.header.index
    }

    /// The requests in the body, in order. Empty until the entry was checked.
    #[must_use]
    pub fn keys(&self) -> &[RequestKey] {
        &self.keys
    }

    /// Notes the requests in the body.
    pub(crate) fn set_keys(&mut self, keys: Vec<RequestKey>) {
        self.keys = keys;
    }

    /// Bytes of all payloads together.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.payloads.iter().map(|payload| payload.len()).sum()
    }

    /// Whether the body is the one that the header names.
    #[must_use]
    pub fn body_matches(&self) -> bool {
        self.header().count as usize == self.payloads.len()
            && merkle::root(&self.payloads) == self.header().body_root
    }

    /// Reads an entry; its hash is computed for the network of `configuration`.
    ///
    /// # Errors
    /// As [`Canonical::decode`].
    pub fn decode(
        configuration: &Configuration,
        reader: &mut Reader<'_>,
    ) -> Result<Self, DecodeError> {
        let signed = SignedHeader::decode(reader)?;
        let (most_payloads, most_bytes, payload_limit) = match signed.header.kind {
            EntryKind::Transactions => (
                limits::ENTRY_PAYLOADS,
                limits::ENTRY_BYTES + limits::PAYLOAD_BYTES,
                limits::PAYLOAD_BYTES,
            ),
            EntryKind::TermRecord => (1, limits::TERM_RECORD_BYTES, limits::TERM_RECORD_BYTES),
        };
        let count = reader.length("payloads of an entry", most_payloads)?;
        let mut payloads = Vec::with_capacity(count);
        let mut total = 0;
        for _ in 0..count {
            let payload = reader.bytes("payload", payload_limit)?;
            total += payload.len();
            if total > most_bytes {
                return Err(DecodeError::TooLong {
                    what: "body of an entry",
                    found: total,
                    limit: most_bytes,
                });
            }
            payloads.push(Arc::from(payload));
        }
        Ok(Self::new(configuration, signed, payloads))
    }

    /// Appends the entry's layout.
    pub fn encode(&self, writer: &mut Writer) {
        self.signed.encode(writer);
        writer.length(self.payloads.len());
        for payload in &self.payloads {
            writer.bytes(payload);
        }
    }
}
