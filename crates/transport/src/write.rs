//! From a queue onto a stream.

use bytes::Bytes;
use quinn::{SendStream, StoppedError, WriteError};

use crate::close::Disconnect;
use crate::counters::Meter;
use crate::frame::assemble;
use crate::limits::FLUSH_TIMEOUT;
use crate::queue::FrameQueue;

/// Writes what is queued, many frames at a time, until the queue is closed and empty; then ends
/// the stream and waits until the peer has acknowledged all of it.
async fn write_frames(
    queue: &FrameQueue,
    stream: &mut SendStream,
    meter: &Meter,
) -> Result<(), Disconnect> {
    let mut batch: Vec<Bytes> = Vec::new();
    while queue.next_batch(&mut batch).await {
        let frames = batch.len();
        let payload = batch.iter().map(Bytes::len).sum();
        if let Err(error) = stream.write_all_chunks(&mut assemble(&mut batch)).await {
            meter.dropped(frames);
            return Err(write_failure(error));
        }
        meter.sent(frames, payload);
    }
    // Fails only if the stream was ended before, and nobody else holds it.
    let _ = stream.finish();
    match stream.stopped().await {
        Ok(_) => Ok(()),
        Err(StoppedError::ConnectionLost(error)) => Err(error.into()),
        Err(error) => Err(Disconnect::Failed(error.to_string())),
    }
}

pub(crate) fn write_failure(error: WriteError) -> Disconnect {
    match error {
        WriteError::ConnectionLost(error) => error.into(),
        other => Disconnect::Failed(other.to_string()),
    }
}

/// Like [`write_frames`], but once the queue is closed the peer has [`FLUSH_TIMEOUT`] to take
/// what is left: a peer that does not read cannot hold up the end.
pub(crate) async fn write_frames_until_flushed(
    queue: &FrameQueue,
    stream: &mut SendStream,
    meter: &Meter,
) -> Result<(), Disconnect> {
    let patience = async {
        queue.closed().await;
        tokio::time::sleep(FLUSH_TIMEOUT).await;
    };
    tokio::select! {
        written = write_frames(queue, stream, meter) => written,
        () = patience => Err(Disconnect::ByUs),
    }
}
