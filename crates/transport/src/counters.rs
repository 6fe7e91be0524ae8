//! What was sent, received and dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::frame::HEADER;

/// Frames and bytes since the start. Bytes are those of frames with their length headers, without
/// QUIC's and UDP's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Frames handed to QUIC.
    pub frames_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Whole frames received.
    pub frames_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// Frames given up because a queue was full or the peer away.
    pub frames_dropped: u64,
    /// Frames swallowed by a [`LinkPolicy`](crate::LinkPolicy).
    pub frames_lost_on_purpose: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    frames_sent: AtomicU64,
    bytes_sent: AtomicU64,
    frames_received: AtomicU64,
    bytes_received: AtomicU64,
    frames_dropped: AtomicU64,
    frames_lost_on_purpose: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> Traffic {
        Traffic {
            frames_sent: self.frames_sent.load(Relaxed),
            bytes_sent: self.bytes_sent.load(Relaxed),
            frames_received: self.frames_received.load(Relaxed),
            bytes_received: self.bytes_received.load(Relaxed),
            frames_dropped: self.frames_dropped.load(Relaxed),
            frames_lost_on_purpose: self.frames_lost_on_purpose.load(Relaxed),
        }
    }
}

/// Counts for one peer and for the endpoint as a whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    pub(crate) peer: Arc<Counters>,
    pub(crate) total: Arc<Counters>,
}

impl Meter {
    pub(crate) fn sent(&self, frames: usize, payload: usize) {
        let bytes = payload + frames * HEADER;
        for counters in [&self.peer, &self.total] {
            counters.frames_sent.fetch_add(frames as u64, Relaxed);
            counters.bytes_sent.fetch_add(bytes as u64, Relaxed);
        }
    }

    pub(crate) fn received(&self, payload: usize) {
        for counters in [&self.peer, &self.total] {
            counters.frames_received.fetch_add(1, Relaxed);
            counters
                .bytes_received
                .fetch_add((payload + HEADER) as u64, Relaxed);
        }
    }

    pub(crate) fn dropped(&self, frames: usize) {
        for counters in [&self.peer, &self.total] {
            counters.frames_dropped.fetch_add(frames as u64, Relaxed);
        }
    }

    pub(crate) fn lost_on_purpose(&self, frames: usize) {
        for counters in [&self.peer, &self.total] {
            counters
                .frames_lost_on_purpose
                .fetch_add(frames as u64, Relaxed);
        }
    }
}
