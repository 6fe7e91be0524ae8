//! States: what correct nodes wait for, and what the traitors may have collected.

use super::rules::{HIGHEST_LEVEL, Network};

/// A set of correct nodes, by position.
pub type Nodes = u8;

/// An age of something that never was, or is too old to matter.
pub const NEVER: u8 = u8::MAX;

/// Correct nodes of the largest network, of ten.
pub const MOST_CORRECT: usize = 7;

/// Why a node suspects its leader (P4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Suspicion {
    /// It does not.
    #[default]
    None,
    /// Nothing was committed in time: a later commit certificate ends it.
    Silent,
    /// Its request was not included in time: only that it is ends it.
    Starved,
    /// `misbehaved` or `restarted`: it ends with the term.
    Lasting,
}

/// What a node sends in a tick; all of its term, all heard by every correct node a tick later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "a message is sent or not")]
pub struct Sent {
    /// A Suspect.
    pub suspect: bool,
    /// What took it to its term, ahead of a Suspect.
    pub proof: bool,
    /// A Leave.
    pub leave: bool,
    /// A report with its leave certificate.
    pub report: bool,
    /// The leader's `RequestVote`.
    pub ask: bool,
    /// A grant.
    pub grant: bool,
    /// The leader's entries, with the certificates that they need.
    pub append: bool,
    /// A vote.
    pub vote: bool,
    /// Certificates for these late nodes (P4.3).
    pub answers: Nodes,
}

/// A correct node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent")]
pub struct Node {
    /// The term it is in.
    pub term: u8,
    /// Its timer level (P4.6).
    pub level: u8,
    /// Ticks since it entered the term, or since the last commit if that was later.
    pub waited: u8,
    /// Ticks since it entered the term, or since its request was committed.
    pub starving: u8,
    /// Ticks without suspicion since the level last changed.
    pub steady: u8,
    /// Whether something was committed in this term.
    pub committed: bool,
    /// Whether it holds the election certificate of its term.
    pub adopted: bool,
    /// Whether it made a report for its term: it came by a leave certificate.
    pub reported: bool,
    /// Whether it granted its term.
    pub granted: bool,
    /// What it thinks of its leader.
    pub suspicion: Suspicion,
    /// Ticks until it repeats its certificate, its Leave or its report.
    pub repeat: u8,
    /// How long ago it heard each correct node's Suspect of this term.
    pub heard: [u8; MOST_CORRECT],
    /// Whose Leaves of this term it holds, its own among them.
    pub leaves: Nodes,
    /// As a leader: whose reports it holds.
    pub reports: Nodes,
    /// As a leader: whether it asked for grants.
    pub asked: bool,
    /// As a leader: whose grants it holds.
    pub grants: Nodes,
    /// What it sent in the last tick.
    pub sent: Sent,
}

impl Node {
    /// Whose Suspects it heard lately enough to count them (P4.3).
    #[must_use]
    pub fn fresh(&self) -> Nodes {
        let newest = Network::fresh(self.level);
        let heard = self.heard.iter().enumerate();
        heard
            .filter(|(_, age)| **age <= newest)
            .fold(0, |set, (position, _)| set | 1 << position)
    }

    /// Whom it counts as suspecting, its own position given: who does, and who would leave (P4.3).
    #[must_use]
    pub fn counted(&self, position: usize) -> Nodes {
        let own = Nodes::from(self.suspicion != Suspicion::None) << position;
        self.fresh() & !(1 << position) | own | self.leaves
    }

    /// Enters a term, by its election certificate or by the leave certificate of the one before.
    /// Everything that belonged to the old term ends (P4.3, P4.6).
    pub fn enter(&mut self, term: u8, by_election: bool, grows: bool) {
        let level = (self.level + u8::from(grows)).min(HIGHEST_LEVEL);
        *self = Self {
            term,
            level,
            adopted: by_election,
            reported: !by_election,
            heard: [NEVER; MOST_CORRECT],
            ..Self::default()
        };
    }
}

