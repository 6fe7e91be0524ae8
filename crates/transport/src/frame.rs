//! Frames: a length as four little-endian bytes, then so many bytes.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use quinn::{ReadError, RecvStream};
use tokio::time::{Instant, timeout_at};

use crate::budget::{Budget, Share};
use crate::error::ReceiveError;
use crate::limits::{FRAME_RESERVE, MAX_BULK_FRAME, MAX_URGENT_FRAME};

/// Bytes of the length.
pub(crate) const HEADER: usize = 4;

/// Pieces of the stream taken from QUIC at a time, each at most a packet's payload.
const PIECES: usize = 32;

/// Frames up to this size are copied together with their headers into one buffer; larger ones go
/// to QUIC as they are.
const INLINE: usize = 4096;

/// Kinds of traffic between validators, each with streams and queues of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Class {
    /// Votes, heartbeats, elections: small, and worthless when late.
    Urgent = 0,
    /// Entries and catch-up: large, and welcome whenever there is room.
    Bulk = 1,
}

impl Class {
    /// Both classes, the more urgent first.
    pub const ALL: [Self; 2] = [Self::Urgent, Self::Bulk];

    /// The largest frame of this class, in bytes.
    #[must_use]
    pub const fn max_frame(self) -> usize {
        match self {
            Self::Urgent => MAX_URGENT_FRAME,
            Self::Bulk => MAX_BULK_FRAME,
        }
    }

    /// What a stream begins with to say what class it carries.
    pub(crate) const fn tag(self) -> u8 {
        self as u8
    }

    /// Which stream QUIC serves first.
    pub(crate) const fn priority(self) -> i32 {
        match self {
            Self::Urgent => 1,
            Self::Bulk => 0,
        }
    }
}

/// Puts frames and their headers into as few pieces as useful for one write.
pub(crate) fn assemble(frames: &mut Vec<Bytes>) -> Vec<Bytes> {
    let copied: usize = frames
        .iter()
        .map(|frame| {
            if frame.len() <= INLINE {
                frame.len()
            } else {
                0
            }
        })
        .sum();
    let mut buffer = BytesMut::with_capacity(copied + frames.len() * HEADER);
    let mut pieces = Vec::new();
    for frame in frames.drain(..) {
        // Whoever queued the frame checked it against a limit far below what 32 bits hold.
        buffer.put_u32_le(frame.len() as u32);
        if frame.len() <= INLINE {
            buffer.extend_from_slice(&frame);
        } else {
            pieces.push(buffer.split().freeze());
            pieces.push(frame);
        }
    }
    if !buffer.is_empty() {
        pieces.push(buffer.freeze());
    }
    pieces
}

/// Takes frames from a stream.
///
/// It reads only when asked for a frame, so a slow consumer stops the sender through QUIC's flow
/// control. Each frame is copied into memory of its own: a slice of a packet would keep the whole
/// receive buffer alive for as long as its consumer keeps the frame.
pub(crate) struct FrameReader {
    stream: RecvStream,
    maximum: usize,
    timeout: Duration,
    pieces: Box<[Bytes; PIECES]>,
    next_piece: usize,
    filled_pieces: usize,
    partial: Partial,
    /// When the current frame must be complete; set once we had to wait for the rest of it.
    deadline: Option<Instant>,
}

impl FrameReader {
    pub(crate) fn new(stream: RecvStream, maximum: usize, timeout: Duration) -> Self {
        Self {
            stream,
            maximum,
            timeout,
            pieces: Box::new([const { Bytes::new() }; PIECES]),
            next_piece: 0,
            filled_pieces: 0,
            partial: Partial::default(),
            deadline: None,
        }
    }

    /// From the next frame on, another limit applies.
    pub(crate) fn set_maximum(&mut self, maximum: usize) {
        self.maximum = maximum;
    }

    /// From now on memory for large frames is shared with others.
    pub(crate) fn set_budget(&mut self, budget: Budget) {
        self.partial.budget = Some(budget);
    }

