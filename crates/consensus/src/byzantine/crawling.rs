//! A leader that serves everybody, but slower than the network has shown it can (P6.4).
//!
//! Followers commit for themselves, so each of them knows how long a round takes here, whoever
//! leads: from accepting an entry to its commit certificate. A leader that works puts what waits
//! into an entry about a round after it arrived, and a round later it is committed. So the time
//! in which something waits here and nothing is committed, beyond a few rounds, is the leader's
//! idleness. It fills a bucket, which leaks slowly; a full one is a cause to suspect. A leader
//! under load commits all the time, however long its queue is, and gathers nothing; where rounds
//! are slow, the patience reaches the silence timer, which then decides alone.

use super::Byzantine;
use crate::{
    limits,
    message::Reason,
    types::{Index, Time},
};

/// A working leader may take this many rounds until an entry is under way.
const PATIENT_ROUNDS: u64 = 8;
/// What leaks from the bucket: one part in so many of the time that passes. A leader may be idle
/// for that share of the time without being deposed.
const LEAK: u64 = 8;
/// Silence timers of idleness that make a cause to suspect.
const FULL: u64 = 2;
/// How much the newest round weighs: one part in so many.
const ROUND_WEIGHT: u64 = 8;

/// How idle the leader of this term was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Idleness {
    /// Up to when it is measured.
    measured: Time,
    /// For how long something has waited here without any commit.
    idle: Time,
    /// What counts against the leader.
    bucket: Time,
    /// A moving mean of the time from accepting an entry to its commit.
    round: Time,
    /// The entry whose round is being measured.
    sample: Option<(Index, Time)>,
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
        let patience = self.patience();
        let idleness = &mut self.idleness;
        idleness.bucket = Time(idleness.bucket.0.saturating_sub(passed.0 / LEAK));
        if !waits {
            idleness.idle = Time(0);
            idleness.relay_again = patience;
            return;
        }
        let before = idleness.idle;
        idleness.idle = before.after(passed);
        if idleness.idle > patience {
            // With the first step beyond what is fair, all of it counts.
            let counted = if before > patience {
                passed
            } else {
                idleness.idle
            };
            idleness.bucket = idleness.bucket.after(counted);
        }
    }

    /// Whether something waits here and the leader could change that.
    fn waits_for_leader(&self) -> bool {
        self.adopted()
            && !self.leads_term()
            && self.side.is_none()
            && self.something_waits()
            && self.application_keeps_up()
    }

    /// How long a working leader may take to get a request committed.
    fn patience(&self) -> Time {
        let timers = &self.out.setup.timers;
        let rounds = self.idleness.round.0.saturating_mul(PATIENT_ROUNDS);
        Time(rounds.clamp(timers.heartbeat.0, self.silence().0))
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
            let waiting = self.pending.payloads().map(|(_, payload)| payload.clone());
            self.unrelayed
                .extend(waiting.take(limits::RELAYED_REQUESTS));
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

    /// A new term: its leader starts with a clean slate. The rounds are the network's.
    pub(super) fn forget_idleness(&mut self) {
        self.idleness = Idleness {
            measured: self.now.monotonic,
            round: self.idleness.round,
            relay_again: self.patience(),
            ..Idleness::default()
        };
    }

    /// An entry was accepted here.
    pub(super) fn round_begins(&mut self, index: Index) {
        if self.idleness.sample.is_none() {
            self.idleness.sample = Some((index, self.now.monotonic));
        }
    }

    /// Everything up to here is committed.
    pub(super) fn round_ends(&mut self, index: Index) {
        let patience = self.patience();
        let idleness = &mut self.idleness;
        idleness.idle = Time(0);
        idleness.relay_again = patience;
        if let Some((sampled, since)) = idleness.sample
            && sampled <= index
        {
            idleness.sample = None;
            let newest = self.now.monotonic.since(since).0;
            idleness.round = match idleness.round.0 {
                0 => Time(newest),
                mean => Time(mean - mean / ROUND_WEIGHT + newest / ROUND_WEIGHT),
            };
        }
    }
}
