//! A branch that a Byzantine leader makes on its own, beside what its replica does.

use std::sync::Arc;

use consensus::{
    Entry, EntryHeader, EntryKind, Message, NodeId, Point, Term, Time, limits,
    message::{AppendEntries, Vote},
};

use super::Tools;
use crate::{payload::PAYMENT_BYTES, random::Random};

/// How large the entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// One small payment each.
    Tiny,
    /// One payment of the largest size.
    Large,
    /// As much as an entry may hold.
    Huge,
}

impl Size {
    pub(super) fn draw(random: &mut Random) -> Self {
        *random
            .pick(&[Self::Tiny, Self::Tiny, Self::Large, Self::Huge])
            .expect("four choices")
    }

    fn payloads(self, tools: &mut Tools<'_>) -> Vec<Arc<[u8]>> {
        const MOST: usize = limits::PAYLOAD_BYTES - PAYMENT_BYTES;
        match self {
            Self::Tiny => vec![tools.coalition.payment(0)],
            Self::Large => vec![tools.coalition.payment(MOST)],
            // What a reader takes: a payload more than a correct leader packs.
            Self::Huge => (0..=limits::ENTRY_BYTES / limits::PAYLOAD_BYTES)
                .map(|_| tools.coalition.payment(MOST))
                .collect(),
        }
    }
}

/// The branch.
#[derive(Clone)]
pub(super) struct Reign {
    /// The term that is led.
    pub term: Term,
    /// Its last entry.
    pub head: Point,
    /// That entry's timestamp.
    timestamp: u64,
    since: Time,
}

impl Reign {
    /// Begins after `entry`, which everybody knows, at its own pace from now.
    pub(super) fn after(entry: &Entry, now: Time) -> Self {
        Self {
            term: entry.term(),
            head: entry.point(),
            timestamp: entry.header().timestamp,
            since: now,
        }
    }

    /// What the clocks show, as far as the entry that it began with was made in time.
    fn clock(&self, now: Time) -> u64 {
        self.timestamp + now.since(self.since).0 / 1_000
    }

    /// The next entry, `ahead` milliseconds beyond the clock.
    pub(super) fn next(&mut self, tools: &mut Tools<'_>, size: Size, ahead: u64) -> Arc<Entry> {
        let timestamp = self.clock(tools.now).saturating_add(ahead);
        self.next_at(tools, size, timestamp)
    }

    /// The next entry, with any timestamp.
    pub(super) fn next_at(
        &mut self,
        tools: &mut Tools<'_>,
        size: Size,
        timestamp: u64,
    ) -> Arc<Entry> {
        let payloads = size.payloads(tools);
        let header = EntryHeader {
            kind: EntryKind::Transactions,
            epoch: tools.configuration().epoch(),
            term: self.term,
            index: self.head.index.next(),
            author: tools.me(),
            previous: self.head.hash,
            body_root: self.head.hash,
            count: 0,
            timestamp,
        };
        let entry = tools.entry(header, payloads);
        self.head = entry.point();
        entry
    }

    /// Shows linked entries to a node, in as few messages as the limits allow.
    pub(super) fn show(&self, tools: &mut Tools<'_>, to: NodeId, entries: &[Arc<Entry>]) {
        let mut rest = entries;
        while let Some(first) = rest.first() {
            let mut bytes = 0;
            let fits = |entry: &&Arc<Entry>| {
                let fits = bytes < limits::MESSAGE_BYTES;
                bytes += entry.body_bytes();
                fits
            };
            let count = rest.iter().take_while(fits).count();
            let count = count.min(limits::MESSAGE_ENTRIES);
            let append = tools.sign(AppendEntries {
                epoch: first.header().epoch,
                term: self.term,
                previous: Point {
                    index: first.index().previous(),
                    hash: first.header().previous,
                },
                entries: rest[..count].to_vec(),
                commit: None,
                election: None,
            });
            tools.send(to, append);
            rest = &rest[count..];
        }
    }

    /// A vote for an entry of the branch.
    pub(super) fn vote(&self, tools: &Tools<'_>, accepted: Point) -> Arc<Message> {
        tools.sign(Vote {
            epoch: tools.configuration().epoch(),
            term: self.term,
            accepted: Some(accepted),
            locked: None,
            applied: None,
        })
    }
}