/// What correct nodes have said in a term, and traitors may have kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Said {
    /// Who signed that it would leave.
    pub would_leave: Nodes,
    /// Who reported for it. Only where a traitor leads, like what follows.
    pub reported: Nodes,
    /// Who granted it.
    pub granted: Nodes,
    /// Who adopted it, and votes for what its leader sends.
    pub adopted: Nodes,
}

/// A state of the network at a tick.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The correct nodes.
    pub nodes: Vec<Node>,
    /// From the lowest term of a correct node on.
    pub said: Vec<Said>,
    /// A correct leader leads this term: each correct node has its commits, none would leave it,
    /// and not enough of them suspected it lately.
    pub settled: Option<u8>,
    /// Ticks since a correct node last suspected; counted only where errors are rare.
    pub calm: u8,
}

impl State {
    /// A state from terms, levels and whether each node has adopted its term. Whatever they sent
    /// was lost.
    #[must_use]
    pub fn start(network: &Network, nodes: &[(u8, u8, bool)]) -> Self {
        let count = nodes.len();
        let everybody = Nodes::try_from((1_u16 << count) - 1).unwrap_or(Nodes::MAX);
        let highest = nodes.iter().map(|node| node.0).max().unwrap_or(0);
        let mut state = Self {
            nodes: nodes
                .iter()
                .map(|&(term, level, adopted)| Node {
                    term,
                    level,
                    adopted,
                    reported: !adopted,
                    granted: adopted,
                    heard: [NEVER; MOST_CORRECT],
                    ..Node::default()
                })
                .collect(),
            said: Vec::new(),
            settled: None,
            calm: 0,
        };
        let lowest = state.lowest();
        for term in lowest..=highest {
            let mut said = Said::default();
            if term < highest {
                said.would_leave = everybody;
            }
            for (position, node) in state.nodes.iter().enumerate() {
                let bit = 1 << position;
                if node.term >= term {
                    said.reported |= bit;
                }
                if node.term == term && node.adopted {
                    // Others granted and went on.
                    said.granted = everybody;
                    said.adopted |= bit;
                }
            }
            state.said.push(said);
        }
        state.tidy(network, lowest);
        state
    }

    /// The lowest term of a correct node.
    #[must_use]
    pub fn lowest(&self) -> u8 {
        self.nodes.iter().map(|node| node.term).min().unwrap_or(0)
    }

    /// The highest term of a correct node.
    #[must_use]
    pub fn highest(&self) -> u8 {
        self.nodes.iter().map(|node| node.term).max().unwrap_or(0)
    }

    /// Whether a correct node is in an earlier term than another.
    #[must_use]
    pub fn is_apart(&self) -> bool {
        self.lowest() < self.highest()
    }

    /// What was said in a term.
    #[must_use]
    pub fn said(&self, term: u8) -> Said {
        let place = term.checked_sub(self.lowest()).map(usize::from);
        place
            .and_then(|place| self.said.get(place))
            .copied()
            .unwrap_or_default()
    }

    /// Forgets what no longer matters, and counts terms from below n again: all that a term's
    /// number says is who leads it. `from` is the term that `said` starts at.
    pub fn tidy(&mut self, network: &Network, from: u8) {
        let lowest = self.lowest();
        self.said
            .drain(..usize::from(lowest - from).min(self.said.len()));
        self.said
            .resize(usize::from(self.highest() - lowest) + 1, Said::default());
        for (place, said) in self.said.iter_mut().enumerate() {
            let term = lowest + u8::try_from(place).unwrap_or(u8::MAX);
            if network.leader(term).is_some() {
                *said = Said {
                    would_leave: said.would_leave,
                    ..Said::default()
                };
            }
        }
        let nodes = u8::try_from(network.sizes.nodes).unwrap_or(u8::MAX);
        let turns = lowest / nodes * nodes;
        for node in &mut self.nodes {
            node.term -= turns;
        }
        self.settled = self
            .settled
            .filter(|&term| term >= lowest)
            .map(|term| term - turns);
    }
}
