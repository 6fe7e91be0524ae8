//! What must never happen.

use thiserror::Error;

use super::{
    Forest, Kind, Node, Point, Protocol, State, Term,
    state::{insert, of_term},
};

/// A state that the rules must not allow.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Violation {
    /// Two committed points lie on two chains.
    #[error("agreement: {0:?} and {1:?} are both committed")]
    Fork(Point, Point),
    /// A term starts from less than what was committed before it.
    #[error("kept: base {base:?} of term {term} misses {committed:?}, committed in term {of}")]
    CommitLost {
        /// The term.
        term: Term,
        /// Its base.
        base: Point,
        /// What it misses.
        committed: Point,
        /// In which term that was committed.
        of: Term,
    },
    /// Two election certificates of one term name two bases.
    #[error("one base: term {0} has two")]
    TwoBases(Term),
    /// A correct node's votes of one term fork, so that it could be accused (P3.4, P7.3).
    #[error("one chain: correct node {0} voted for two in term {1}")]
    ForkedVotes(usize, Term),
    /// A correct node granted two bases in one term (P7.3).
    #[error("correct node {0} granted twice in term {1}")]
    TwoGrants(usize, Term),
    /// A correct node's report contradicts its votes (P7.3).
    #[error("correct node {0} is accused of a false report for term {1}")]
    FalseReport(usize, Term),
    /// Something is committed after a stop sign, or a stop sign that nothing authorizes (P9.2).
    #[error("stop signs: {0:?} is accepted after a stop sign, or is a false one")]
    StopSign(Point),
}

impl Violation {
    /// A name for tables and JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fork(..) => "agreement",
            Self::CommitLost { .. } => "commit-lost",
            Self::TwoBases(_) => "two-bases",
            Self::ForkedVotes(..) => "forked-votes",
            Self::TwoGrants(..) => "two-grants",
            Self::FalseReport(..) => "false-report",
            Self::StopSign(_) => "stop-sign",
        }
    }

    /// Whether the ledger itself is harmed, not only a correct node's good name.
    #[must_use]
    pub const fn is_fork(&self) -> bool {
        matches!(
            self,
            Self::Fork(..) | Self::CommitLost { .. } | Self::TwoBases(_) | Self::StopSign(_)
        )
    }
}

impl Protocol {
    /// Whether a correct node may be accused, or else how the ledger is harmed.
    #[must_use]
    pub fn violation(&self, state: &State) -> Option<Violation> {
        self.fork(state).or_else(|| self.accusation(state))
    }

    /// How the ledger is harmed, if it is: agreement, one base a term, what is kept, stop signs.
    #[must_use]
    pub fn fork(&self, state: &State) -> Option<Violation> {
        let forest = self.forest();
        let committed = self.furthest_committed(state);
        for (place, &(of, one)) in committed.iter().enumerate() {
            for &(_, other) in &committed[..place] {
                if !forest.on_one_chain(one, other) {
                    return Some(Violation::Fork(one, other));
                }
            }
            if self.breaks_stop_sign(one) {
                return Some(Violation::StopSign(one));
            }
            debug_assert!(self.has_commit_certificate(state, of, one));
        }
        let mut elected: Vec<(Term, Point)> = Vec::new();
        for &(term, base) in state.nodes.iter().flat_map(|node| &node.grants) {
            if self.is_base(state, term, base) {
                insert(&mut elected, (term, base));
            }
        }
        for (place, &(term, base)) in elected.iter().enumerate() {
            if place > 0 && elected[place - 1].0 == term {
                return Some(Violation::TwoBases(term));
            }
            for &(of, committed) in &committed {
                if of < term && !forest.extends(base, committed) {
                    return Some(Violation::CommitLost {
                        term,
                        base,
                        committed,
                        of,
                    });
                }
            }
        }
        None
    }

    /// The furthest committed point of each term, on each branch.
    fn furthest_committed(&self, state: &State) -> Vec<(Term, Point)> {
        let forest = self.forest();
        let mut found = Vec::new();
        for &(term, voted) in state.nodes.iter().flat_map(|node| &node.accepted) {
            let mut point = voted;
            loop {
                if self.has_commit_certificate(state, term, point) {
                    insert(&mut found, (term, point));
                    break;
                }
                if !forest.is_of(point, term) {
                    break;
                }
                point = forest.parent(point);
            }
        }
        found
    }

    fn breaks_stop_sign(&self, committed: Point) -> bool {
        let forest = self.forest();
        let mut point = committed;
        while point != Point::OPENING {
            let parent = forest.parent(point);
            if forest.kind(point) == Kind::FalseStopSign
                || (parent != Point::OPENING && forest.kind(parent).stops())
            {
                return true;
            }
            point = parent;
        }
        false
    }

    /// Which correct node could be convicted by its own statements (P7.3).
    #[must_use]
    pub fn accusation(&self, state: &State) -> Option<Violation> {
        let forest = self.forest();
        state.nodes.iter().enumerate().find_map(|(position, node)| {
            let number = self.number(position);
            // The lists hold the furthest point of each chain: two of a term are two chains.
            let twice = |list: &[(Term, Point)]| {
                list.windows(2)
                    .find(|pair| pair[0].0 == pair[1].0)
                    .map(|pair| pair[0].0)
            };
            twice(&node.accepted)
                .or_else(|| twice(&node.locked))
                .map(|term| Violation::ForkedVotes(number, term))
                .or_else(|| twice(&node.grants).map(|term| Violation::TwoGrants(number, term)))
                .or_else(|| {
                    false_report(forest, node).map(|term| Violation::FalseReport(number, term))
                })
        })
    }
}

/// `false-report` (P7.3): a report for `term` that is lower than a vote of an earlier term.
fn false_report(forest: &Forest, node: &Node) -> Option<Term> {
    node.reports.iter().find_map(|&(term, report)| {
        let of = report.pair_term;
        let lies = node
            .accepted
            .iter()
            .any(|&(voted, _)| of < voted && voted < term)
            || of_term(&node.accepted, of).any(|point| !forest.extends(report.point, point))
            || of_term(&node.locked, of).any(|locked| {
                report
                    .certified
                    .is_none_or(|certified| !forest.extends(certified, locked))
            });
        lies.then_some(term)
    })
}
