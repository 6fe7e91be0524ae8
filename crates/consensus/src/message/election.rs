//! The leader change of Byzantine mode (§ 4).

use crate::{
    certificate::{ElectionCertificate, LeaveCertificate, QuorumCertificate, reports_hash},
    encoding::{Canonical, DecodeError, Reader, Writer},
    entry::SignedHeader,
    limits,
    mode::FaultModel,
    request::RequestKey,
    signed::{Signed, body},
    types::{Epoch, Hash, Point, Term},
};

/// Why a node suspects the leader (P4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No sign of life in time, the term's first commit is late, or something stays uncommitted.
    Silent,
    /// This request was complained about and was not included in time (P6.2).
    Starved(RequestKey),
    /// The leader broke the rules; the evidence went out beside this.
    Misbehaved,
    /// Much slower than the network has shown that it can be (P6.4).
    Crawling,
    /// The leader itself says that it restarted and may create no more entries in its term (P3.8).
    Restarted,
}

impl Reason {
    /// One word for people and JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Starved(_) => "starved",
            Self::Misbehaved => "misbehaved",
            Self::Crawling => "crawling",
            Self::Restarted => "restarted",
        }
    }
}

impl Canonical for Reason {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Self::Silent => writer.u8(0),
            Self::Starved(key) => {
                writer.u8(1);
                key.encode(writer);
            }
            Self::Misbehaved => writer.u8(2),
            Self::Crawling => writer.u8(3),
            Self::Restarted => writer.u8(4),
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            0 => Self::Silent,
            1 => Self::Starved(RequestKey::decode(reader)?),
            2 => Self::Misbehaved,
            3 => Self::Crawling,
            4 => Self::Restarted,
            found => {
                return Err(DecodeError::Unknown {
                    what: "reason",
                    found: found.into(),
                });
            }
        })
    }
}

/// A node suspects leader(T), and keeps accepting, voting and counting in T (P4.2). Unsigned, and worth
/// something over its maker's channel alone, for as long as it is fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// The epoch.
    pub epoch: Epoch,
    /// The term whose leader is suspected.
    pub term: Term,
    /// The sender's commit point.
    pub commit: Point,
    /// Something accepted that stays uncommitted, which a receiver takes up as its own cause.
    pub uncommitted: Option<Point>,
    /// Why.
    pub reason: Reason,
}

impl Canonical for Suspect {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        self.commit.encode(writer);
        writer.option(self.uncommitted.as_ref());
        self.reason.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            commit: Point::decode(reader)?,
            uncommitted: reader.option()?,
            reason: Reason::decode(reader)?,
        })
    }
}

// Nobody signs it: kept, it would say of an old suspicion what it said of a fresh one (P4.2).
body!(Suspect, "hawser/v1/suspect", unsigned);

/// A node would have the term end: it counted Q nodes that suspect, or f + 1 that said this (P4.3).
/// It binds to nothing: its maker votes in the term until it holds a leave certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leave {
    /// The epoch.
    pub epoch: Epoch,
    /// The term to leave.
    pub term: Term,
    /// Why its maker suspects the leader, or else what most of those gave that it counted.
    pub reason: Reason,
    /// Whether its maker does not suspect the leader itself: the reason is that of others.
    pub followed: bool,
}

impl Canonical for Leave {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        self.reason.encode(writer);
        writer.bool(self.followed);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            reason: Reason::decode(reader)?,
            followed: reader.bool()?,
        })
    }
}

body!(Leave, "hawser/v1/leave");

/// What entitled a node to its accepted pair (P3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Justification {
    /// What opened the epoch; for term 0.
    Opening,
    /// The election certificate of the pair's term.
    Election(ElectionCertificate),
    /// A commit certificate of the pair's term.
    Commit(QuorumCertificate),
}

impl Canonical for Justification {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Self::Opening => writer.u8(0),
            Self::Election(certificate) => {
                writer.u8(1);
                certificate.encode(writer);
            }
            Self::Commit(certificate) => {
                writer.u8(2);
                certificate.encode(writer);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            0 => Self::Opening,
            1 => Self::Election(ElectionCertificate::decode(reader)?),
            2 => Self::Commit(QuorumCertificate::decode(reader)?),
            found => {
                return Err(DecodeError::Unknown {
                    what: "justification",
                    found: found.into(),
                });
            }
        })
    }
}

