//! How voted points lie to each other: whether one vote forks from any of many others, within a
//! bounded number of headers.
//!
//! A traitor may have votes all along a branch that only it knows. Were every two of them compared
//! header by header, one small message would cost tens of thousands of steps.

use std::collections::BTreeMap;

use crate::{
    limits,
    log::Log,
    types::{Hash, Index, Point},
};

/// What was found out for one vote about the ancestors of others.
pub(super) struct Ancestry<'a> {
    log: &'a Log,
    /// The hash at a height of the branch that a point is on.
    found: BTreeMap<(Index, Point), Hash>,
    /// Branches by their head, from there down.
    branches: BTreeMap<Point, Vec<Hash>>,
    /// Headers that may still be looked at.
    left: usize,
}

impl<'a> Ancestry<'a> {
    pub(super) fn new(log: &'a Log) -> Self {
        Self {
            log,
            found: BTreeMap::new(),
            branches: BTreeMap::new(),
            left: limits::COMPARED_HEADERS,
        }
    }

    /// How many headers were looked at.
    #[cfg(test)]
    fn looked_at(&self) -> usize {
        limits::COMPARED_HEADERS - self.left
    }

    /// Whether two points are known to lie on different branches; `previous` gives the hash before
    /// a point, where its header is known. One of them may be the point that everything is compared
    /// with: its branch is gone down once.
    pub(super) fn fork(
        &mut self,
        (common, other): (Point, Point),
        previous: impl Fn(Point) -> Option<Hash>,
    ) -> bool {
        if common.index == other.index {
            return common.hash != other.hash;
        }
        if self.log.contains(common) && self.log.contains(other) {
            return false;
        }
        if common
            .index
            .beyond(other.index)
            .max(other.index.beyond(common.index))
            > limits::EVIDENCE_HEADERS as u64
        {
            return false;
        }
        let (low, at_low) = if common.index > other.index {
            (other, self.down_from(common, other.index, previous))
        } else {
            (common, self.down_to(other, common.index, previous))
        };
        at_low.is_some_and(|hash| hash != low.hash)
    }

    /// The hash at `index` of the branch of a point that much is compared with.
    fn down_from(
        &mut self,
        head: Point,
        index: Index,
        previous: impl Fn(Point) -> Option<Hash>,
    ) -> Option<Hash> {
        let branch = self.branches.entry(head).or_insert_with(|| vec![head.hash]);
        let place = usize::try_from(head.index.beyond(index)).ok()?;
        while branch.len() <= place {
            let at = Point {
                index: Index(head.index.0 - (branch.len() - 1) as u64),
                hash: *branch.last()?,
            };
            if self.log.contains(at) {
                return self.log.hash_at(index);
            }
            self.left = self.left.checked_sub(1)?;
            branch.push(previous(at)?);
        }
        branch.get(place).copied()
    }

    /// The hash at `index` of the branch of one of many points: what others led through is known.
    fn down_to(
        &mut self,
        head: Point,
        index: Index,
        previous: impl Fn(Point) -> Option<Hash>,
    ) -> Option<Hash> {
        let mut passed = Vec::new();
        let mut at = head;
        let found = loop {
            if at.index == index {
                break at.hash;
            }
            if let Some(&known) = self.found.get(&(index, at)) {
                break known;
            }
            if self.log.contains(at) {
                break self.log.hash_at(index)?;
            }
            self.left = self.left.checked_sub(1)?;
            passed.push(at);
            at = Point {
                index: at.index.previous(),
                hash: previous(at)?,
            };
        };
        for point in passed {
            self.found.insert((index, point), found);
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Term;

    fn point(index: u64, branch: u8) -> Point {
        Point {
            index: Index(index),
            hash: Hash([branch.wrapping_mul(31).wrapping_add(index as u8); 32]),
        }
    }

    /// Two branches from index 10 on: 1 and 2.
    fn previous(at: Point) -> Option<Hash> {
        let branch = [1, 2]
            .into_iter()
            .find(|&branch| point(at.index.0, branch) == at)?;
        let before = if at.index.0 <= 10 { 1 } else { branch };
        (at.index.0 > 0).then(|| point(at.index.0 - 1, before).hash)
    }

    fn log() -> Log {
        Log::new(Point::default(), Term::ZERO)
    }

    #[test]
    fn branches_are_told_apart_in_both_directions() {
        let log = log();
        for (one, other, fork) in [
            (point(20, 1), point(20, 2), true),
            (point(20, 1), point(20, 1), false),
            (point(20, 1), point(15, 2), true),
            (point(15, 2), point(20, 1), true),
            (point(20, 1), point(15, 1), false),
            (point(15, 1), point(20, 1), false),
            (point(20, 2), point(9, 1), false),
            (point(9, 1), point(20, 2), false),
        ] {
            let mut ancestry = Ancestry::new(&log);
            assert_eq!(
                ancestry.fork((one, other), previous),
                fork,
                "{one:?} {other:?}"
            );
            // What is remembered says the same.
            assert_eq!(
                ancestry.fork((one, other), previous),
                fork,
                "{one:?} {other:?}"
            );
        }
    }

    #[test]
    fn what_is_not_known_forks_from_nothing() {
        let log = log();
        let mut ancestry = Ancestry::new(&log);
        assert!(!ancestry.fork((point(20, 3), point(15, 1)), previous));
        assert!(!ancestry.fork((point(15, 1), point(20, 3)), previous));
    }

    #[test]
    fn many_votes_along_one_branch_cost_each_header_once() {
        let log = log();
        let mut ancestry = Ancestry::new(&log);
        for _ in 0..3 {
            for index in 1..200 {
                assert!(!ancestry.fork((point(100, 1), point(index, 1)), previous));
            }
        }
        assert!(ancestry.looked_at() <= 200, "{}", ancestry.looked_at());
    }

    #[test]
    fn no_vote_costs_more_than_the_limit() {
        let log = log();
        let mut ancestry = Ancestry::new(&log);
        let looked = std::cell::Cell::new(0_usize);
        // Every other point on a branch of its own, which never ends.
        let endless = |at: Point| {
            looked.set(looked.get() + 1);
            Some(at.hash)
        };
        for number in 0..200 {
            let other = Point {
                index: Index(300),
                hash: Hash([number; 32]),
            };
            ancestry.fork((point(100, 1), other), endless);
        }
        assert!(looked.get() <= limits::COMPARED_HEADERS, "{}", looked.get());
    }
}
