//! The stream: appending, syncing, refilling.

mod opening;

use std::io;
use std::sync::Arc;

use crate::batch::{Batch, as_u32, encode, encoded_length};
use crate::disk::{Disk, DiskLock};
use crate::error::{RefillError, WriteError, is_disk_full};
use crate::format::{
    BATCH_HEADER_BYTES, BatchHeader, DATA_START, Identity, RECORD_HEADER_BYTES, SLOT_OFFSETS,
    checksum, padded,
};
use crate::limits::BLOCK_BYTES;
use crate::prepare::{self, Ahead, Segment};
use crate::reader::{Position, Reader};

/// Buffers that one large batch has grown beyond this are given back.
const BUFFER_KEPT_BYTES: usize = 4 << 20;

/// How a stream is kept.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Length of a new segment in bytes, rounded up to whole blocks. Takes effect with the
    /// next segment. A batch that does not fit gets a longer one of its own.
    pub segment_bytes: usize,
    /// Make each segment in a thread before it is needed. Without it, disk operations come in
    /// the same order in every run.
    pub prepare_ahead: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
            prepare_ahead: true,
        }
    }
}

/// The writer of a stream. Holds the directory's lock until dropped.
///
/// ```
/// use std::sync::Arc;
/// use storage::{Batch, Identity, Options, Record, Storage, testing::MemoryDisk};
///
/// let disk = Arc::new(MemoryDisk::new());
/// let identity = Identity { network: [1; 32], node: [2; 32] };
/// let (mut storage, _) = Storage::open(disk, identity, Options::default(), |_| {})?;
/// let records = [Record { kind: 7, bytes: b"entry" }];
/// let positions = storage.append(&Batch { vote_state: b"term 1", records: &records })?;
/// storage.sync()?; // Only now may a message leave that depends on the batch (P11.1).
/// assert_eq!(storage.reader().read(positions[0])?, b"entry");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Storage {
    ahead: Ahead,
    disk: Arc<dyn Disk>,
    identity: Identity,
    options: Options,
    reader: Reader,
    current: Option<Current>,
    next_segment: u32,
    next_sequence: u64,
    synced: u64,
    /// Checksum of the last batch's header.
    chain: u32,
    /// Vote frame of the last batch, if that is not synced.
    unsynced_vote: Vec<u8>,
    buffer: Vec<u8>,
    /// Header and vote frame of the batch that is being written.
    head: Vec<u8>,
    state: State,
    _lock: Box<dyn DiskLock>,
}

/// The segment that is written to.
struct Current {
    segment: Segment,
    first_in_segment: u64,
    offset: usize,
    free_slot: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Stopped,
    VoteStateLost,
}

impl Storage {
    /// Reads single records from any thread.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Sequence number of the last batch appended; 0 for none.
    pub fn last_sequence(&self) -> u64 {
        self.next_sequence.saturating_sub(1)
    }

    /// Sequence number of the last batch that is durable; 0 for none.
    pub fn synced_sequence(&self) -> u64 {
        self.synced
    }

    /// Writes a batch, durable after the next [`sync`](Self::sync), and returns where its
    /// records are.
    ///
    /// # Errors
    /// Too long: nothing was written. [`WriteError::DiskFull`]: nothing was written and the
    /// batch may be appended again. Otherwise the stream has stopped.
    pub fn append(&mut self, batch: &Batch<'_>) -> Result<Vec<Position>, WriteError> {
        self.check_running()?;
        let length = encoded_length(batch)?;
        self.make_room(padded(length))?;
        let Some(current) = &self.current else {
            return Err(self.stopped());
        };
        let header = BatchHeader {
            offset: as_u32(current.offset),
            length: as_u32(length),
            sequence: self.next_sequence,
            first_in_segment: current.first_in_segment,
            synced: self.synced,
            previous: self.chain,
            records: as_u32(batch.records.len()),
            vote_length: as_u32(batch.vote_state.len()),
            records_checksum: 0,
        };
        let (positions, chain) = encode(batch, header, &current.segment, &mut self.buffer);
        let head_bytes = header.records_offset();
        self.head.clear();
        self.head.extend_from_slice(&self.buffer[..head_bytes]);
        self.buffer[..head_bytes].fill(0);
        if let Err(source) = write_batch(current, &self.head, &self.buffer) {
            return Err(self.stop("write a batch", source));
        }
        self.unsynced_vote.clear();
        self.unsynced_vote
            .extend_from_slice(&self.head[BATCH_HEADER_BYTES..]);
        if let Some(current) = &mut self.current {
            current.offset += self.buffer.len();
        }
        self.chain = chain;
        self.next_sequence += 1;
        if self.buffer.capacity() > BUFFER_KEPT_BYTES {
            self.buffer = Vec::new();
        }
        Ok(positions)
    }

