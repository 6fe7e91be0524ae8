//! What correct nodes do.

use std::sync::Arc;

use thiserror::Error;

use super::{Point, Reported, Term};

/// A step of one correct node, named by its position in `State::nodes`.
///
/// Traitors take no steps: what they say is assumed to have been said (P2.6). What they make up
/// for an election is part of the [`Action::Grant`] that follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Signs that it would leave its term (P4.3). Only if Leaves are actions of their own.
    WouldLeave {
        /// Who.
        node: usize,
    },
    /// Leaves `term` on its leave certificate: enters the term after it and reports (P4.3, P4.4).
    Leave {
        /// Who.
        node: usize,
        /// The term that ended.
        term: Term,
    },
    /// Enters `term` on its election certificate; pair and votes wait until it adopts (P4.9).
    Enter {
        /// Who.
        node: usize,
        /// The term.
        term: Term,
    },
    /// Reports again for the term that it is in, as its pair or certificate changed (P4.4).
    Report {
        /// Who.
        node: usize,
    },
    /// Computes the base of its term from these reports, and grants it (P4.7).
    Grant {
        /// Who.
        node: usize,
        /// What it comes to.
        base: Point,
        /// From what; nothing for variations without reports.
        reports: Arc<[Reported]>,
    },
    /// Adopts `term` on its election certificate, with all of base held: pair and vote (P4.9).
    Adopt {
        /// Who.
        node: usize,
        /// The term.
        term: Term,
        /// What its election certificate names.
        base: Point,
    },
    /// Accepts entries of its term up to the point, makes them durable, and votes (P3.2, P2.6).
    Accept {
        /// Who.
        node: usize,
        /// The last entry.
        point: Point,
    },
    /// Locks on an accept certificate, makes it durable, and votes (P3.5).
    Lock {
        /// Who.
        node: usize,
        /// What the certificate speaks about.
        point: Point,
    },
    /// Takes in a commit certificate (P3.6, P3.3 (iii)).
    Commit {
        /// Who.
        node: usize,
        /// The certificate's term.
        term: Term,
        /// What it speaks about.
        point: Point,
    },
    /// Stops and comes back with what is durable (P11.1).
    Restart {
        /// Who.
        node: usize,
    },
}

impl Action {
    /// Whose step it is.
    #[must_use]
    pub const fn node(&self) -> usize {
        match *self {
            Self::WouldLeave { node }
            | Self::Leave { node, .. }
            | Self::Enter { node, .. }
            | Self::Report { node }
            | Self::Grant { node, .. }
            | Self::Adopt { node, .. }
            | Self::Accept { node, .. }
            | Self::Lock { node, .. }
            | Self::Commit { node, .. }
            | Self::Restart { node } => node,
        }
    }
}

/// Why the rules refuse a step.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// No such correct node.
    #[error("there is no such correct node")]
    UnknownNode,
    /// P4.3: a term is entered on a certificate, and none exists.
    #[error("P4.3: no leave certificate of the term can exist")]
    NoLeaveCertificate,
    /// P4.7.
    #[error("P4.7: no election certificate of the term for this base can exist")]
    NoElectionCertificate,
    /// P4.3: a term is never entered again, nor an earlier one.
    #[error("P4.3: the node is already in a later term")]
    TermPassed,
    /// P4.4: the pair's term is below the report's.
    #[error("P4.4: the accepted pair is not of an earlier term")]
    NothingToReport,
    /// P4.5: among the reports is one that was never sent, is void, or stands twice.
    #[error("P4.5: a report was never sent, is void, or stands twice")]
    ReportDoesNotCount,
    /// P4.8: the reports give another base, or none.
    #[error("P4.8: the reports do not give this base")]
    OtherBase,
    /// P4.7: one base per term.
    #[error("P4.7: the node has granted another base in this term")]
    AlreadyGranted,
    /// P4.9: a certificate of a term not above the pair's never changes the pair.
    #[error("P4.9: the accepted pair is of this term or a later one")]
    PairNotBelow,
    /// P3.2, P4.9: a base that ends in a stop sign that the node cannot judge, or judges false.
    #[error("P3.2: the stop sign is not authorized by what the node applied")]
    StopSignUnauthorized,
    /// P9.2.
    #[error("P9.2: nothing follows a stop sign")]
    FollowsStopSign,
    /// P3.2: the node is not in the pair's term.
    #[error("P3.4: the node is not in the term of its accepted pair")]
    NotInPairTerm,
    /// P3.2, P3.4.
    #[error("P3.2: the entry does not extend the accepted point within the term")]
    DoesNotExtend,
    /// P3.2: no leader of the term can have signed it.
    #[error("P3.8: the term's leader is correct and signed another entry there, or none")]
    NotSigned,
    /// P3.3: the accepted branch contradicts a certificate of its term.
    #[error("P3.3: the node is on a losing branch and accepts and locks nothing more in the term")]
    OnLosingBranch,
    /// P3.2: what is committed stays.
    #[error("P3.2: the entry contradicts the node's commit point")]
    BelowCommit,
    /// P3.5.
    #[error("P3.5: no accept certificate for the point can exist, or the node is past it")]
    NoAcceptCertificate,
    /// P3.5: where Q = F no lock round is sent.
    #[error("P3.5: where Q = F there is no lock round")]
    NoLockRound,
    /// P3.6.
    #[error("P3.6: no commit certificate for the point can exist")]
    NoCommitCertificate,
}
