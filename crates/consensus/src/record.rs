//! What a replica makes durable (P11.1), and what it finds again after a restart.

use std::sync::Arc;

use crate::{
    certificate::{ElectionCertificate, LeaveCertificate, QuorumCertificate},
    configuration::Configuration,
    encoding::{Canonical, DecodeError, Reader, Writer},
    entry::Entry,
    evidence::Evidence,
    message::{Grant, Justification, RequestVote},
    types::{Hash, Index, NodeId, Point, Term},
};

/// What must never be forgotten about promises. Small, written twice with every batch (P11.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteState {
    /// The term entered.
    pub term: Term,
    /// Raft modes: whom the node voted for in that term.
    pub voted_for: Option<NodeId>,
    /// Byzantine mode: w of the accepted pair (P3.3).
    pub pair_term: Term,
    /// Byzantine mode: the point of the accepted pair.
    pub pair_point: Point,
    /// Byzantine mode: how far the node locked in `pair_term` (P3.5).
    pub locked: Option<Point>,
    /// Byzantine mode: the grant given in the highest term in which one was (P4.7).
    pub granted: Option<Grant>,
    /// Byzantine mode: the last term in which this node created entries (P3.8).
    pub led: Option<Term>,
}

impl VoteState {
    /// That of a node that has promised nothing.
    #[must_use]
    pub const fn new(configuration: &Configuration) -> Self {
        Self {
            term: Term::ZERO,
            voted_for: None,
            pair_term: Term::ZERO,
            pair_point: configuration.opening(),
            locked: None,
            granted: None,
            led: None,
        }
    }
}

impl Canonical for VoteState {
    fn encode(&self, writer: &mut Writer) {
        self.term.encode(writer);
        writer.option(self.voted_for.as_ref());
        self.pair_term.encode(writer);
        self.pair_point.encode(writer);
        writer.option(self.locked.as_ref());
        writer.option(self.granted.as_ref());
        writer.option(self.led.as_ref());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            term: Term::decode(reader)?,
            voted_for: reader.option()?,
            pair_term: Term::decode(reader)?,
            pair_point: Point::decode(reader)?,
            locked: reader.option()?,
            granted: reader.option()?,
            led: reader.option()?,
        })
    }
}

/// One durable record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An entry of the chain. It replaces whatever stood at its index and beyond.
    Entry(Arc<Entry>),
    /// The chain ends here; what stood beyond is dropped.
    Truncate(Index),
    /// An entry of the branch that this node voted for and that lost (P3.3). The first of a
    /// branch, at the lowest index, replaces an older branch.
    SideEntry(Arc<Entry>),
    /// The election certificate of the highest term entered by one.
    Election(ElectionCertificate),
    /// The newest leave certificate.
    Leave(LeaveCertificate),
    /// The accept certificate behind the lock.
    Lock(QuorumCertificate),
    /// The best commit certificate.
    Commit(QuorumCertificate),
    /// Raft modes: how far entries are known to be committed.
    CommitIndex(Index),
    /// What entitles the node to its accepted pair, from here on.
    Justification(Justification),
    /// Proof that a validator broke the rules.
    Evidence(Arc<Evidence>),
    /// The reports from which this node computed the base that it granted. They are kept for an
    /// audit: where a ledger forks, they say who lied (P7.3).
    Granted(Box<RequestVote>),
}

impl Record {
    /// The kind byte and the bytes to store.
    #[must_use]
    pub fn to_bytes(&self) -> (u8, Vec<u8>) {
        let mut writer = Writer::default();
        let kind = match self {
            Self::Entry(entry) => {
                entry.encode(&mut writer);
                1
            }
            Self::Truncate(index) => {
                index.encode(&mut writer);
                2
            }
            Self::SideEntry(entry) => {
                entry.encode(&mut writer);
                3
            }
            Self::Election(certificate) => {
                certificate.encode(&mut writer);
                4
            }
            Self::Leave(certificate) => {
                certificate.encode(&mut writer);
                5
            }
            Self::Lock(certificate) => {
                certificate.encode(&mut writer);
                6
            }
            Self::Commit(certificate) => {
                certificate.encode(&mut writer);
                7
            }
            Self::CommitIndex(index) => {
                index.encode(&mut writer);
                8
            }
            Self::Justification(justification) => {
                justification.encode(&mut writer);
                9
            }
            Self::Evidence(evidence) => {
                evidence.encode(&mut writer);
                10
            }
            Self::Granted(request) => {
                request.encode(&mut writer);
                11
            }
        };
        (kind, writer.into_bytes())
    }

    /// Reads a stored record.
    ///
    /// # Errors
    /// Whatever is wrong with the bytes.
    pub fn from_bytes(
        configuration: &Configuration,
        kind: u8,
        bytes: &[u8],
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let record = match kind {
            1 => Self::Entry(Arc::new(Entry::decode(configuration, &mut reader)?)),
            2 => Self::Truncate(Index::decode(&mut reader)?),
            3 => Self::SideEntry(Arc::new(Entry::decode(configuration, &mut reader)?)),
            4 => Self::Election(ElectionCertificate::decode(&mut reader)?),
            5 => Self::Leave(LeaveCertificate::decode(&mut reader)?),
            6 => Self::Lock(QuorumCertificate::decode(&mut reader)?),
            7 => Self::Commit(QuorumCertificate::decode(&mut reader)?),
            8 => Self::CommitIndex(Index::decode(&mut reader)?),
            9 => Self::Justification(Justification::decode(&mut reader)?),
            10 => Self::Evidence(Arc::new(Evidence::decode(&mut reader)?)),
            11 => Self::Granted(Box::new(RequestVote::decode(&mut reader)?)),
            found => {
                return Err(DecodeError::Unknown {
                    what: "record kind",
                    found: found.into(),
                });
            }
        };
        reader.finish()?;
        Ok(record)
    }
}