    /// The next frame, or `None` if the stream ended between two frames. Cancelling loses
    /// nothing. After an error the stream is of no use.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ReceiveError> {
        loop {
            if let Some(frame) = self.take_buffered()? {
                self.deadline = None;
                return Ok(Some(frame));
            }
            let read = self.stream.read_chunks(&mut self.pieces[..]);
            let filled = if self.partial.is_empty() {
                read.await
            } else {
                let deadline = *self
                    .deadline
                    .get_or_insert_with(|| Instant::now() + self.timeout);
                timeout_at(deadline, read)
                    .await
                    .map_err(|_| ReceiveError::Incomplete)?
            };
            self.next_piece = 0;
            self.filled_pieces = 0;
            match filled {
                Ok(Some(filled)) => self.filled_pieces = filled,
                Ok(None) if self.partial.is_empty() => return Ok(None),
                Ok(None) | Err(ReadError::Reset(_)) => return Err(ReceiveError::Truncated),
                Err(ReadError::ConnectionLost(error)) => {
                    return Err(ReceiveError::Disconnected(error.into()));
                }
                Err(other) => {
                    let disconnect = crate::close::Disconnect::Failed(other.to_string());
                    return Err(ReceiveError::Disconnected(disconnect));
                }
            }
        }
    }

    fn take_buffered(&mut self) -> Result<Option<Bytes>, ReceiveError> {
        while self.next_piece < self.filled_pieces {
            let piece = &mut self.pieces[self.next_piece];
            if let Some(frame) = self.partial.take_from(piece, self.maximum)? {
                return Ok(Some(frame));
            }
            // All of the piece went into the partial frame.
            self.pieces[self.next_piece] = Bytes::new();
            self.next_piece += 1;
        }
        Ok(None)
    }
}

/// A frame of which some bytes are here.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    header: [u8; HEADER],
    header_filled: usize,
    body: Vec<u8>,
    budget: Option<Budget>,
    /// What the frame has of the budget, once it is large.
    share: Option<Share>,
}