    /// Makes every batch appended so far durable, with one sync of one file.
    ///
    /// # Errors
    /// Any failure stops the stream for good: what is on disk is then unknown (P11.2).
    pub fn sync(&mut self) -> Result<(), WriteError> {
        self.check_running()?;
        if self.unsynced_vote.is_empty() {
            return Ok(());
        }
        let Some(current) = &mut self.current else {
            return Err(self.stopped());
        };
        let synced =
            write_slot(current, &mut self.unsynced_vote).and_then(|()| current.segment.file.sync());
        if let Err(source) = synced {
            return Err(self.stop("sync a batch", source));
        }
        self.synced = self.last_sequence();
        Ok(())
    }

    /// Puts back, durably, the bytes of a record that recovery reported as
    /// [`LostBody`](crate::Recovered::LostBody). They must be the same bytes; the caller has
    /// checked them by hash (P11.2), this checks length and checksum.
    pub fn refill(&mut self, position: Position, bytes: &[u8]) -> Result<(), RefillError> {
        self.check_running()?;
        let segment = self.reader.segment(position)?;
        let header = segment
            .record_header(position)?
            .ok_or(RefillError::HeaderDamaged { position })?;
        if checksum(&[&segment.body(position, header)?]) == header.body_checksum {
            return Err(RefillError::NotLost { position });
        }
        if bytes.len() != header.length as usize || checksum(&[bytes]) != header.body_checksum {
            return Err(RefillError::OtherBytes { position });
        }
        let start = u64::from(position.offset) + RECORD_HEADER_BYTES as u64;
        segment
            .file
            .write_at(start, bytes)
            .and_then(|()| segment.file.sync())
            .map_err(|source| self.stop("refill a record", source).into())
    }

    /// Moves on to the next segment unless the current one has room.
    fn make_room(&mut self, needed: usize) -> Result<(), WriteError> {
        if let Some(current) = &self.current
            && current.offset + needed <= current.segment.length as usize
        {
            return Ok(());
        }
        // Recovery takes it that a segment was synced before the next one got a batch.
        self.sync()?;
        let length = self.options.segment_bytes.max(DATA_START + needed);
        let segment = match self.ahead.take() {
            Some(Ok(segment)) if segment.length as usize >= length => Ok(segment),
            // A thread that found no room leaves it to this attempt to say so.
            Some(Err(error)) if !is_disk_full(&error) => Err(error),
            _ => prepare::create(
                &*self.disk,
                self.identity,
                self.next_segment,
                as_u32(length),
            ),
        };
        let next = number_after(self.next_segment);
        let (segment, next) = match segment.and_then(|segment| Ok((segment, next?))) {
            Ok(prepared) => prepared,
            Err(error) if is_disk_full(&error) => {
                return Err(WriteError::DiskFull {
                    directory: self.disk.location(),
                    segment_bytes: length,
                });
            }
            Err(error) => return Err(self.stop("create a segment", error)),
        };
        self.next_segment = next;
        self.current = Some(Current {
            segment,
            first_in_segment: self.next_sequence,
            offset: DATA_START,
            free_slot: 0,
        });
        self.prepare_next();
        Ok(())
    }

    fn prepare_next(&mut self) {
        if self.options.prepare_ahead {
            self.ahead = Ahead::start(
                self.disk.clone(),
                self.identity,
                self.next_segment,
                as_u32(self.options.segment_bytes),
            );
        }
    }

    fn check_running(&self) -> Result<(), WriteError> {
        match self.state {
            State::Running => Ok(()),
            State::Stopped => Err(self.stopped()),
            State::VoteStateLost => Err(WriteError::VoteStateLost {
                directory: self.disk.location(),
            }),
        }
    }

    fn stopped(&self) -> WriteError {
        WriteError::Stopped {
            directory: self.disk.location(),
        }
    }

    fn stop(&mut self, operation: &str, source: io::Error) -> WriteError {
        self.state = State::Stopped;
        WriteError::Disk {
            directory: self.disk.location(),
            operation: operation.to_owned(),
            source,
        }
    }
}

impl Drop for Storage {
    /// The directory's lock must not be released while a thread still prepares a segment.
    fn drop(&mut self) {
        let _ = self.ahead.take();
    }
}

/// Writes a batch whose head is zero, then the head. The kernel cuts a write short when the process
/// is killed in the middle of it: a head before its records would be a whole vote state over a torn
/// batch, which cannot be told from damage, and the node would refuse every start (P11.2).
fn write_batch(current: &Current, head: &[u8], headless: &[u8]) -> io::Result<()> {
    let offset = current.offset as u64;
    current.segment.file.write_at(offset, headless)?;
    current.segment.file.write_at(offset, head)
}

/// Writes the second copy of the vote state and leaves the frame empty.
fn write_slot(current: &mut Current, frame: &mut Vec<u8>) -> io::Result<()> {
    // A whole block, so that the operating system need not read the rest of it.
    frame.resize(BLOCK_BYTES, 0);
    let offset = SLOT_OFFSETS[current.free_slot];
    current.segment.file.write_at(offset as u64, frame)?;
    current.free_slot = 1 - current.free_slot;
    frame.clear();
    Ok(())
}

fn number_after(number: u32) -> io::Result<u32> {
    number
        .checked_add(1)
        .ok_or_else(|| io::Error::other("segment numbers are used up"))
}