/// Where a stored entry stands, in whatever way the storage names places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredEntry<P> {
    /// The entry's hash.
    pub hash: Hash,
    /// Where it is.
    pub place: P,
}

/// The fold of all records: what a restarted node knows. Bodies stay on disk.
#[derive(Clone, Debug)]
pub struct Recovery<P> {
    /// The chain; position 0 holds index 1.
    pub chain: Vec<StoredEntry<P>>,
    /// The losing branch that the node voted for, if any.
    pub side: Vec<Arc<Entry>>,
    /// Election certificate of the highest term.
    pub election: Option<ElectionCertificate>,
    /// Newest leave certificate.
    pub leave: Option<LeaveCertificate>,
    /// The accept certificate behind the lock.
    pub lock: Option<QuorumCertificate>,
    /// Best commit certificate.
    pub commit: Option<QuorumCertificate>,
    /// Raft modes: how far entries were known to be committed.
    pub commit_index: Index,
    /// Where every stored commit certificate is, by the index that it commits.
    pub commits: Vec<(Index, P)>,
    /// What entitles the node to its accepted pair.
    pub justification: Justification,
    /// Evidence held.
    pub evidence: Vec<Arc<Evidence>>,
}

impl<P: Copy> Default for Recovery<P> {
    fn default() -> Self {
        Self {
            chain: Vec::new(),
            side: Vec::new(),
            election: None,
            leave: None,
            lock: None,
            commit: None,
            commit_index: Index::ZERO,
            commits: Vec::new(),
            justification: Justification::Opening,
            evidence: Vec::new(),
        }
    }
}

impl<P: Copy> Recovery<P> {
    /// Takes in the next record of the stream.
    pub fn record(&mut self, place: P, record: Record) {
        match record {
            Record::Entry(entry) => {
                self.truncate(entry.index().previous());
                self.chain.push(StoredEntry {
                    hash: entry.point().hash,
                    place,
                });
            }
            Record::Truncate(index) => self.truncate(index),
            Record::SideEntry(entry) => {
                let extends = self
                    .side
                    .last()
                    .is_some_and(|last| last.point().hash == entry.header().previous);
                if !extends {
                    self.side.clear();
                }
                self.side.push(entry);
            }
            Record::Election(certificate) => self.election = Some(certificate),
            Record::Leave(certificate) => self.leave = Some(certificate),
            Record::Lock(certificate) => self.lock = Some(certificate),
            Record::Commit(certificate) => {
                self.commits.push((certificate.header.index, place));
                self.commit = Some(certificate);
            }
            Record::CommitIndex(index) => self.commit_index = self.commit_index.max(index),
            Record::Justification(justification) => self.justification = justification,
            Record::Evidence(evidence) => self.evidence.push(evidence),
            // Only an audit reads it.
            Record::Granted(_) => {}
        }
    }

    /// Notes that an entry stood at a place and cannot be read. It keeps its place in the chain, with
    /// a hash that no entry has; nothing may be voted before it is put back (P11.2).
    pub fn lost_entry(&mut self, place: P) {
        self.chain.push(StoredEntry {
            hash: Hash::default(),
            place,
        });
    }

    /// How far the stored chain is known to be committed.
    #[must_use]
    pub fn committed(&self) -> Index {
        let certified = self
            .commit
            .as_ref()
            .map_or(Index::ZERO, |certificate| certificate.header.index);
        certified
            .max(self.commit_index)
            .min(Index(self.chain.len() as u64))
    }

    fn truncate(&mut self, last: Index) {
        self.chain
            .truncate(usize::try_from(last.0).unwrap_or(usize::MAX));
    }
}

/// What a replica starts from after a restart: the fold, with the bodies that it keeps in memory.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The newest whole vote state.
    pub vote_state: VoteState,
    /// The point before the first entry of `tail`.
    pub before: Point,
    /// The chain's last entries: everything uncommitted and, below, what
    /// [`crate::limits::RETAINED_ENTRIES`] asks for. Checked again if the disk could have lied.
    pub tail: Vec<Arc<Entry>>,
    /// How far the application has executed, which is how far the chain is committed.
    pub applied: crate::message::Applied,
    /// Certificates and the losing branch, as found.
    pub side: Vec<Arc<Entry>>,
    /// Election certificate of the highest term.
    pub election: Option<ElectionCertificate>,
    /// Newest leave certificate.
    pub leave: Option<LeaveCertificate>,
    /// The accept certificate behind the lock.
    pub lock: Option<QuorumCertificate>,
    /// Best commit certificate.
    pub commit: Option<QuorumCertificate>,
    /// What entitles the node to its accepted pair.
    pub justification: Justification,
    /// Evidence held.
    pub evidence: Vec<Arc<Evidence>>,
}
