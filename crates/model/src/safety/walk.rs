//! Random walks, led to where forks would be: chains of terms in which traitors sign two branches,
//! correct nodes accept, lock and commit parts of them, some stay behind, and every election
//! draws its reports anew.
//!
//! Every step is one that [`Protocol::apply`] allows, so a violation at the end of a walk is one
//! of the rules, not of the walk.

mod reports;

use std::sync::Arc;

use super::{Action, Kind, Point, Protocol, Reported, State, Term, Variation, Violation};
use crate::random::Random;

/// How far a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Terms from 0 on.
    pub terms: Term,
    /// Entries of one term beyond its base, at most.
    pub entries: usize,
    /// Whether leaders also make stop signs.
    pub stop_signs: bool,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            terms: 8,
            entries: 3,
            stop_signs: false,
        }
    }
}

/// What a walk came to.
#[derive(Debug)]
pub struct Walked {
    /// The network; its points are those of `actions`.
    pub protocol: Protocol,
    /// Steps taken, in order.
    pub actions: Vec<Action>,
    /// Steps that the rules refused.
    pub refused: usize,
    /// What is violated at the end.
    pub violation: Option<Violation>,
    /// Points with a commit certificate at the end, beside the opening.
    pub committed: usize,
    /// Terms with an election certificate.
    pub elected: usize,
}

/// Walks one seed; `None` if there is no network of so many nodes.
#[must_use]
pub fn walk(nodes: usize, variation: Variation, course: Course, seed: u64) -> Option<Walked> {
    let faulty = super::Sizes::new(nodes)?.faulty;
    let mut random = Random::new(seed);
    let mut all: Vec<usize> = (0..nodes).collect();
    random.shuffle(&mut all);
    let protocol = Protocol::new(nodes, &all[..faulty], variation)?.with_points(1_024);
    let mut walker = Walker {
        state: State::new(&protocol),
        protocol,
        course,
        random,
        actions: Vec::new(),
        refused: 0,
        tips: vec![(0, Point::OPENING)],
        elected: vec![0],
    };
    // Where a rule is broken, it is the fork that counts: that a correct node could be accused
    // usually shows first.
    let harm = |walker: &Walker| match variation {
        Variation::AsWritten => walker.protocol.violation(&walker.state),
        _ => walker.protocol.fork(&walker.state),
    };
    walker.play(0, Point::OPENING);
    let mut violation = harm(&walker);
    let mut term = 0;
    while violation.is_none() && term + 1 < course.terms {
        term = walker.change_term(term);
        violation = harm(&walker);
    }
    let committed = (0..course.terms)
        .flat_map(|term| walker.protocol.committed(&walker.state, term))
        .filter(|&point| point != Point::OPENING)
        .count();
    Some(Walked {
        protocol: walker.protocol,
        actions: walker.actions,
        refused: walker.refused,
        violation,
        committed,
        elected: walker.elected.len(),
    })
}

struct Walker {
    protocol: Protocol,
    state: State,
    course: Course,
    random: Random,
    actions: Vec<Action>,
    refused: usize,
    /// Ends of the branches that leaders signed, by term.
    tips: Vec<(Term, Point)>,
    elected: Vec<Term>,
}

impl Walker {
    fn attempt(&mut self, action: Action) -> bool {
        let allowed = self.protocol.apply(&mut self.state, &action).is_ok();
        if allowed {
            self.actions.push(action);
        } else {
            self.refused += 1;
        }
        allowed
    }

    fn correct(&self) -> usize {
        self.state.nodes.len()
    }

    /// The branches that the leader of a term signs: one, or two that part somewhere.
    fn sign(&mut self, term: Term, base: Point) -> Vec<Vec<Point>> {
        let two =
            self.protocol.is_led_by_traitor(term) || self.protocol.breaks(Variation::LedSkipped);
        let mut branches: Vec<Vec<Point>> = Vec::new();
        for branch in 0..if two { 2_u8 } else { 1 } {
            let mut chain = branches
                .first()
                .map_or_else(Vec::new, |first: &Vec<Point>| {
                    first[..self.random.below(first.len() + 1)].to_vec()
                });
            for _ in 0..=self.random.below(self.course.entries) {
                let kind = match (self.course.stop_signs, self.random.below(8)) {
                    (true, 0) => Kind::StopSign,
                    (true, 1) if two => Kind::FalseStopSign,
                    _ => Kind::Entry(branch),
                };
                let last = chain.last().copied().unwrap_or(base);
                chain.extend(self.protocol.forest().after(last, term, kind));
            }
            branches.push(chain);
        }
        let tips = branches.iter().filter_map(|chain| chain.last());
        self.tips.extend(tips.map(|&tip| (term, tip)));
        branches
    }

