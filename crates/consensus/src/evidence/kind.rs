//! The kinds of offences, by name and number.

use super::Offence;
use crate::{
    certificate::Counted,
    encoding::{Canonical, DecodeError, Reader, Writer},
};

/// What kind of offence a piece of evidence proves. One piece of each kind convicts a validator;
/// nobody keeps more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OffenceKind {
    /// Two entries of one leader at one (epoch, term, index).
    Equivocation,
    /// Two votes of one term whose accepted points fork.
    ForkedVotes,
    /// Two votes of one term where a locked point forks from a locked or accepted one.
    ForkedLocks,
    /// Two different grants of one term.
    TwoGrants,
    /// Two applied digests of one index.
    TwoResults,
    /// A report that denies a vote.
    FalseReport,
}

impl OffenceKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Equivocation,
        Self::ForkedVotes,
        Self::ForkedLocks,
        Self::TwoGrants,
        Self::TwoResults,
        Self::FalseReport,
    ];

    /// The kind that two forking points of votes are, by which points they are.
    #[must_use]
    pub const fn of_points(compared: (Counted, Counted)) -> Self {
        match compared {
            (Counted::Accepted, Counted::Accepted) => Self::ForkedVotes,
            _ => Self::ForkedLocks,
        }
    }

    /// The kind of an offence.
    #[must_use]
    pub const fn of(offence: &Offence) -> Self {
        match offence {
            Offence::Equivocation { .. } => Self::Equivocation,
            Offence::ForkedVotes { compared, .. } => Self::of_points(*compared),
            Offence::TwoGrants { .. } => Self::TwoGrants,
            Offence::TwoResults { .. } => Self::TwoResults,
            Offence::FalseReport { .. } => Self::FalseReport,
        }
    }

    /// The name for people and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equivocation => "equivocation",
            Self::ForkedVotes => "forked-votes",
            Self::ForkedLocks => "forked-locks",
            Self::TwoGrants => "two-grants",
            Self::TwoResults => "two-results",
            Self::FalseReport => "false-report",
        }
    }
}

impl Canonical for OffenceKind {
    fn encode(&self, writer: &mut Writer) {
        writer.u8(*self as u8);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let found = reader.u8()?;
        let kind = Self::ALL.get(usize::from(found));
        kind.copied().ok_or(DecodeError::Unknown {
            what: "kind of offence",
            found: found.into(),
        })
    }
}
