//! What a report admits, without the report: enough to see which votes it denies (P7.3).

use super::contradiction::branch;
use crate::{
    configuration::Configuration,
    encoding::{Canonical, DecodeError, Reader, Writer},
    message::{Report, Vote},
    signed::Signed,
    types::{Index, NodeId, Point, Term},
};

/// What a report says about its signer's votes. It proves nothing: it tells whoever holds a vote
/// that such a report denies to show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Who reported.
    pub signer: NodeId,
    /// In which term.
    pub term: Term,
    /// The term of its accepted pair.
    pub pair_term: Term,
    /// The point of its accepted pair.
    pub point: Point,
    /// The last entry that a certificate of the pair's term in it covers.
    pub covered: Option<Index>,
}

/// Whether a report denies a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It does not.
    No,
    /// It does if the voted point is not on the branch of the reported one.
    IfBeside(Point),
    /// It does.
    Yes,
}

impl Admission {
    /// What a report admits.
    #[must_use]
    pub fn of(report: &Signed<Report>) -> Self {
        Self::of_body(report.signer, &report.body)
    }

    fn of_body(signer: NodeId, report: &Report) -> Self {
        let covering = report
            .certificates()
            .map(|certificate| certificate.header.index);
        Self {
            signer,
            term: report.term,
            pair_term: report.pair.term,
            point: report.pair.point,
            covered: covering.max(),
        }
    }

    /// Whether the report denies a vote of the same signer: its pair is of a lower term; or the
    /// voted point lies beyond the reported one, or beside it at its height; or no certificate in it
    /// covers the vote's lock. A point below the reported one may lie beside it.
    #[must_use]
    pub fn denies(&self, vote: &Vote) -> Denial {
        if vote.term >= self.term || vote.term < self.pair_term {
            return Denial::No;
        }
        let says_something = vote.accepted.is_some() || vote.locked.is_some();
        let beyond = |voted: Point| voted.index >= self.point.index && voted != self.point;
        let uncovered = |locked: Point| self.covered.is_none_or(|covered| locked.index > covered);
        if (vote.term > self.pair_term && says_something)
            || vote.accepted.is_some_and(beyond)
            || vote.locked.is_some_and(uncovered)
        {
            return Denial::Yes;
        }
        match vote.accepted {
            Some(voted) if voted.index < self.point.index => Denial::IfBeside(voted),
            _ => Denial::No,
        }
    }
}

/// A report, ready to be held against many votes: each of its headers is hashed once.
#[derive(Clone, Debug)]
pub struct Reported {
    admission: Admission,
    /// The points of its branch, from the reported one down, as far as its headers are linked to it.
    branch: Vec<Point>,
}

impl Reported {
    /// What a report says.
    #[must_use]
    pub fn of(configuration: &Configuration, report: &Signed<Report>) -> Self {
        Self {
            admission: Admission::of(report),
            branch: branch(configuration, &report.body),
        }
    }

    /// What it admits.
    #[must_use]
    pub const fn admission(&self) -> Admission {
        self.admission
    }

    /// Whether the report denies a vote of the same signer: as [`Admission::denies`] says, or as its
    /// own headers show where the voted point lies below the reported one (P7.3).
    #[must_use]
    pub fn leaves_out(&self, vote: &Vote) -> bool {
        match self.admission.denies(vote) {
            Denial::No => false,
            Denial::Yes => true,
            Denial::IfBeside(voted) => {
                let down = self.admission.point.index.beyond(voted.index);
                let place = usize::try_from(down).unwrap_or(usize::MAX);
                self.branch.get(place).is_some_and(|at| *at != voted)
            }
        }
    }
}

/// As [`Reported::leaves_out`], for one vote. Whoever signed both: that is for the caller to see.
#[must_use]
pub fn leaves_out(configuration: &Configuration, report: &Report, vote: &Vote) -> bool {
    let admission = Admission::of_body(NodeId(0), report);
    let branch = match admission.denies(vote) {
        Denial::IfBeside(_) => branch(configuration, report),
        Denial::No | Denial::Yes => Vec::new(),
    };
    Reported { admission, branch }.leaves_out(vote)
}

impl Canonical for Admission {
    fn encode(&self, writer: &mut Writer) {
        self.signer.encode(writer);
        self.term.encode(writer);
        self.pair_term.encode(writer);
        self.point.encode(writer);
        writer.option(self.covered.as_ref());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            signer: NodeId::decode(reader)?,
            term: Term::decode(reader)?,
            pair_term: Term::decode(reader)?,
            point: Point::decode(reader)?,
            covered: reader.option()?,
        })
    }
}
