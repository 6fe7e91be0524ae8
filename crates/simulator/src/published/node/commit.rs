//! When acknowledgements commit entries: the three published rules side by side.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::super::log::next;
use super::super::message::{AppendEntriesResponse, NodeId};
use super::super::rules::CommitRule;
use super::Node;

/// Acknowledgements kept until they commit something, as the [`CommitRule`] wants them.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// For [`CommitRule::DistinctNodes`] and [`CommitRule::AnyMessages`]: whole messages, so that
    /// two that differ in any field are two. Without bound, as published.
    by_index: BTreeMap<usize, BTreeSet<AppendEntriesResponse>>,
    /// For [`CommitRule::HighestPerNode`]: one message for each node, replaced only by a message
    /// of *higher* index.
    by_node: BTreeMap<NodeId, AppendEntriesResponse>,
}

impl Node {
    /// Only [`CommitRule::HighestPerNode`] stores one's own acknowledgement; the other rules
    /// count oneself without it.
    pub(super) fn record_own_acknowledgement(&mut self, own: AppendEntriesResponse) {
        if self.reading.commit_rule() == CommitRule::HighestPerNode {
            self.record_acknowledgement(&own);
        }
    }

    pub(super) fn record_acknowledgement(&mut self, response: &AppendEntriesResponse) {
        if self.reading.commit_rule() == CommitRule::HighestPerNode {
            let kept = self.evidence.by_node.get(&response.node);
            if kept.is_none_or(|kept| response.index > kept.index) {
                self.evidence
                    .by_node
                    .insert(response.node, response.clone());
            }
        } else if let Some(index) = response.index
            && response.index > self.commit_index
        {
            self.evidence
                .by_index
                .entry(index)
                .or_default()
                .insert(response.clone());
        }
    }

    /// Commits and applies as far as the evidence reaches.
    pub(super) fn advance_commit(&mut self) {
        let reached = match self.reading.commit_rule() {
            CommitRule::DistinctNodes => self.acknowledged_by_distinct_nodes(),
            CommitRule::AnyMessages => self.acknowledged_by_any_messages(),
            CommitRule::HighestPerNode => self.acknowledged_by_highest_per_node(),
        };
        let Some(index) = reached.filter(|index| Some(*index) > self.commit_index) else {
            return;
        };
        self.commit_index = Some(index);
        self.evidence
            .by_index
            .retain(|acknowledged, _| *acknowledged >= index);
        self.evidence
            .by_node
            .retain(|_, response| response.index > Some(index));
        let fresh = self.applied.len()..self.log.len().min(index + 1);
        self.applied
            .extend_from_slice(self.log.entries().get(fresh).unwrap_or_default());
    }

    fn uncommitted(&self) -> std::ops::Range<usize> {
        next(self.commit_index)..self.log.len()
    }

    fn matches_log(&self, response: &AppendEntriesResponse) -> bool {
        let own = response.index.and_then(|index| self.log.at(index));
        own.is_some_and(|own| own.hash == response.hash)
    }

    fn acknowledged_by_distinct_nodes(&self) -> Option<usize> {
        self.uncommitted().rev().find(|index| {
            let kept = self.evidence.by_index.get(index).into_iter().flatten();
            let matching = kept.filter(|response| response.success && self.matches_log(response));
            let mut nodes = BTreeSet::from_iter(matching.map(|response| response.node));
            nodes.insert(self.id);
            nodes.len() >= self.quorum()
        })
    }

    fn acknowledged_by_any_messages(&self) -> Option<usize> {
        let quorum_at_or_past = |index: &usize| {
            let mut kept = self.evidence.by_index.range(index..);
            kept.any(|(_, responses)| responses.len() + 1 >= self.quorum())
        };
        let index = self.uncommitted().take_while(quorum_at_or_past).last()?;
        // The number kept for this very index is not looked at again.
        let kept = self.evidence.by_index.get(&index)?;
        kept.iter()
            .all(|response| self.matches_log(response))
            .then_some(index)
    }

    fn acknowledged_by_highest_per_node(&self) -> Option<usize> {
        let kept = self.evidence.by_node.values();
        let mut matching: Vec<_> = kept.filter(|response| self.matches_log(response)).collect();
        matching.sort_by_key(|response| Reverse(response.index));
        matching.get(self.quorum() - 1)?.index
    }
}