/// The accepted pair of a report, with what makes it believable (P4.4, P4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairReport {
    /// w: the term in which the point was accepted.
    pub term: Term,
    /// x: how far.
    pub point: Point,
    /// The signed headers from base(w), or from a point with a certificate of w, to the point.
    pub headers: Vec<SignedHeader>,
    /// What entitled the node to the pair.
    pub justification: Justification,
}

impl Canonical for PairReport {
    fn encode(&self, writer: &mut Writer) {
        self.term.encode(writer);
        self.point.encode(writer);
        writer.list(&self.headers);
        self.justification.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            term: Term::decode(reader)?,
            point: Point::decode(reader)?,
            headers: reader.list("headers of a report", limits::WINDOW as usize)?,
            justification: Justification::decode(reader)?,
        })
    }
}

/// What a node may have helped to commit before the term it enters (P4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The epoch.
    pub epoch: Epoch,
    /// T: the term entered, for whose leader the report is.
    pub term: Term,
    /// The accepted pair.
    pub pair: PairReport,
    /// The furthest accept certificate of the pair's term that the node holds.
    pub accept: Option<QuorumCertificate>,
    /// The best commit certificate that it holds.
    pub commit: Option<QuorumCertificate>,
    /// Why the term before was left.
    pub leave: LeaveCertificate,
}

impl Report {
    /// Its certificates of the pair's term, justification included: what L is made of (P4.8).
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &QuorumCertificate> {
        let justification = match &self.pair.justification {
            Justification::Commit(certificate) => Some(certificate),
            Justification::Opening | Justification::Election(_) => None,
        };
        [self.accept.as_ref(), self.commit.as_ref(), justification]
            .into_iter()
            .flatten()
            .filter(|certificate| certificate.term() == self.pair.term)
    }
}

impl Canonical for Report {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        self.pair.encode(writer);
        writer.option(self.accept.as_ref());
        writer.option(self.commit.as_ref());
        self.leave.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            pair: PairReport::decode(reader)?,
            accept: reader.option()?,
            commit: reader.option()?,
            leave: LeaveCertificate::decode(reader)?,
        })
    }
}

body!(Report, "hawser/v1/report");

/// leader(T) shows the reports from which base follows and asks for grants (P4.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestVote {
    /// The epoch.
    pub epoch: Epoch,
    /// The term.
    pub term: Term,
    /// What `select_base` makes of the reports.
    pub base: Point,
    /// The reports.
    pub reports: Vec<Signed<Report>>,
}

impl RequestVote {
    /// What a voter grants if it comes to the same base.
    #[must_use]
    pub fn grant(&self) -> Grant {
        Grant {
            epoch: self.epoch,
            term: self.term,
            base: self.base,
            reports: hash_of_reports(&self.reports),
        }
    }
}

/// The hash of collected reports that grants repeat.
#[must_use]
pub fn hash_of_reports(reports: &[Signed<Report>]) -> Hash {
    let mut writer = Writer::default();
    writer.list(reports);
    reports_hash(&writer.into_bytes())
}

impl Canonical for RequestVote {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        self.base.encode(writer);
        writer.list(&self.reports);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            base: Point::decode(reader)?,
            reports: reader.list("reports", FaultModel::MOST_VALIDATORS)?,
        })
    }
}

body!(RequestVote, "hawser/v1/request-vote");

/// A voter's agreement that T starts from base; one base per term (P4.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The epoch.
    pub epoch: Epoch,
    /// The term.
    pub term: Term,
    /// What must be kept.
    pub base: Point,
    /// The reports that it follows from.
    pub reports: Hash,
}

impl Canonical for Grant {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        self.base.encode(writer);
        self.reports.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            base: Point::decode(reader)?,
            reports: Hash::decode(reader)?,
        })
    }
}

/// The payload of a term's first entry: why this leader leads, for every auditor (P4.4, P4.7).
/// Term 0 has neither a certificate nor reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermRecord {
    /// Proof of the term.
    pub election: Option<ElectionCertificate>,
    /// The reports from which base was computed, with the reasons for leaving the term before.
    pub reports: Vec<Signed<Report>>,
}

impl Canonical for TermRecord {
    fn encode(&self, writer: &mut Writer) {
        writer.option(self.election.as_ref());
        writer.list(&self.reports);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            election: reader.option()?,
            reports: reader.list("reports", FaultModel::MOST_VALIDATORS)?,
        })
    }
}
