//! Evidence (P7.3): two signed statements that no correct node makes. Verifiable offline, by
//! anybody who has the configuration.

mod admission;
pub mod audit;
mod contradiction;
mod encoding;
mod kind;
mod statements;

use std::fmt;

use thiserror::Error;

pub use admission::{Admission, Denial, Reported, leaves_out};
pub use contradiction::{fork_headers, results_differ};
pub use kind::OffenceKind;
pub use statements::Statements;

use contradiction::{forks, point_of, same_voter_and_term};

use crate::{
    certificate::Counted,
    configuration::Configuration,
    entry::{EntryHeader, SignedHeader},
    message::{Grant, Report, Vote},
    mode::Mode,
    signature::Verifier,
    signed::Signed,
    types::{Epoch, NodeId},
};

/// What a validator did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offence {
    /// Signed two entries for one epoch, term and index.
    Equivocation {
        /// Whose entries they are.
        author: NodeId,
        /// One entry.
        first: SignedHeader,
        /// The other.
        second: SignedHeader,
    },
    /// Voted in one term for two points of which neither extends the other. Accepted and locked
    /// points of one term lie on one chain, so any two of them may be compared.
    ForkedVotes {
        /// The vote for the lower point, or either at one height.
        lower: Signed<Vote>,
        /// The vote for the higher point. It may be the same vote, with its other point.
        higher: Signed<Vote>,
        /// Which point of the lower vote, and which of the higher vote.
        compared: (Counted, Counted),
        /// Headers from just above the lower point's height to the higher point.
        headers: Vec<EntryHeader>,
    },
    /// Granted two bases in one term.
    TwoGrants {
        /// One grant.
        first: Signed<Grant>,
        /// The other.
        second: Signed<Grant>,
    },
    /// Claimed two results for one index.
    TwoResults {
        /// One vote.
        first: Signed<Vote>,
        /// The other.
        second: Signed<Vote>,
    },
    /// Reported less than it had voted for.
    FalseReport {
        /// The report.
        report: Box<Signed<Report>>,
        /// A vote, of a term before the report's, that the report leaves out.
        vote: Signed<Vote>,
    },
}

/// An offence, as a message and as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The epoch in which the offender signed.
    pub epoch: Epoch,
    /// What it did.
    pub offence: Offence,
}

/// Why something is no evidence.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NoEvidence {
    /// The two statements come from different signers, terms or epochs.
    #[error("the statements are not of one signer, term and epoch")]
    Unrelated,
    /// A correct node may make both statements.
    #[error("the statements do not contradict each other")]
    NoContradiction,
    /// A signature is not good, so anybody may have made it up.
    #[error("a signature is not good")]
    Signature,
    /// The mode signs nothing.
    #[error("this mode has no signed statements, so nothing can be proved")]
    Unsigned,
}

impl Evidence {
    /// Who is accused.
    #[must_use]
    pub const fn accused(&self) -> NodeId {
        match &self.offence {
            Offence::Equivocation { author, .. } => *author,
            Offence::ForkedVotes { lower, .. } => lower.signer,
            Offence::TwoGrants { first, .. } => first.signer,
            Offence::TwoResults { first, .. } => first.signer,
            Offence::FalseReport { vote, .. } => vote.signer,
        }
    }

    /// What kind of offence it proves.
    #[must_use]
    pub const fn kind(&self) -> OffenceKind {
        OffenceKind::of(&self.offence)
    }

    /// The offence's name for people and JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// Checks that the accused signed both statements and that they contradict each other.
    ///
    /// # Errors
    /// [`NoEvidence`].
    pub fn check(
        &self,
        configuration: &Configuration,
        verifier: &dyn Verifier,
    ) -> Result<(), NoEvidence> {
        if configuration.mode() == Mode::Raft {
            return Err(NoEvidence::Unsigned);
        }
        if self.epoch != configuration.epoch() {
            return Err(NoEvidence::Unrelated);
        }
        self.check_contradiction(configuration)?;
        if self.signatures_hold(configuration, verifier) {
            Ok(())
        } else {
            Err(NoEvidence::Signature)
        }
    }

