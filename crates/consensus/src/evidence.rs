//! Evidence (P7.3): two signed statements that no correct node makes. Verifiable offline, by
//! anybody who has the configuration.

use std::fmt;

use thiserror::Error;

use crate::{
    configuration::Configuration,
    encoding::{Canonical, DecodeError, Reader, Writer},
    entry::{EntryHeader, SignedHeader},
    limits,
    message::{Grant, Report, Vote},
    mode::Mode,
    signature::Verifier,
    signed::{Signed, body},
    types::{Epoch, NodeId, Point},
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
    /// Voted in one term for two points of which neither extends the other.
    ForkedVotes {
        /// The vote for the lower point, or either at one height.
        lower: Signed<Vote>,
        /// The vote for the higher point.
        higher: Signed<Vote>,
        /// Whether it is the locked points that fork.
        locked: bool,
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

    /// The offence's name for people and JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match &self.offence {
            Offence::Equivocation { .. } => "equivocation",
            Offence::ForkedVotes { locked: false, .. } => "forked-votes",
            Offence::ForkedVotes { locked: true, .. } => "forked-locks",
            Offence::TwoGrants { .. } => "two-grants",
            Offence::TwoResults { .. } => "two-results",
            Offence::FalseReport { .. } => "false-report",
        }
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

    pub(crate) fn check_contradiction(
        &self,
        configuration: &Configuration,
    ) -> Result<(), NoEvidence> {
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
                locked,
                headers,
            } => (
                same_voter_and_term(lower, higher),
                forks(configuration, lower, higher, *locked, headers),
            ),
            Offence::TwoGrants { first, second } => (
                first.signer == second.signer && first.body.term == second.body.term,
                first.body != second.body,
            ),
            Offence::TwoResults { first, second } => (
                first.signer == second.signer,
                first
                    .body
                    .applied
                    .zip(second.body.applied)
                    .is_some_and(|(one, other)| {
                        one.index == other.index && one.digest != other.digest
                    }),
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

fn same_voter_and_term(one: &Signed<Vote>, other: &Signed<Vote>) -> bool {
    one.signer == other.signer && one.body.term == other.body.term
}

/// Whether the two voted points lie on different branches. At one height that is plain; otherwise
/// the headers lead from the lower height to the higher point and show another entry below.
fn forks(
    configuration: &Configuration,
    lower: &Signed<Vote>,
    higher: &Signed<Vote>,
    locked: bool,
    headers: &[EntryHeader],
) -> bool {
    let point = |vote: &Vote| if locked { vote.locked } else { vote.accepted };
    let Some((low, high)) = point(&lower.body).zip(point(&higher.body)) else {
        return false;
    };
    if low.index == high.index {
        return headers.is_empty() && low.hash != high.hash;
    }
    let Some(first) = headers.first() else {
        return false;
    };
    let linked = headers.windows(2).all(|pair| {
        pair[1].index == pair[0].index.next() && pair[1].previous == pair[0].hash(configuration)
    });
    let ends_high = headers
        .last()
        .is_some_and(|last| last.point(configuration) == high);
    linked && ends_high && first.index == low.index.next() && first.previous != low.hash
}

/// Whether the report denies the vote: its pair is of a lower term, or plainly does not reach the
/// voted point, or no certificate in it covers the vote's lock (P7.3).
fn leaves_out(configuration: &Configuration, report: &Report, vote: &Vote) -> bool {
    if vote.term > report.pair.term {
        return vote.accepted.is_some() || vote.locked.is_some();
    }
    if vote.term < report.pair.term {
        return false;
    }
    let misses = |reported: Point, voted: Point| {
        voted.index > reported.index || (voted.index == reported.index && voted != reported)
    };
    let lock = [&report.accept, &report.commit]
        .into_iter()
        .flatten()
        .filter(|certificate| certificate.term() == vote.term)
        .map(|certificate| certificate.point(configuration))
        .max_by_key(|point| point.index);
    vote.accepted
        .is_some_and(|voted| misses(report.pair.point, voted))
        || vote
            .locked
            .is_some_and(|voted| lock.is_none_or(|covered| voted.index > covered.index))
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
            Offence::ForkedVotes { lower, locked, .. } => write!(
                f,
                "{who} {} two branches in term {}",
                if *locked { "locked" } else { "voted for" },
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

impl Canonical for Evidence {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        match &self.offence {
            Offence::Equivocation {
                author,
                first,
                second,
            } => {
                writer.u8(0);
                author.encode(writer);
                first.encode(writer);
                second.encode(writer);
            }
            Offence::ForkedVotes {
                lower,
                higher,
                locked,
                headers,
            } => {
                writer.u8(1);
                Canonical::encode(lower, writer);
                Canonical::encode(higher, writer);
                writer.bool(*locked);
                writer.list(headers);
            }
            Offence::TwoGrants { first, second } => {
                writer.u8(2);
                Canonical::encode(first, writer);
                Canonical::encode(second, writer);
            }
            Offence::TwoResults { first, second } => {
                writer.u8(3);
                Canonical::encode(first, writer);
                Canonical::encode(second, writer);
            }
            Offence::FalseReport { report, vote } => {
                writer.u8(4);
                Canonical::encode(&**report, writer);
                Canonical::encode(vote, writer);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let epoch = Epoch::decode(reader)?;
        let offence = match reader.u8()? {
            0 => Offence::Equivocation {
                author: NodeId::decode(reader)?,
                first: SignedHeader::decode(reader)?,
                second: SignedHeader::decode(reader)?,
            },
            1 => Offence::ForkedVotes {
                lower: Canonical::decode(reader)?,
                higher: Canonical::decode(reader)?,
                locked: reader.bool()?,
                headers: reader.list("headers of evidence", limits::WINDOW as usize)?,
            },
            2 => Offence::TwoGrants {
                first: Canonical::decode(reader)?,
                second: Canonical::decode(reader)?,
            },
            3 => Offence::TwoResults {
                first: Canonical::decode(reader)?,
                second: Canonical::decode(reader)?,
            },
            4 => Offence::FalseReport {
                report: Box::new(Canonical::decode(reader)?),
                vote: Canonical::decode(reader)?,
            },
            found => {
                return Err(DecodeError::Unknown {
                    what: "offence",
                    found: found.into(),
                });
            }
        };
        Ok(Self { epoch, offence })
    }
}

body!(Evidence, "hawser/v1/accuse");
