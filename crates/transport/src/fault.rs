//! Faults on purpose: what a link does to the frames sent over it. The kernel's own tools need
//! root, and its delay queue is not everywhere; acting on whole frames needs neither.

use std::time::Duration;

use crate::limits::MAX_LINK_DELAY;

/// What a link does to frames sent over it. Any combination works.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkPolicy {
    /// Nothing gets through.
    pub cut: bool,
    /// Each frame arrives later by this much, at most
    /// [`MAX_LINK_DELAY`](crate::limits::MAX_LINK_DELAY). Order and bandwidth stay.
    pub delay: Duration,
    /// The share of frames that vanish, from 0.0 to 1.0, each by its own chance.
    pub loss: f64,
}

impl LinkPolicy {
    /// A healthy link.
    pub const PASS: Self = Self {
        cut: false,
        delay: Duration::ZERO,
        loss: 0.0,
    };

    /// Nothing gets through, what is queued included.
    pub const CUT: Self = Self {
        cut: true,
        ..Self::PASS
    };

    /// Every frame arrives later by `delay`.
    #[must_use]
    pub fn delay(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::PASS
        }
    }

    /// The given share of frames vanishes.
    #[must_use]
    pub fn loss(loss: f64) -> Self {
        Self { loss, ..Self::PASS }
    }

    /// The policy with every value in its range.
    pub(crate) fn bounded(self) -> Self {
        let loss = if self.loss.is_nan() {
            0.0
        } else {
            self.loss.clamp(0.0, 1.0)
        };
        Self {
            cut: self.cut,
            delay: self.delay.min(MAX_LINK_DELAY),
            loss,
        }
    }
}

impl Default for LinkPolicy {
    fn default() -> Self {
        Self::PASS
    }
}