/// A frame, and its part of the memory for large ones.
struct Shared {
    body: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Partial {
    pub(crate) fn is_empty(&self) -> bool {
        self.header_filled == 0
    }

    /// Bytes of memory taken by the part that is here.
    pub(crate) fn reserved(&self) -> usize {
        self.body.capacity()
    }

    /// Moves bytes from `piece` until the frame is complete or the piece used up.
    pub(crate) fn take_from(
        &mut self,
        piece: &mut Bytes,
        maximum: usize,
    ) -> Result<Option<Bytes>, ReceiveError> {
        if self.header_filled < HEADER {
            let taken = piece.len().min(HEADER - self.header_filled);
            piece.copy_to_slice(&mut self.header[self.header_filled..self.header_filled + taken]);
            self.header_filled += taken;
            if self.header_filled < HEADER {
                return Ok(None);
            }
            let length = self.length();
            if length == 0 {
                return Err(ReceiveError::Empty);
            }
            if length > maximum {
                return Err(ReceiveError::TooLarge { length, maximum });
            }
            self.body = Vec::with_capacity(length.min(FRAME_RESERVE));
        }
        let missing = self.length() - self.body.len();
        let taken = piece.split_to(piece.len().min(missing));
        self.reserve(taken.len())?;
        self.body.extend_from_slice(&taken);
        if self.body.len() < self.length() {
            return Ok(None);
        }
        self.header_filled = 0;
        let body = std::mem::take(&mut self.body);
        Ok(Some(match self.share.take() {
            Some(share) => Bytes::from_owner(Shared {
                body,
                _share: share,
            }),
            None => Bytes::from(body),
        }))
    }

    fn length(&self) -> usize {
        u32::from_le_bytes(self.header) as usize
    }

    /// Doubles the memory when it is used up, but never beyond the frame's length. A frame that
    /// outgrows [`FRAME_RESERVE`] takes its whole length from the budget.
    fn reserve(&mut self, more: usize) -> Result<(), ReceiveError> {
        if self.body.len() + more > FRAME_RESERVE
            && self.share.is_none()
            && let Some(budget) = &self.budget
        {
            let mut share = budget.share();
            if !share.resize(self.length()) {
                return Err(ReceiveError::Overloaded);
            }
            self.share = Some(share);
        }
        if self.body.capacity() - self.body.len() < more {
            let missing = self.length() - self.body.len();
            self.body
                .reserve_exact(missing.min(more.max(self.body.len())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(frames: &[&[u8]]) -> Vec<u8> {
        let mut frames = frames
            .iter()
            .map(|frame| Bytes::copy_from_slice(frame))
            .collect();
        assemble(&mut frames).concat()
    }

    /// Feeds `bytes` in pieces of `size` and collects the frames.
    fn read(bytes: &[u8], size: usize, maximum: usize) -> Result<Vec<Bytes>, ReceiveError> {
        let mut partial = Partial::default();
        let mut frames = Vec::new();
        for piece in bytes.chunks(size) {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(frame) = partial.take_from(&mut piece, maximum)? {
                frames.push(frame);
                if piece.is_empty() {
                    break;
                }
            }
            assert!(piece.is_empty());
        }
        Ok(frames)
    }

    #[test]
    fn frames_survive_any_cutting_into_pieces() {
        let large = vec![9; 3 * FRAME_RESERVE + 17];
        let inline = vec![8; INLINE];
        let sent: [&[u8]; 5] = [b"a", &large, b"bc", &inline, b"d"];
        let bytes = wire(&sent);
        for size in [1, 2, 3, 4, 5, 7, 1200, 1452, 65_536, bytes.len()] {
            assert_eq!(
                read(&bytes, size, large.len()).unwrap(),
                sent,
                "pieces of {size}"
            );
        }
    }

    #[test]
    fn small_frames_share_a_piece_and_large_ones_are_not_copied() {
        let large = Bytes::from(vec![1; INLINE + 1]);
        let address = large.as_ptr();
        let mut frames = vec![
            Bytes::from_static(b"a"),
            Bytes::from_static(b"b"),
            large,
            Bytes::from_static(b"c"),
        ];
        let pieces = assemble(&mut frames);
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces[1].as_ptr(), address);
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_any_of_its_bytes() {
        let error = read(&11u32.to_le_bytes(), 4, 10).unwrap_err();
        assert_eq!(
            error,
            ReceiveError::TooLarge {
                length: 11,
                maximum: 10
            }
        );
    }

    #[test]
    fn an_empty_frame_is_refused() {
        assert_eq!(read(&[0; 4], 4, 10).unwrap_err(), ReceiveError::Empty);
    }

    #[test]
    fn large_frames_share_their_memory_until_the_last_of_them_is_let_go() {
        let length = 2 * FRAME_RESERVE;
        let budget = Budget::new(length);
        let bytes = wire(&[&vec![7; length]]);
        let read = || {
            let mut partial = Partial {
                budget: Some(budget.clone()),
                ..Partial::default()
            };
            partial.take_from(&mut Bytes::from(bytes.clone()), length)
        };
        let first = read().unwrap().unwrap();
        assert_eq!(first.len(), length);
        assert_eq!(read().unwrap_err(), ReceiveError::Overloaded);
        drop(first);
        assert!(read().unwrap().is_some());
        let small = wire(&[&vec![7; FRAME_RESERVE]]);
        let mut partial = Partial {
            budget: Some(Budget::new(0)),
            ..Partial::default()
        };
        let taken = partial.take_from(&mut Bytes::from(small), length);
        assert!(taken.unwrap().is_some());
    }

    #[test]
    fn memory_follows_the_bytes_received_not_the_length_announced() {
        let mut partial = Partial::default();
        let mut piece = Bytes::copy_from_slice(&(MAX_BULK_FRAME as u32).to_le_bytes());
        assert!(
            partial
                .take_from(&mut piece, MAX_BULK_FRAME)
                .unwrap()
                .is_none()
        );
        assert!(partial.body.capacity() <= FRAME_RESERVE);
    }
}