    /// Correct nodes adopt a term, accept, lock and commit.
    fn play(&mut self, term: Term, base: Point) {
        let branches = self.sign(term, base);
        // Most follow one branch, or they split; most take part, or many are missing. Forks need
        // a bare majority for one branch and a few for the other, which even odds seldom give.
        let favourite = self.random.below(branches.len());
        let split = [2, 4, 8, 64][self.random.below(4)];
        let missing = [3, 6, 64][self.random.below(3)];
        let short = [1, 2, 8][self.random.below(3)];
        for node in 0..self.correct() {
            if self.random.one_in(missing) {
                continue;
            }
            self.attempt(Action::Adopt { node, term, base });
            let branch = if self.random.one_in(split) {
                &branches[self.random.below(branches.len())]
            } else {
                &branches[favourite]
            };
            let length = if self.random.one_in(short) {
                self.random.below(branch.len() + 1)
            } else {
                branch.len()
            };
            self.accept_along(node, &branch[..length]);
        }
        self.certificates(term);
        // Some go on; with more votes there may be more certificates.
        for node in 0..self.correct() {
            if self.random.one_in(3)
                && let Some(branch) = self.random.pick(&branches).cloned()
            {
                self.accept_along(node, &branch);
            }
        }
        self.certificates(term);
        if self.protocol.variation().shows_at_restart() {
            for node in 0..self.correct() {
                if self.random.one_in(2) {
                    self.attempt(Action::Restart { node });
                }
            }
        }
        self.stray(term);
    }

    fn accept_along(&mut self, node: usize, branch: &[Point]) {
        if self.course.stop_signs {
            // A stop sign waits until what comes before it is applied: one entry at a time.
            for &point in branch {
                self.attempt(Action::Accept { node, point });
                if self.random.one_in(2) {
                    self.commit_something(node);
                }
            }
        } else if let Some(&point) = branch.last() {
            self.attempt(Action::Accept { node, point });
        }
    }

    fn certificates(&mut self, term: Term) {
        for node in 0..self.correct() {
            if self.protocol.sizes().has_lock_round() && !self.random.one_in(3) {
                let certified = self.protocol.certified(&self.state, term);
                if let Some(&point) = self.random.pick(&certified) {
                    self.attempt(Action::Lock { node, point });
                }
            }
            if self.random.one_in(4) {
                self.commit_something(node);
            }
        }
    }

    fn commit_something(&mut self, node: usize) {
        let newest = self.elected.last().copied().unwrap_or(0);
        let term = if self.random.one_in(3) {
            self.random.pick(&self.elected).copied().unwrap_or(0)
        } else {
            newest
        };
        let committed = self.protocol.committed(&self.state, term);
        if let Some(&point) = self.random.pick(&committed) {
            self.attempt(Action::Commit { node, term, point });
        }
    }

    /// What happens out of turn: old certificates arrive again, nodes restart, late votes.
    fn stray(&mut self, newest: Term) {
        for _ in 0..self.random.below(4) {
            let node = self.random.below(self.correct());
            let elected = self.random.pick(&self.elected).copied().unwrap_or(0);
            match self.random.below(6) {
                0 => self.attempt(Action::Restart { node }),
                1 => self.attempt(Action::Report { node }),
                2 => {
                    let bases = self.protocol.bases(&self.state, elected);
                    self.random.pick(&bases).copied().is_some_and(|base| {
                        self.attempt(Action::Adopt {
                            node,
                            term: elected,
                            base,
                        })
                    })
                }
                3 => self.attempt(Action::Enter { node, term: newest }),
                _ => {
                    let tip = self.random.pick(&self.tips).copied();
                    tip.is_some_and(|(_, point)| self.attempt(Action::Accept { node, point }))
                }
            };
        }
    }

    /// Ends a term, and perhaps some after it, and elects a leader; returns the term reached.
    fn change_term(&mut self, from: Term) -> Term {
        let left = from.saturating_add(u16::from(self.random.one_in(3)));
        for ended in from..=left.min(self.course.terms.saturating_sub(2)) {
            for node in 0..self.correct() {
                if !self.random.one_in(8) {
                    self.attempt(Action::Leave { node, term: ended });
                }
            }
        }
        let term = left.min(self.course.terms.saturating_sub(2)) + 1;
        self.stray(from);
        // A leader may show different voters different reports, to get two bases granted.
        let rounds = 1 + self.random.below(2);
        for _ in 0..rounds {
            self.elect(term);
        }
        let bases = self.protocol.bases(&self.state, term);
        if let Some(&base) = self.random.pick(&bases) {
            self.elected.push(term);
            self.play(term, base);
        }
        term
    }

    fn elect(&mut self, term: Term) {
        let published = matches!(
            self.protocol.variation(),
            Variation::PublishedPaper | Variation::PublishedCode
        );
        let (base, reports): (_, Arc<[Reported]>) = if published {
            let candidate = self.random.below(self.correct());
            (self.state.nodes[candidate].point, Arc::from([]))
        } else {
            let reports = self.draw_reports(term);
            match self.protocol.select_base(&reports) {
                Some(base) => (base, Arc::from(reports)),
                None => return,
            }
        };
        for node in 0..self.correct() {
            if !self.random.one_in(6) {
                self.attempt(Action::Grant {
                    node,
                    base,
                    reports: Arc::clone(&reports),
                });
            }
        }
    }
}
