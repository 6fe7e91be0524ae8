//! What a leader does: batches requests into entries, sends them ahead, counts who holds them, and
//! sees to it that it is still heard (extended paper §5.3, §5.4.2; dissertation §6.2, §10.2).

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Part, Raft,
    progress::{Batch, Position, Progress},
    reading::Reads,
};
use crate::{
    entry::{Entry, EntryKind},
    event::{Output, Recipient},
    limits,
    message::{AppendOutcome, RaftAppend, RaftAppendReply},
    mutation::{self, Mutation},
    outbox::Setup,
    quorum,
    types::{Index, NodeId, Now, Point, Time},
};

/// What a leader keeps while it leads.
#[derive(Debug)]
pub(super) struct Leadership {
    /// Of every node by position; its own is not used.
    progress: Vec<Progress>,
    /// The index of its first entry.
    pub(super) first: Index,
    next_heartbeat: Time,
    /// Rounds of heartbeats so far.
    pub(super) round: u64,
    pub(super) reads: Reads,
}

impl Leadership {
    /// That of a leader whose log ends at `last`.
    pub(super) fn new(setup: &Setup, last: Point, now: Time) -> Self {
        let configuration = &setup.configuration;
        let opening = configuration.opening();
        Self {
            progress: (0..configuration.sizes().validators())
                .map(|_| Progress::new(opening, last, now))
                .collect(),
            first: last.index.next(),
            next_heartbeat: now.after(setup.timers.heartbeat),
            round: 0,
            reads: Reads::default(),
        }
    }

    /// One figure of every node, the own one given.
    pub(super) fn of_all(
        &self,
        me: NodeId,
        own: Index,
        of_other: impl Fn(&Progress) -> Index,
    ) -> Vec<Option<Index>> {
        let mut figures: Vec<_> = self
            .progress
            .iter()
            .map(|node| Some(of_other(node)))
            .collect();
        figures[me.position()] = Some(own);
        figures
    }

    /// Owes every follower a message of a new round.
    pub(super) fn start_round(&mut self) {
        self.round += 1;
        self.progress.iter_mut().for_each(Progress::heartbeat);
    }

    /// When a majority, the leader included, was last heard.
    fn majority_heard(&self, me: NodeId) -> Time {
        let heard = self.of_all(me, Index(u64::MAX), |node| Index(node.heard.0));
        Time(quorum::committed_index(&heard).0)
    }

    /// When silence of a majority ends the leadership: check-quorum.
    fn silence_deadline(&self, setup: &Setup) -> Time {
        self.majority_heard(setup.me)
            .after(setup.timers.silence_longest)
    }
}

impl Raft {
    pub(super) fn leader_deadline(&self, leadership: &Leadership) -> Time {
        leadership
            .next_heartbeat
            .min(leadership.silence_deadline(&self.outbox.setup))
    }

    pub(super) fn on_leader_timeout(&mut self, now: Now) {
        let Part::Leader(leadership) = &mut self.part else {
            return;
        };
        if now.monotonic >= leadership.silence_deadline(&self.outbox.setup) {
            return self.step_down(now, self.term(), None);
        }
        if now.monotonic >= leadership.next_heartbeat {
            leadership.next_heartbeat = now.monotonic.after(self.outbox.setup.timers.heartbeat);
            leadership.start_round();
        }
    }

    /// Puts waiting requests into entries. While few entries are under way each request goes at
    /// once; beyond that they gather until an entry is full or one is committed.
    pub(super) fn propose(&mut self, now: Now) {
        while self.is_leader() {
            let waiting = self.pending.unproposed();
            let uncommitted = self.log.last().index.beyond(self.commit.index);
            let gather = uncommitted >= limits::EAGER_ENTRIES && waiting < limits::ENTRY_PAYLOADS;
            if waiting == 0 || gather || uncommitted >= limits::WINDOW || self.application_lags() {
                return;
            }
            let mut batch = self.pending.propose();
            if batch.is_empty() {
                return;
            }
            batch.retain(|(key, payload)| self.keys.index_of(key, payload).is_none());
            if !batch.is_empty() {
                let entry = self.outbox.create_entry(
                    EntryKind::Transactions,
                    self.term(),
                    (self.log.last(), self.log.last_timestamp()),
                    batch,
                    now,
                );
                self.append(entry);
            }
        }
    }