    /// As [`Evidence::check`], without the signatures: for statements that were verified before.
    ///
    /// # Errors
    /// [`NoEvidence`].
    pub fn check_contradiction(&self, configuration: &Configuration) -> Result<(), NoEvidence> {
        let (related, contradiction) = match &self.offence {
            Offence::Equivocation {
                author,
                first,
                second,
            } => {
                let (one, other) = (&first.header, &second.header);
                (
                    one.epoch == self.epoch
                        && other.epoch == self.epoch
                        && one.term == other.term
                        && one.author == *author
                        && other.author == *author,
                    one.index == other.index && one != other,
                )
            }
            Offence::ForkedVotes {
                lower,
                higher,
                compared,
                headers,
            } => (
                same_voter_and_term(lower, higher),
                point_of(&lower.body, compared.0)
                    .zip(point_of(&higher.body, compared.1))
                    .is_some_and(|(low, high)| forks(configuration, low, high, headers)),
            ),
            Offence::TwoGrants { first, second } => (
                first.signer == second.signer && first.body.term == second.body.term,
                first.body != second.body,
            ),
            Offence::TwoResults { first, second } => (
                first.signer == second.signer,
                results_differ(&first.body, &second.body),
            ),
            Offence::FalseReport { report, vote } => (
                report.signer == vote.signer && vote.body.term < report.body.term,
                leaves_out(configuration, &report.body, &vote.body),
            ),
        };
        if !related {
            return Err(NoEvidence::Unrelated);
        }
        if !contradiction {
            return Err(NoEvidence::NoContradiction);
        }
        Ok(())
    }

    fn signatures_hold(&self, configuration: &Configuration, verifier: &dyn Verifier) -> bool {
        match &self.offence {
            Offence::Equivocation {
                author,
                first,
                second,
            } => [first, second].into_iter().all(|signed| {
                let hash = signed.header.hash(configuration);
                let digest = EntryHeader::signing_digest(configuration, self.epoch, &hash);
                configuration
                    .key(*author)
                    .is_some_and(|key| verifier.verify(key, &digest, &signed.signature))
            }),
            Offence::ForkedVotes { lower, higher, .. } => {
                lower.signature_holds(configuration, verifier)
                    && higher.signature_holds(configuration, verifier)
            }
            Offence::TwoGrants { first, second } => {
                first.signature_holds(configuration, verifier)
                    && second.signature_holds(configuration, verifier)
            }
            Offence::TwoResults { first, second } => {
                first.signature_holds(configuration, verifier)
                    && second.signature_holds(configuration, verifier)
            }
            Offence::FalseReport { report, vote } => {
                report.signature_holds(configuration, verifier)
                    && vote.signature_holds(configuration, verifier)
            }
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.accused();
        match &self.offence {
            Offence::Equivocation { first, .. } => write!(
                f,
                "{who} signed two entries for index {} in term {}",
                first.header.index, first.header.term
            ),
            Offence::ForkedVotes {
                lower, compared, ..
            } => write!(
                f,
                "{who} {} two branches in term {}",
                match compared {
                    (Counted::Accepted, Counted::Accepted) => "voted for",
                    (Counted::Locked, Counted::Locked) => "locked",
                    _ => "locked and voted for",
                },
                lower.body.term
            ),
            Offence::TwoGrants { first, .. } => {
                write!(f, "{who} granted two bases in term {}", first.body.term)
            }
            Offence::TwoResults { first, .. } => write!(
                f,
                "{who} claimed two results for index {}",
                first.body.applied.map_or(0, |applied| applied.index.0)
            ),
            Offence::FalseReport { report, vote } => write!(
                f,
                "{who} left its vote of term {} out of its report for term {}",
                vote.body.term, report.body.term
            ),
        }
    }
}
