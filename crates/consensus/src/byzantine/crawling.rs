//! A leader that serves everybody, but slower than the network has shown it can (P6.4).
//!
//! A follower knows how long a request of its own clients takes from when it is handed to the
//! leader to its commit. A leader can make that long under itself, but not under others; so the
//! shortest under f + 1 leaders is no longer than a correct leader took. The time in which requests
//! wait here and none of them is committed, beyond a few times that, is the leader's idleness. It
//! fills a bucket, which leaks slowly; a full one is a cause to suspect. A leader under load commits
//! all the time and gathers nothing; where commits are slow for everybody, the patience reaches the
//! silence timer, which then decides alone.

use std::collections::BTreeMap;

use super::Byzantine;
use crate::{
    message::Reason,
    request::RequestKey,
    types::{NodeId, Time},
};

/// A working leader may take so many times as long as the fastest: it may be further away.
const PATIENT_TIMES: u64 = 4;
/// What leaks from the bucket: one part in so many of the time that passes. A leader may be idle
/// for that share of the time without being deposed.
const LEAK: u64 = 8;
/// Silence timers of idleness that make a cause to suspect.
const FULL: u64 = 2;
/// How much the newest request weighs: one part in so many.
const NEWEST_WEIGHT: u64 = 8;

/// How idle the leader of this term was.
#[derive(Clone, Debug, Default)]
pub(super) struct Idleness {
    /// Up to when it is measured.
    measured: Time,
    /// For how long requests have waited here without the commit of any of them.
    idle: Time,
    /// What counts against the leader.
    bucket: Time,
    /// Under each leader, since its last term began: a moving mean of how long requests took.
    latencies: BTreeMap<NodeId, Time>,
    /// The request that is being measured, and since when it waits.
    sample: Option<(RequestKey, Time)>,
    /// Idle for this long, requests are relayed once more: the relay may have been lost, or the
    /// leader had no room.
    relay_again: Time,
}

impl Byzantine {
    /// Measures the time since the last event, during which nothing changed here.
    pub(super) fn measure_idleness(&mut self) {
        let now = self.now.monotonic;
        let passed = now.since(self.idleness.measured);
        self.idleness.measured = now;
        let waits = self.waits_for_leader();
        let (patience, full) = (self.patience(), self.full_bucket());
        let idleness = &mut self.idleness;
        idleness.bucket = Time(idleness.bucket.0.saturating_sub(passed.0 / LEAK));
        if !waits {
            idleness.idle = Time(0);
            idleness.relay_again = patience;
            return;
        }
        let before = idleness.idle;
        // This process may have stood still itself: one step counts for little.
        idleness.idle = before.after(passed.min(patience));
        if idleness.idle > patience {
            // With the first step beyond what is fair, all of it counts.
            let counted = if before > patience {
                passed.min(patience)
            } else {
                idleness.idle
            };
            idleness.bucket = idleness.bucket.after(counted).min(full);
        }
    }

    /// Whether requests wait here and the leader could change that. Those that clients complained
    /// about have timers of their own (P6.2).
    fn waits_for_leader(&self) -> bool {
        self.adopted()
            && !self.leads_term()
            && self.side.is_none()
            && self.requests.pending.len() > self.watched_requests()
            && self.application_keeps_up()
    }

    /// How long a working leader may take to get a request committed. Before f + 1 leaders were
    /// seen at work nobody gets more than a heartbeat: a slow network comes to know what it can do
    /// by f changes of leaders.
    fn patience(&self) -> Time {
        let timers = &self.out.setup.timers;
        let known = &self.idleness.latencies;
        let enough = known.len() > self.configuration().sizes().faulty();
        let shortest = known.values().min().filter(|_| enough);
        let fair = shortest.map_or(0, |latency| latency.0.saturating_mul(PATIENT_TIMES));
        let grown = timers.grown(Time(fair.max(timers.heartbeat.0)), self.timer.level);
        grown.min(self.silence())
    }

    fn full_bucket(&self) -> Time {
        Time(self.silence().0 * FULL)
    }

    /// A cause to suspect `crawling`, and whether one that was there ended.
    pub(super) fn check_crawling(&mut self) {
        let full = self.full_bucket();
        let bucket = self.idleness.bucket;
        match &self.suspicion {
            None if bucket >= full => self.suspect(Reason::Crawling),
            Some(suspicion) if suspicion.reason == Reason::Crawling && bucket.0 < full.0 / 2 => {
                self.suspicion = None;
            }
            _ => {}
        }
        if self.waits_for_leader() && self.idleness.idle >= self.idleness.relay_again {
            self.idleness.relay_again = Time(self.idleness.idle.0 * 2).max(self.patience());
            self.judge_oldest();
        }
    }

    /// When [`Byzantine::check_crawling`] has something to do next, if nothing happens before.
    pub(super) fn idleness_deadline(&self) -> Time {
        if !self.waits_for_leader() {
            return Time(u64::MAX);
        }
        let idleness = &self.idleness;
        let from_now = |span: Time, reached: Time| {
            idleness
                .measured
                .after(Time(span.0.saturating_sub(reached.0).max(1)))
        };
        let again = from_now(idleness.relay_again, idleness.idle);
        if self.suspicion.is_some() || idleness.idle <= self.patience() {
            return again;
        }
        again.min(from_now(self.full_bucket(), idleness.bucket))
    }

    /// A new term: its leader starts with a clean slate and is measured anew, so that what the
    /// network could do once does not count for ever.
    pub(super) fn forget_idleness(&mut self) {
        let mut latencies = std::mem::take(&mut self.idleness.latencies);
        latencies.remove(&self.leader());
        self.idleness = Idleness {
            measured: self.now.monotonic,
            latencies,
            ..Idleness::default()
        };
        self.idleness.relay_again = self.patience();
    }

    /// A request waits here from now on.
    pub(super) fn request_waits(&mut self, key: RequestKey) {
        if self.idleness.sample.is_none() && !self.leads_term() {
            self.idleness.sample = Some((key, self.now.monotonic));
        }
    }

    /// A request no longer waits here, and was not committed.
    pub(super) fn request_given_up(&mut self, key: &RequestKey) {
        self.idleness.sample.take_if(|(sampled, _)| sampled == key);
    }

    /// A request that waited here is committed.
    pub(super) fn request_served(&mut self, key: &RequestKey) {
        let (patience, leader) = (self.patience(), self.leader());
        let now = self.now.monotonic;
        let idleness = &mut self.idleness;
        idleness.idle = Time(0);
        idleness.relay_again = patience;
        if let Some((_, since)) = idleness.sample.take_if(|(sampled, _)| sampled == key) {
            let newest = now.since(since);
            let mean = idleness.latencies.entry(leader).or_insert(newest);
            *mean = Time(mean.0 - mean.0 / NEWEST_WEIGHT + newest.0 / NEWEST_WEIGHT);
        }
    }
}
