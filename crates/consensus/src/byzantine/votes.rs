//! The newest votes of every node (P2.6), and what they add up to.

use std::collections::BTreeMap;

use crate::{
    certificate::{Counted, QuorumCertificate},
    limits,
    log::Log,
    message::Vote,
    signed::Signed,
    types::{Index, NodeId, Point, Term},
};

#[derive(Debug, Default)]
pub(super) struct Votes {
    /// The newest vote of each node in each of its latest terms.
    newest: BTreeMap<NodeId, BTreeMap<Term, Signed<Vote>>>,
}

fn order(vote: &Vote) -> (Option<Index>, Option<Index>, Option<Index>) {
    (
        vote.accepted.map(|point| point.index),
        vote.locked.map(|point| point.index),
        vote.applied.map(|applied| applied.index),
    )
}

impl Votes {
    /// Takes a vote in. Returns the vote of the same node and term that was known before.
    pub(super) fn insert(&mut self, vote: Signed<Vote>) -> Option<Signed<Vote>> {
        let of_node = self.newest.entry(vote.signer).or_default();
        let before = of_node.get(&vote.body.term).cloned();
        if before
            .as_ref()
            .is_none_or(|before| order(&vote.body) >= order(&before.body))
        {
            of_node.insert(vote.body.term, vote);
        }
        while of_node.len() > limits::VOTE_TERMS {
            of_node.pop_first();
        }
        before
    }

    /// The newest votes of a term.
    pub(super) fn of_term(&self, term: Term) -> impl Iterator<Item = &Signed<Vote>> {
        self.newest
            .values()
            .filter_map(move |of_node| of_node.get(&term))
    }

    /// Whether a node voted in a term.
    pub(super) fn voted(&self, node: NodeId, term: Term) -> bool {
        self.newest
            .get(&node)
            .is_some_and(|of_node| of_node.contains_key(&term))
    }

    /// The furthest certificate that `needed` votes of `term` on this chain make, beyond `above`.
    pub(super) fn certificate(
        &self,
        log: &Log,
        term: Term,
        counted: Counted,
        needed: usize,
        above: Index,
    ) -> Option<QuorumCertificate> {
        let voted = |vote: &Vote| match counted {
            Counted::Accepted => vote.accepted,
            Counted::Locked => vote.locked,
        };
        let mut covering: Vec<(Point, &Signed<Vote>)> = self
            .of_term(term)
            .filter_map(|vote| Some((voted(&vote.body)?, vote)))
            .filter(|(point, _)| point.index > above && log.contains(*point))
            .collect();
        covering.sort_by_key(|(point, vote)| (std::cmp::Reverse(point.index), vote.signer));
        // The furthest that enough votes cover within the headers that a certificate may hold:
        // a vote too far ahead of the slowest is passed over (P2.7).
        let together = covering.windows(needed.max(1)).find(|window| {
            let (furthest, point) = (window[0].0, window[window.len() - 1].0);
            furthest.index.beyond(point.index) <= limits::WINDOW
        })?;
        let point = together[together.len() - 1].0;
        // A certificate speaks only about points of its own term (P2.7).
        if log.term_at(point.index) != Some(term) {
            return None;
        }
        let furthest = together[0].0.index;
        let headers = |index: Index| log.get(index).map(|entry| entry.header().clone());
        Some(QuorumCertificate {
            counted,
            header: headers(point.index)?,
            following: (point.index.0 + 1..=furthest.0)
                .map(|index| headers(Index(index)))
                .collect::<Option<_>>()?,
            votes: together.iter().map(|(_, vote)| (*vote).clone()).collect(),
        })
    }
}

#[cfg(test)]
mod tests;
