//! What an attack achieved, read off the nodes at the end of its trace.

use std::fmt;

use super::log::{ChainHash, Entry};
use super::message::{NodeId, Term};

/// Two honest nodes applied different entries at one index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The first index at which they differ.
    pub index: usize,
    /// One node and what it applied there.
    pub one: (NodeId, Entry),
    /// Another and what it applied there.
    pub other: (NodeId, Entry),
}

/// Why nothing moves any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Every honest node holds `replicated` entries, none has committed more than `committed`.
    Uncommitted {
        /// Entries in the shortest honest log.
        replicated: usize,
        /// Entries committed by the most advanced honest node.
        committed: usize,
    },
    /// Attempts in which no leader emerged, attacked and left alone.
    NoLeader {
        /// Attempts of each kind.
        runs: usize,
        /// Attacked ones that stayed without a leader.
        attacked: usize,
        /// Undisturbed ones that stayed without a leader.
        undisturbed: usize,
    },
    /// Candidates' terms went past the largest number, and their requests are taken for old ones.
    TermsWrapped {
        /// The honest nodes' terms after one round of candidacies.
        terms: Vec<(NodeId, Term)>,
    },
    /// Each of these leaders, in turn, was ignored by every honest node.
    LeadersMuted {
        /// In the order of their terms.
        leaders: Vec<NodeId>,
    },
}

/// What an attack achieved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Two honest nodes disagree for ever.
    Fork(Fork),
    /// The cluster is stuck.
    Halted(Halt),
    /// A node leads a term that it was not elected in, in place of the honest leader.
    Usurped {
        /// The term.
        term: Term,
        /// Who was elected.
        elected: NodeId,
        /// Who leads.
        usurper: NodeId,
        /// Honest nodes that follow the usurper.
        followers: Vec<NodeId>,
    },
    /// An honest node committed an entry that no quorum holds.
    CommittedWithoutQuorum {
        /// Who committed.
        node: NodeId,
        /// Which index.
        index: usize,
        /// Honest nodes that hold the entry.
        holders: Vec<NodeId>,
        /// How many holders a quorum would need.
        quorum: usize,
    },
    /// An honest node acknowledged two different logs of one length in one term.
    Equivocated {
        /// Who.
        node: NodeId,
        /// In which term.
        term: Term,
        /// Last index of both logs.
        index: usize,
        /// The two hashes.
        hashes: (ChainHash, ChainHash),
    },
    /// An honest node voted for two candidates of one term, and both won.
    DoubleVote {
        /// Who voted twice.
        voter: NodeId,
        /// The term.
        term: Term,
        /// Both leaders.
        leaders: (NodeId, NodeId),
    },
    /// The attack needs a vote that an honest node refuses to give.
    Refused {
        /// Who refuses.
        voter: NodeId,
        /// Whom.
        candidate: NodeId,
    },
    /// No honest node was misled; how many entries each has committed.
    Safe {
        /// Honest nodes and the number of entries each applied.
        committed: Vec<(NodeId, usize)>,
    },
}

/// An [`Outcome`] without its particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutcomeKind {
    /// See [`Outcome::Fork`].
    Fork,
    /// See [`Outcome::Halted`].
    Halt,
    /// See [`Outcome::Usurped`].
    Usurped,
    /// See [`Outcome::CommittedWithoutQuorum`].
    CommittedWithoutQuorum,
    /// See [`Outcome::Equivocated`].
    Equivocated,
    /// See [`Outcome::DoubleVote`].
    DoubleVote,
    /// See [`Outcome::Refused`].
    Refused,
    /// See [`Outcome::Safe`].
    Safe,
}

impl Outcome {
    /// Which kind of outcome it is.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Fork(_) => OutcomeKind::Fork,
            Self::Halted(_) => OutcomeKind::Halt,
            Self::Usurped { .. } => OutcomeKind::Usurped,
            Self::CommittedWithoutQuorum { .. } => OutcomeKind::CommittedWithoutQuorum,
            Self::Equivocated { .. } => OutcomeKind::Equivocated,
            Self::DoubleVote { .. } => OutcomeKind::DoubleVote,
            Self::Refused { .. } => OutcomeKind::Refused,
            Self::Safe { .. } => OutcomeKind::Safe,
        }
    }
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Fork => "fork",
            Self::Halt => "halt",
            Self::Usurped => "usurped",
            Self::CommittedWithoutQuorum => "committed without quorum",
            Self::Equivocated => "honest node equivocates",
            Self::DoubleVote => "double vote",
            Self::Refused => "refused",
            Self::Safe => "safe",
        })
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, one, other } = self;
        write!(formatter, "at index {index} {} applied {}", one.0, one.1)?;
        write!(formatter, " and {} applied {}", other.0, other.1)
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uncommitted {
                replicated,
                committed,
            } => {
                write!(
                    formatter,
                    "{replicated} entries on every honest node, {committed} committed"
                )
            }
            Self::NoLeader {
                runs,
                attacked,
                undisturbed,
            } => {
                write!(formatter, "no leader in {attacked} of {runs} runs, ")?;
                write!(formatter, "undisturbed in {undisturbed}")
            }
            Self::TermsWrapped { terms } => {
                let terms = list(terms.iter().map(|(node, term)| format!("{node}:{term}")));
                write!(formatter, "candidates' terms wrapped: {terms}")
            }
            Self::LeadersMuted { leaders } => {
                write!(formatter, "every leader muted: {}", list(leaders))
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.kind())?;
        match self {
            Self::Fork(fork) => fork.fmt(formatter),
            Self::Halted(halt) => halt.fmt(formatter),
            Self::Usurped {
                term,
                elected,
                usurper,
                followers,
            } => {
                let followers = list(followers);
                write!(
                    formatter,
                    "{elected} won term {term}, {followers} follow {usurper}"
                )
            }
            Self::CommittedWithoutQuorum {
                node,
                index,
                holders,
                quorum,
            } => {
                write!(
                    formatter,
                    "{node} committed index {index}, which only {} hold",
                    list(holders)
                )?;
                write!(formatter, " of the {quorum} needed")
            }
            Self::Equivocated {
                node, term, index, ..
            } => {
                write!(
                    formatter,
                    "{node} acknowledged two logs at index {index} in term {term}"
                )
            }
            Self::DoubleVote {
                voter,
                term,
                leaders,
            } => {
                write!(formatter, "{voter} voted twice in term {term}, ")?;
                write!(
                    formatter,
                    "so that both {} and {} lead it",
                    leaders.0, leaders.1
                )
            }
            Self::Refused { voter, candidate } => {
                write!(formatter, "{voter} does not vote for {candidate}")
            }
            Self::Safe { committed } => {
                let counts = committed
                    .iter()
                    .map(|(node, count)| format!("{node}:{count}"));
                write!(formatter, "entries committed {}", list(counts))
            }
        }
    }
}

fn list(items: impl IntoIterator<Item = impl fmt::Display>) -> String {
    items
        .into_iter()
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
