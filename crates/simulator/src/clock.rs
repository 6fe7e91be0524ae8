//! A node's own clock, which drifts and whose wall time may jump.

use consensus::{Now, Time};

/// Wall-clock milliseconds at the start of a run.
const EPOCH_MILLIS: u64 = 1_800_000_000_000;

/// One node's view of time. Simulated time is the truth that only the simulator knows.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// What the monotonic clock showed at simulated time zero.
    origin: u64,
    /// Local microseconds per simulated second.
    rate: u64,
    /// How far the wall clock is off, in milliseconds.
    wall_offset: i64,
}

const SECOND: u64 = 1_000_000;

impl Clock {
    /// A clock that runs `drift` parts per million too fast.
    #[must_use]
    pub fn new(origin: u64, drift: i64, wall_offset: i64) -> Self {
        Self {
            origin,
            rate: SECOND.saturating_add_signed(drift).max(1),
            wall_offset,
        }
    }

    /// What it shows at a moment of simulated time.
    #[must_use]
    pub fn now(&self, simulated: Time) -> Now {
        let local = self.local_span(simulated.0);
        Now {
            monotonic: Time(self.origin + local),
            wall: (EPOCH_MILLIS + local / 1_000).saturating_add_signed(self.wall_offset),
        }
    }

    /// The first moment of simulated time at which it shows `local` or later.
    #[must_use]
    pub fn simulated(&self, local: Time) -> Time {
        let span = u128::from(local.0.saturating_sub(self.origin));
        let simulated = (span * u128::from(SECOND)).div_ceil(u128::from(self.rate));
        Time(u64::try_from(simulated).unwrap_or(u64::MAX))
    }

    /// Sets how far the wall clock is off, in milliseconds.
    pub const fn set_wall_offset(&mut self, offset: i64) {
        self.wall_offset = offset;
    }

    /// How far the wall clock is off, in milliseconds.
    #[must_use]
    pub const fn wall_offset(&self) -> i64 {
        self.wall_offset
    }

    fn local_span(&self, simulated: u64) -> u64 {
        let span = u128::from(simulated) * u128::from(self.rate) / u128::from(SECOND);
        u64::try_from(span).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_reached_at_the_simulated_time_computed_for_it() {
        for drift in [-50_000, 0, 37, 50_000] {
            let clock = Clock::new(12_345, drift, -3);
            for local in [0, 12_345, 13_000, 987_654_321] {
                let simulated = clock.simulated(Time(local));
                assert!(clock.now(simulated).monotonic >= Time(local));
                if simulated.0 > 0 {
                    let before = Time(simulated.0 - 1);
                    assert!(clock.now(before).monotonic < Time(local), "drift {drift}");
                }
            }
        }
    }
}
