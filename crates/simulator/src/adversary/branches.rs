//! What Byzantine nodes know together: the second branches that their leaders signed, and who is to
//! see which.

use std::{collections::BTreeMap, sync::Arc};

use consensus::{Entry, Hash, NodeId, Point, Term};

use crate::random::mix;

/// Entries of second branches that are remembered.
const REMEMBERED: usize = 4_096;

/// Shared by all Byzantine nodes of a run.
#[derive(Default)]
pub struct Coalition {
    seed: u64,
    /// The entry of the second branch beside each entry of the first.
    beside: BTreeMap<Hash, Arc<Entry>>,
    /// Entries of second branches by their hash.
    second: BTreeMap<Hash, Arc<Entry>>,
}

impl Coalition {
    /// A coalition whose choices follow from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            beside: BTreeMap::new(),
            second: BTreeMap::new(),
        }
    }

    /// Whether a node is shown the second branch in a term. Half of the time that is one node only.
    #[must_use]
    pub fn is_victim(&self, term: Term, node: NodeId, nodes: usize) -> bool {
        let chosen = mix(self.seed ^ mix(term.0));
        if chosen & 1 == 0 {
            (chosen >> 1) % nodes as u64 == u64::from(node.0)
        } else {
            mix(chosen ^ u64::from(node.0)) & 1 == 0
        }
    }

    /// Remembers that `second` stands beside the entry `first`.
    pub fn add(&mut self, first: Hash, second: Arc<Entry>) {
        if self.beside.len() == REMEMBERED {
            self.beside.clear();
            self.second.clear();
        }
        self.second.insert(second.point().hash, Arc::clone(&second));
        self.beside.insert(first, second);
    }

    /// The entry that stands beside this one, if there is one.
    #[must_use]
    pub fn beside(&self, first: Hash) -> Option<&Arc<Entry>> {
        self.beside.get(&first)
    }

    /// The point of the second branch that stands beside this one, or the point itself.
    #[must_use]
    pub fn mapped(&self, point: Point) -> Point {
        self.beside(point.hash).map_or(point, |entry| entry.point())
    }

    /// The entries of a second branch that lead from `from` to `target`, if that is one.
    #[must_use]
    pub fn path(&self, from: Point, target: Point) -> Option<Vec<Arc<Entry>>> {
        let mut path = Vec::new();
        let mut hash = target.hash;
        while hash != from.hash {
            let entry = self.second.get(&hash)?;
            path.push(Arc::clone(entry));
            hash = entry.header().previous;
        }
        path.reverse();
        (!path.is_empty()).then_some(path)
    }
}
