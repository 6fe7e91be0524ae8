//! A node's own results against what enough others say (P8.2).

use super::super::Byzantine;
use crate::{
    event::{Divergence, Notice},
    limits,
    message::{Applied, Vote},
    signed::Signed,
    types::{Hash, Index},
};

impl Byzantine {
    /// Remembers this node's own results.
    pub(in super::super) fn note_results(&mut self, applied: Applied) {
        let results = &mut self.witness.results;
        results.insert(applied.index, applied.digest);
        while results.len() as u64 > limits::RETAINED_ENTRIES {
            results.pop_first();
        }
    }

    /// f + 1 others that claim the same results for one index have a correct node among them
    /// (P2.7). If this node's own are different, it is this node that has diverged, and there is
    /// nothing that it can do right from here on.
    pub(super) fn check_results(&mut self, vote: &Signed<Vote>) {
        let Some(applied) = vote.body.applied else {
            return;
        };
        let own = match self.witness.results.get(&applied.index) {
            Some(&own) if own != applied.digest => own,
            _ => return,
        };
        if self.diverged.is_some() || !self.is_certified(applied) {
            return;
        }
        let divergence = Divergence {
            index: applied.index,
            agreed: self.last_agreed(applied.index),
            own,
            certified: applied.digest,
        };
        self.diverged = Some(divergence);
        self.notice(Notice::Diverged(divergence));
    }

    fn is_certified(&self, applied: Applied) -> bool {
        let others = self.configuration().sizes().nodes();
        let claiming = others.filter(|&node| {
            node != self.me()
                && self
                    .witness
                    .heard_from(node)
                    .any(|vote| vote.body.applied == Some(applied))
        });
        claiming.count() >= self.configuration().sizes().matching_answers()
    }

    /// The last entry below `index` about whose results enough others agree with this node.
    fn last_agreed(&self, index: Index) -> Option<Index> {
        let agreed = |known: &(&Index, &Hash)| {
            self.is_certified(Applied {
                index: *known.0,
                digest: *known.1,
            })
        };
        self.witness
            .results
            .range(..index)
            .rev()
            .find(agreed)
            .map(|(index, _)| *index)
    }
}