    /// Sends every follower what it should have. What goes to several is signed once.
    pub(super) fn send_appends(&mut self) {
        if !self.is_leader() {
            return;
        }
        let me = self.me();
        let others: Vec<NodeId> = self.outbox.setup.configuration.sizes().nodes().collect();
        let opening = self.outbox.setup.configuration.opening();
        let last = self.log.last().index;
        loop {
            let Part::Leader(leadership) = &mut self.part else {
                return;
            };
            let mut groups: BTreeMap<(Point, bool), Vec<NodeId>> = BTreeMap::new();
            for &node in others.iter().filter(|&&node| node != me) {
                let progress = &mut leadership.progress[node.position()];
                let (previous, has_entries) = match progress.position(&self.log) {
                    Position::Memory(previous) => {
                        (previous, previous.index < last && progress.is_open())
                    }
                    Position::Disk(from) => {
                        if progress.may_read() {
                            progress.reads(from);
                            self.outbox.push(Output::ReadEntries { to: node, from });
                        }
                        (from, false)
                    }
                    // Its answer to the first point of all names its last committed one.
                    Position::Unknown => (opening, false),
                };
                if has_entries || progress.is_due() {
                    groups
                        .entry((previous, has_entries))
                        .or_default()
                        .push(node);
                }
            }
            if groups.is_empty() {
                return;
            }
            for ((previous, has_entries), nodes) in groups {
                let entries = match has_entries {
                    true => self.message_after(previous.index),
                    false => Vec::new(),
                };
                self.send_append(&nodes, previous, entries);
            }
        }
    }

    /// As many entries as fit a message.
    fn message_after(&self, index: Index) -> Vec<Arc<Entry>> {
        let mut bytes = 0;
        self.log
            .after(index)
            .take(limits::MESSAGE_ENTRIES)
            .take_while(|entry| {
                let fits = bytes < limits::MESSAGE_BYTES;
                bytes += entry.body_bytes();
                fits
            })
            .cloned()
            .collect()
    }

    fn send_append(&mut self, nodes: &[NodeId], previous: Point, entries: Vec<Arc<Entry>>) {
        let (epoch, term) = (self.epoch(), self.term());
        let others = self.validators() - 1;
        let Part::Leader(leadership) = &mut self.part else {
            return;
        };
        let batch = entries.last().map(|last| Batch {
            last: last.point(),
            entries: entries.len() as u64,
            bytes: entries.iter().map(|entry| entry.body_bytes()).sum(),
        });
        for node in nodes {
            leadership.progress[node.position()].sent(batch);
        }
        let append = RaftAppend {
            epoch,
            term,
            previous,
            entries,
            commit: self.commit.index,
            round: leadership.round,
        };
        // A leader's term and vote are durable since before it led, and its entries may go out
        // before they are (dissertation §10.2.1): nothing to wait for.
        let signed = self.outbox.sign(append);
        if nodes.len() == others {
            return self.outbox.forward(Recipient::Others, signed, None);
        }
        for &node in nodes {
            self.outbox
                .forward(Recipient::Node(node), signed.clone(), None);
        }
    }

    pub(super) fn on_append_reply(&mut self, now: Now, from: NodeId, reply: &RaftAppendReply) {
        if reply.term > self.term() {
            return self.step_down(now, reply.term, None);
        }
        let Part::Leader(leadership) = &mut self.part else {
            return;
        };
        if reply.term < self.vote_state.term || reply.round > leadership.round {
            return;
        }
        let progress = &mut leadership.progress[from.position()];
        progress.heard = now.monotonic;
        progress.round = progress.round.max(reply.round);
        match reply.outcome {
            AppendOutcome::Conflict { try_from } => progress.on_conflict(try_from),
            AppendOutcome::Matched(point) => {
                let held = self.log.hash_at(point.index).map(|hash| hash == point.hash);
                // What is no longer in memory is committed, and only helps to find the follower's
                // place.
                let below = point.index < self.log.before().index;
                if held == Some(true) || below {
                    progress.on_matched(point);
                    self.count_matches();
                }
            }
        }
    }

    /// Commits what a majority holds durably, if that includes an entry of the own term: counting
    /// copies of older entries proves nothing (extended paper §5.4.2, Figure 8).
    pub(super) fn count_matches(&mut self) {
        let own = match mutation::active(Mutation::RaftCountsUnwritten) {
            true => self.log.last().index,
            false => self.disk.index(),
        };
        let me = self.me();
        let Part::Leader(leadership) = &mut self.part else {
            return;
        };
        let matched = leadership.of_all(me, own, Progress::matched);
        let index = quorum::committed_index(&matched);
        let of_own_term = self.log.term_at(index) == Some(self.vote_state.term)
            || mutation::active(Mutation::RaftOlderTermCounted);
        if index > self.commit.index && of_own_term {
            let followers = leadership.progress.iter_mut();
            followers.for_each(Progress::commit_moved);
            self.commit_to(index);
        }
    }

    /// Sends a follower that lags far behind what the disk gave.
    pub(super) fn on_entries_read(&mut self, to: NodeId, from: Point, entries: Vec<Arc<Entry>>) {
        let log = &self.log;
        let entries: Vec<_> = entries
            .into_iter()
            .take(limits::MESSAGE_ENTRIES)
            // What the disk held beyond the commit point may have been replaced since.
            .take_while(|entry| entry.index() <= log.before().index || log.contains(entry.point()))
            .collect();
        let Part::Leader(leadership) = &mut self.part else {
            return;
        };
        let Some(progress) = leadership.progress.get_mut(to.position()) else {
            return;
        };
        let follow = entries.first().is_some_and(|first| {
            first.header().previous == from.hash && first.index() == from.index.next()
        });
        if progress.has_read(from, follow, log) {
            self.send_append(&[to], from, entries);
        }
    }
}
