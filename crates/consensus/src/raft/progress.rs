//! What a leader knows of one follower, and what it has sent ahead (dissertation §10.2.1).

use std::collections::VecDeque;

use crate::{
    limits,
    log::Log,
    types::{Index, Point, Time},
};

/// How a leader sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The logs' last common entry is sought: one question at a time, without entries.
    Probe,
    /// Entries go out without waiting for answers.
    Replicate,
}

/// A read of old entries from this node's disk for the follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Idle,
    After(Point),
    /// The disk had nothing; the next heartbeat tries again.
    Failed,
}

/// What one message carried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    /// The last entry.
    pub(super) last: Point,
    /// How many entries.
    pub(super) entries: u64,
    /// The bytes of their bodies.
    pub(super) bytes: usize,
}

/// Where the entries are that a follower needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// In memory, after this point.
    Memory(Point),
    /// On disk, after this point.
    Disk(Point),
    /// On disk, after a point whose hash is not known here.
    Unknown,
}

/// One follower, as its leader sees it.
#[derive(Debug)]
pub(super) struct Progress {
    stage: Stage,
    /// The follower's log durably agrees with the leader's up to here.
    matched: Point,
    /// The next entry to send. Always beyond `matched`, at most one beyond the log.
    next: Index,
    /// The point before `next` while entries are sent ahead: it may no longer be in memory.
    tip: Option<Point>,
    /// Messages sent ahead and not yet acknowledged.
    in_flight: VecDeque<Batch>,
    in_flight_entries: u64,
    in_flight_bytes: usize,
    reading: Reading,
    /// Whether a message is owed even if it carries no entries.
    due: bool,
    /// When it last answered in this term.
    pub(super) heard: Time,
    /// The last round of heartbeats that it answered.
    pub(super) round: u64,
}

impl Progress {
    /// A follower of a new leader, which hopes that their logs are equal.
    pub(super) const fn new(opening: Point, last: Point, now: Time) -> Self {
        Self {
            stage: Stage::Replicate,
            matched: opening,
            next: last.index.next(),
            tip: Some(last),
            in_flight: VecDeque::new(),
            in_flight_entries: 0,
            in_flight_bytes: 0,
            reading: Reading::Idle,
            due: true,
            heard: now,
            round: 0,
        }
    }

    pub(super) const fn matched(&self) -> Index {
        self.matched.index
    }

    /// Whether a message is owed even if it carries no entries.
    pub(super) const fn is_due(&self) -> bool {
        self.due
    }

    /// A heartbeat is owed, whatever the stage.
    pub(super) fn heartbeat(&mut self) {
        self.due = true;
        if self.reading == Reading::Failed {
            self.reading = Reading::Idle;
        }
    }

    /// The commit index moved.
    pub(super) fn commit_moved(&mut self) {
        self.due |= self.stage == Stage::Replicate;
    }

    /// Whether entries may be sent.
    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Replicate
            && self.in_flight_entries < limits::IN_FLIGHT_ENTRIES
            && self.in_flight_bytes < limits::IN_FLIGHT_BYTES
    }

    /// Whether old entries may be read from disk now: one read at a time.
    pub(super) fn may_read(&self) -> bool {
        self.is_open() && self.reading == Reading::Idle
    }

    /// Where the next entries are.
    pub(super) fn position(&self, log: &Log) -> Position {
        let index = self.next.previous();
        if let Some(point) = log.point_at(index) {
            return Position::Memory(point);
        }
        [self.tip, Some(self.matched)]
            .into_iter()
            .flatten()
            .find(|point| point.index == index)
            .map_or(Position::Unknown, Position::Disk)
    }

    /// A message went out, with entries or without.
    pub(super) fn sent(&mut self, batch: Option<Batch>) {
        self.due = false;
        if let Some(batch) = batch {
            self.next = batch.last.index.next();
            self.tip = Some(batch.last);
            self.in_flight.push_back(batch);
            self.in_flight_entries += batch.entries;
            self.in_flight_bytes += batch.bytes;
        }
    }

    /// The follower's log agrees up to `point`.
    pub(super) fn on_matched(&mut self, point: Point) {
        if point.index > self.matched.index {
            self.matched = point;
        }
        while let Some(batch) = self.in_flight.front() {
            if batch.last.index > self.matched.index {
                break;
            }
            self.in_flight_entries -= batch.entries;
            self.in_flight_bytes -= batch.bytes;
            self.in_flight.pop_front();
        }
        let after = self.matched.index.next();
        self.next = match self.stage {
            Stage::Probe => after,
            Stage::Replicate => self.next.max(after),
        };
        self.stage = Stage::Replicate;
    }

    /// The follower lacks what was sent ahead of, and says where to try. Late answers do no more
    /// harm than a repeated message.
    pub(super) fn on_conflict(&mut self, try_from: Index) {
        let next = try_from.max(self.matched.index.next()).min(self.next);
        // One question for many refusals of what was sent ahead.
        self.due |= self.stage == Stage::Replicate || next < self.next;
        self.stage = Stage::Probe;
        self.next = next;
        self.tip = None;
        self.in_flight.clear();
        self.in_flight_entries = 0;
        self.in_flight_bytes = 0;
    }

    /// Old entries after `from` were asked of the disk.
    pub(super) const fn reads(&mut self, from: Point) {
        self.reading = Reading::After(from);
    }

    /// The disk answered with entries after `from`, or with none. Returns whether they are still
    /// what is sent next.
    pub(super) fn has_read(&mut self, from: Point, any: bool, log: &Log) -> bool {
        if self.reading != Reading::After(from) {
            return false;
        }
        self.reading = if any { Reading::Idle } else { Reading::Failed };
        any && self.is_open() && self.position(log) == Position::Disk(from)
    }
}
