//! What of this node's log and votes is on disk (P11.1). Writes become durable in order.

use std::collections::VecDeque;

use crate::{event::WriteId, types::Index};

/// How far the disk is.
#[derive(Debug)]
pub(super) struct Durability {
    /// Writes under way, each with the index up to which it completes the present log.
    unwritten: VecDeque<(WriteId, Index)>,
    /// The last write that was handed out.
    issued: WriteId,
    /// The last write that became durable.
    written: WriteId,
    /// How far the present log is durable.
    index: Index,
    /// The last write that changed term or vote.
    vote: WriteId,
}

impl Durability {
    /// Of a node whose whole log, up to `index`, is on disk.
    pub(super) const fn new(index: Index) -> Self {
        Self {
            unwritten: VecDeque::new(),
            issued: WriteId(0),
            written: WriteId(0),
            index,
            vote: WriteId(0),
        }
    }

    /// Notes a write that completes the log up to `last`. Repeating the last write is harmless.
    pub(super) fn issued(&mut self, id: WriteId, last: Index, votes: bool) {
        if id > self.issued {
            self.issued = id;
            self.unwritten.push_back((id, last));
            if votes {
                self.vote = id;
            }
        }
    }

    /// Notes that the log was cut to `last`: earlier writes no longer say anything beyond.
    pub(super) fn truncated(&mut self, last: Index) {
        self.index = self.index.min(last);
        for (_, index) in &mut self.unwritten {
            *index = (*index).min(last);
        }
    }

    /// Notes that writes up to `id` are durable.
    pub(super) fn written(&mut self, id: WriteId) {
        while let Some(&(write, last)) = self.unwritten.front() {
            if write > id {
                break;
            }
            self.index = self.index.max(last);
            self.written = write;
            self.unwritten.pop_front();
        }
    }

    /// How far the present log is durable.
    pub(super) const fn index(&self) -> Index {
        self.index
    }

    /// What a message that tells of the term or vote must wait for.
    pub(super) fn vote_barrier(&self) -> Option<WriteId> {
        (self.vote > self.written).then_some(self.vote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_log_is_durable_only_as_far_as_its_new_entries_are_written() {
        let mut durability = Durability::new(Index(2));
        durability.issued(WriteId(1), Index(9), false);
        durability.truncated(Index(4));
        durability.issued(WriteId(2), Index(7), false);
        durability.written(WriteId(1));
        assert_eq!(durability.index(), Index(4));
        durability.written(WriteId(2));
        assert_eq!(durability.index(), Index(7));
    }

    #[test]
    fn the_barrier_stands_until_the_vote_is_durable() {
        let mut durability = Durability::new(Index(0));
        durability.issued(WriteId(1), Index(0), true);
        durability.issued(WriteId(2), Index(1), false);
        assert_eq!(durability.vote_barrier(), Some(WriteId(1)));
        durability.written(WriteId(1));
        assert_eq!(durability.vote_barrier(), None);
    }
}
