//! Frames from a peer, for whoever consumes them.

use std::sync::Arc;

use bytes::Bytes;

use crate::close::CloseCode;
use crate::counters::Meter;
use crate::error::ReceiveError;
use crate::frame::FrameReader;
use crate::queue::FrameQueue;

/// What the caller holds of a connection. When the last handle of it goes, so does the
/// connection, after what is queued has been sent.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) connection: quinn::Connection,
    /// Where frames wait to be written, if this side sends at all.
    pub(crate) outgoing: Option<Arc<FrameQueue>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        match &self.outgoing {
            // The writer ends the connection once the queue is empty.
            Some(queue) => queue.close(),
            None => CloseCode::Done.close(&self.connection),
        }
    }
}

/// The receiving end of one stream.
///
/// It reads only while [`recv`](Self::recv) is awaited: a slow consumer slows down its own peer
/// by QUIC's flow control, and nobody else.
pub struct FrameReceiver {
    reader: FrameReader,
    lease: Arc<Lease>,
    meter: Meter,
}

impl FrameReceiver {
    pub(crate) fn new(reader: FrameReader, lease: Arc<Lease>, meter: Meter) -> Self {
        Self {
            reader,
            lease,
            meter,
        }
    }

    /// The next frame, or `None` if the peer ended the stream after a whole frame. Cancelling
    /// loses nothing.
    ///
    /// # Errors
    /// [`ReceiveError`]; the connection is then closed, with a code that tells the peer why.
    pub async fn recv(&mut self) -> Result<Option<Bytes>, ReceiveError> {
        let received = self.reader.next().await;
        match &received {
            Ok(Some(frame)) => self.meter.received(frame.len()),
            Ok(None) => {}
            Err(error) => self.close_for(error),
        }
        received
    }

    fn close_for(&self, error: &ReceiveError) {
        let code = match error {
            ReceiveError::TooLarge { .. } => CloseCode::FrameTooLarge,
            ReceiveError::Empty => CloseCode::FrameEmpty,
            ReceiveError::Overloaded => CloseCode::Overloaded,
            ReceiveError::Incomplete => CloseCode::FrameTimeout,
            ReceiveError::Truncated => CloseCode::FrameTruncated,
            ReceiveError::Disconnected(_) => return,
        };
        code.close(&self.lease.connection);
    }
}

impl std::fmt::Debug for FrameReceiver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FrameReceiver")
            .finish_non_exhaustive()
    }
}
