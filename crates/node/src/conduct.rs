//! What the other validators do that a person who looks for a fault should see. Nothing is decided by
//! it.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Relaxed},
};

use consensus::{Message, NodeId, limits::CLOCK_AHEAD_MILLIS};

/// Of one validator, as far as its messages show it.
#[derive(Debug, Default)]
pub(crate) struct Conduct {
    /// Messages of it that were refused as malformed or not valid.
    pub(crate) refused: AtomicU64,
    /// Questions for entries that it was sent.
    pub(crate) asked: AtomicU64,
    /// Answers to them.
    pub(crate) answered: AtomicU64,
    /// The highest term that it spoke of.
    pub(crate) term: AtomicU64,
    /// By how many milliseconds the last of its own entries was dated ahead of this node's clock, if
    /// that is more than is accepted (P3.2), else 0.
    clock_ahead: AtomicU64,
}

impl Conduct {
    /// By how much its clock is ahead, in milliseconds, if its entries are refused for it.
    pub(crate) fn clock_ahead(&self) -> Option<u64> {
        Some(self.clock_ahead.load(Relaxed)).filter(|&ahead| ahead > 0)
    }

    /// Takes notice of a message of this validator that was found valid.
    fn observe(&self, from: NodeId, message: &Message, wall: u64) {
        if let Some(term) = message.term() {
            self.term.fetch_max(term.0, Relaxed);
        }
        match message {
            Message::FetchReply(_) => {
                self.answered.fetch_add(1, Relaxed);
            }
            Message::AppendEntries(signed) => {
                let own = signed.body.entries.iter().map(|entry| entry.header());
                if let Some(newest) = own.rev().find(|header| header.author == from) {
                    self.note_clock(from, newest.timestamp.saturating_sub(wall));
                }
            }
            _ => {}
        }
    }

    fn note_clock(&self, from: NodeId, ahead: u64) {
        let ahead = if ahead > CLOCK_AHEAD_MILLIS { ahead } else { 0 };
        let before = self.clock_ahead.swap(ahead, AcqRel);
        if before == 0 && ahead > 0 {
            tracing::warn!(
                node = %from,
                seconds = ahead / 1000,
                "the entries of this node are dated ahead of this machine's clock and are not \
                 accepted: its clock or ours is wrong"
            );
        }
    }
}

/// Of all validators.
#[derive(Debug)]
pub(crate) struct Conducts(Vec<Conduct>);

impl Conducts {
    pub(crate) fn new(validators: usize) -> Self {
        Self((0..validators).map(|_| Conduct::default()).collect())
    }

    pub(crate) fn of(&self, node: NodeId) -> Option<&Conduct> {
        self.0.get(node.position())
    }

    pub(crate) fn observe(&self, from: NodeId, message: &Message, wall: u64) {
        if let Some(conduct) = self.of(from) {
            conduct.observe(from, message, wall);
        }
    }

    /// The highest term that at least `matching` validators spoke of, so that one of them is correct.
    pub(crate) fn believable_term(&self, matching: usize) -> u64 {
        let mut terms: Vec<u64> = self.0.iter().map(|one| one.term.load(Relaxed)).collect();
        terms.sort_unstable_by(|one, other| other.cmp(one));
        terms.get(matching.saturating_sub(1)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_named_while_its_entries_are_too_far_ahead() {
        let conduct = Conduct::default();
        conduct.note_clock(NodeId(0), CLOCK_AHEAD_MILLIS);
        assert_eq!(conduct.clock_ahead(), None);
        conduct.note_clock(NodeId(0), 3_600_000);
        assert_eq!(conduct.clock_ahead(), Some(3_600_000));
        conduct.note_clock(NodeId(0), 0);
        assert_eq!(conduct.clock_ahead(), None);
    }

    #[test]
    fn one_node_does_not_make_a_term_believable() {
        let conducts = Conducts::new(4);
        for (node, term) in [(0, 3), (1, 3), (2, 2), (3, 900)] {
            conducts.of(NodeId(node)).unwrap().term.store(term, Relaxed);
        }
        assert_eq!(conducts.believable_term(2), 3);
    }
}
