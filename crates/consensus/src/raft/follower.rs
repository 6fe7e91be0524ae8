//! What a follower does with AppendEntries (extended paper Figure 2).

use std::sync::Arc;

use super::Raft;
use crate::{
    entry::Entry,
    event::{Notice, Recipient, WriteId},
    message::{AppendOutcome, RaftAppend, RaftAppendReply},
    mutation::{self, Mutation},
    record::Record,
    types::{Index, NodeId, Now, Point, Term},
};

/// What comparing a message with the log gives.
enum Comparison {
    /// The log agrees up to the message's first `known` entries; the others are new or differ.
    Agrees { known: usize },
    /// The log does not hold what the entries extend.
    Conflict { try_from: Index },
    /// The message contradicts what is committed, which no correct leader's does, or itself.
    Impossible,
}

impl Raft {
    pub(super) fn on_append(&mut self, now: Now, from: NodeId, append: RaftAppend) {
        if append.term < self.term() {
            let try_from = self.log.last().index.next();
            let after = self.disk.vote_barrier();
            return self.answer(
                from,
                append.round,
                AppendOutcome::Conflict { try_from },
                after,
            );
        }
        let second_leader = append.term == self.term()
            && (self.is_leader() || self.leader.is_some_and(|leader| leader != from));
        if second_leader || !is_well_formed(&append) {
            return;
        }
        self.follow(now, append.term, from, append.previous);
        match self.compare(&append.previous, &append.entries) {
            Comparison::Impossible => self.notice(Notice::BaseRefused {
                term: append.term,
                base: append.previous,
            }),
            Comparison::Conflict { try_from } => {
                // While the application lags nothing is asked for: the leader's window fills.
                let outcome = match self.application_lags() {
                    true => AppendOutcome::Matched(self.durable_part_of(self.commit)),
                    false => AppendOutcome::Conflict { try_from },
                };
                self.flush();
                let after = self.disk.vote_barrier();
                self.answer(from, append.round, outcome, after);
            }
            Comparison::Agrees { .. }
                if mutation::active(Mutation::TruncationBelowCommit)
                    && self.log.contains(append.previous) =>
            {
                self.take_over(from, append, 0);
            }
            Comparison::Agrees { known } => self.take_over(from, append, known),
        }
    }

    /// Makes the log agree with the message and says so.
    fn take_over(&mut self, from: NodeId, append: RaftAppend, known: usize) {
        let RaftAppend {
            previous,
            mut entries,
            commit,
            round,
            ..
        } = append;
        if self.application_lags() {
            entries.truncate(known);
        }
        let agreed = entries.last().map_or(previous, |entry| entry.point());
        // A leader holds everything that is committed.
        let agreed = if agreed.index > self.commit.index {
            agreed
        } else {
            self.commit
        };
        let new = entries.len() > known;
        let mut entries = entries.into_iter().skip(known);
        if let Some(first) = entries.next() {
            self.cut(first.index().previous());
            self.append(first);
            entries.for_each(|entry| self.append(entry));
        }
        let write = self.flush();
        let (matched, after) = if new {
            (agreed, write)
        } else {
            // Nothing new: what is durable is said at once, so that a heartbeat waits for no disk.
            (self.durable_part_of(agreed), self.disk.vote_barrier())
        };
        self.answer(from, round, AppendOutcome::Matched(matched), after);
        let shown = match mutation::active(Mutation::RaftCommitsUnmatched) {
            true => self.log.last(),
            false => agreed,
        };
        self.commit_to(commit.min(shown.index));
    }

    /// The furthest durable point up to `point`, which is on the log.
    fn durable_part_of(&self, point: Point) -> Point {
        self.log
            .point_at(point.index.min(self.disk.index()))
            .expect("only what is durable is dropped from memory")
    }

    fn answer(&mut self, to: NodeId, round: u64, outcome: AppendOutcome, after: Option<WriteId>) {
        let reply = RaftAppendReply {
            epoch: self.epoch(),
            term: self.term(),
            round,
            outcome,
        };
        self.outbox.send(Recipient::Node(to), reply, after);
    }

    fn compare(&self, previous: &Point, entries: &[Arc<Entry>]) -> Comparison {
        let (before, last) = (self.log.before(), self.log.last());
        if previous.index > last.index {
            return Comparison::Conflict {
                try_from: last.index.next(),
            };
        }
        match self.log.hash_at(previous.index) {
            Some(hash) if hash != previous.hash => {
                return match previous.index > self.commit.index {
                    true => Comparison::Conflict {
                        try_from: self.first_of_term_at(previous.index),
                    },
                    false => Comparison::Impossible,
                };
            }
            // What is no longer in memory is committed. The entries that reach into memory show
            // by their hashes whether they are linked to it.
            Some(_) | None => {}
        }
        let known = entries
            .iter()
            .take_while(|entry| entry.index() < before.index || self.log.contains(entry.point()))
            .count();
        match entries.get(known) {
            Some(new) if new.index() <= self.commit.index => Comparison::Impossible,
            Some(new) if Some(new.term()) < self.log.term_at(new.index().previous()) => {
                Comparison::Impossible
            }
            Some(_) | None => Comparison::Agrees { known },
        }
    }

    /// The first uncommitted index of the term of the entry at `index`: a leader that holds
    /// another entry there need not try the rest of that term (extended paper §5.3).
    fn first_of_term_at(&self, index: Index) -> Index {
        let term: Option<Term> = self.log.term_at(index);
        let mut first = index;
        while first.previous() > self.commit.index && self.log.term_at(first.previous()) == term {
            first = first.previous();
        }
        first
    }

    /// Drops everything beyond `index`. That is on disk too, so that a damaged entry that follows is
    /// not taken for one that was added (P11.2).
    fn cut(&mut self, index: Index) {
        assert!(
            index >= self.commit.index || mutation::active(Mutation::TruncationBelowCommit),
            "what is committed stays"
        );
        if index < self.log.last().index {
            for entry in self.log.truncate(index) {
                self.keys.remove(&entry);
            }
            self.disk.truncated(index);
            self.outbox.record(Record::Truncate(index));
        }
    }
}

/// Whether the entries extend the point that the message names, in terms up to its own. That they
/// are linked to each other was verified with the message.
fn is_well_formed(append: &RaftAppend) -> bool {
    let (Some(first), Some(last)) = (append.entries.first(), append.entries.last()) else {
        return true;
    };
    first.index() > append.previous.index
        && first.index() == append.previous.index.next()
        && first.header().previous == append.previous.hash
        && last.term() <= append.term
}
