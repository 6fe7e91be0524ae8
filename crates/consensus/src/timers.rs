//! Default timers (P1.5), all in one place and shown by `testnet status --verbose`.

use crate::types::Time;

/// The spans that drive a replica. The defaults are P1.5's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Between two heartbeats of an idle leader.
    pub heartbeat: Time,
    /// Shortest silence before a leader is suspected; Raft's shortest election timeout.
    pub silence_shortest: Time,
    /// Longest silence before a leader is suspected; Raft's longest election timeout.
    pub silence_longest: Time,
    /// How long a complained request may wait before its leader is suspected (P6.2).
    pub starvation: Time,
    /// How long a new term may take to its first commit, at level 0 (P4.6).
    pub term: Time,
    /// Longest that a timer grows to by doubling.
    pub longest: Time,
    /// How long an `applied` point may wait for another reason to vote.
    pub applied_vote: Time,
}

impl Timers {
    /// The defaults of P1.5.
    pub const DEFAULT: Self = Self {
        heartbeat: Time::from_millis(50),
        silence_shortest: Time::from_millis(500),
        silence_longest: Time::from_millis(1_000),
        starvation: Time::from_millis(1_000),
        term: Time::from_millis(500),
        longest: Time::from_millis(10_000),
        applied_vote: Time::from_millis(20),
    };

    /// `span` once more for each level, at most [`Timers::longest`]: how patient the silence and
    /// starvation timers are (P4.6).
    #[must_use]
    pub fn grown(&self, span: Time, level: u32) -> Time {
        let grown = span.0.saturating_mul(u64::from(level) + 1);
        Time(grown.min(self.longest.0.max(span.0)))
    }

    /// `span` doubled `level` times, at most [`Timers::longest`].
    #[must_use]
    pub fn at_level(&self, span: Time, level: u32) -> Time {
        Time(
            span.0
                .saturating_mul(1 << level.min(20))
                .min(self.longest.0.max(span.0)),
        )
    }

    /// The level at which the term timer reaches the longest timer (P4.6).
    #[must_use]
    pub fn highest_level(&self) -> u32 {
        (0..20)
            .find(|&level| self.at_level(self.term, level) >= self.longest)
            .unwrap_or(20)
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self::DEFAULT
    }
}
