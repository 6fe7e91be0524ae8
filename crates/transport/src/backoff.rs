//! Waiting between attempts to dial a peer.

use std::time::Duration;

use crate::limits::{RECONNECT_FIRST, RECONNECT_LONGEST};
use crate::random::Random;

/// Doubles from [`RECONNECT_FIRST`] to [`RECONNECT_LONGEST`], each wait shortened by up to half at
/// random so that nodes which lost each other do not dial in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    random: Random,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self {
            next: RECONNECT_FIRST,
            random: Random::from_system(),
        }
    }

    pub(crate) fn reset(&mut self) {
        self.next = RECONNECT_FIRST;
    }

    pub(crate) fn next_wait(&mut self) -> Duration {
        let wait = self.next.mul_f64(1.0 - self.random.unit() / 2.0);
        self.next = (self.next * 2).min(RECONNECT_LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_again_after_a_reset() {
        let mut backoff = Backoff::new();
        for doubling in 0..10 {
            let full = (RECONNECT_FIRST * (1 << doubling)).min(RECONNECT_LONGEST);
            let wait = backoff.next_wait();
            assert!(full / 2 <= wait && wait <= full, "{wait:?} of {full:?}");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= RECONNECT_FIRST);
    }
}
