//! The clocks of the operating system as the replica wants them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use consensus::{Now, Time};

/// Gives [`Now`]; the monotonic part counts from the node's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Now {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            monotonic: Time(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)),
            wall: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The instant of a moment on this clock; `None` if it is too far away to matter.
    pub(crate) fn instant(&self, moment: Time) -> Option<Instant> {
        self.start
            .checked_add(std::time::Duration::from_micros(moment.0))
    }
}
