//! The layout on disk. Integers are little-endian; checksums are CRC-32 (IEEE).
//!
//! A segment is one file, zero-filled to its whole length before it gets its name:
//!
//! | block of 4 KiB | content |
//! |---|---|
//! | 0 | segment header |
//! | 1, 2 | vote slots, written in turn: the second copy of the newest batch's vote state |
//! | 3 | copy of the segment header |
//! | 4 … | batches, each from the start of a block |
//!
//! A batch is: header, vote frame (the first copy), records, padding up to the next block.
//! One block at least lies between both copies of a vote state.
//!
//! Each segment has a random *salt* that starts every batch header and every vote frame and
//! enters every record's checksum. Payloads come from strangers: without the salt, bytes inside
//! one could pose as a batch when recovery searches a damaged segment.
//!
//! A batch names the checksum of its predecessor, the first sequence number in its segment and
//! the last one known to be synced when it was written. Recovery relies on three rules that the
//! writer keeps: a segment is synced before the next one gets a batch; a segment with a cut tail
//! is never written to again; a slot is overwritten only when the other holds a synced copy.
//! A batch's header and vote frame are written after the rest of it, so that a process killed in the
//! middle of a write leaves no whole vote state over torn records.
//! Two more tell damage from a crash: the first sync of a segment writes the first slot; a
//! header copy is never written again.

mod batch;
mod segment;
mod vote;

pub(crate) use batch::{
    BATCH_HEADER_BYTES, BatchHeader, RECORD_HEADER_BYTES, RecordHeader, StoredRecord, parse_records,
};
pub use segment::Identity;
pub(crate) use segment::{
    DATA_START, HeaderFault, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_OFFSETS, SLOT_OFFSETS,
    SegmentHeader, segment_name, segment_number, temporary_name,
};
pub(crate) use vote::{VOTE_HEADER_BYTES, VoteFrame};

use crate::limits::BLOCK_BYTES;

/// Rounds up to whole blocks.
pub(crate) fn padded(length: usize) -> usize {
    length.next_multiple_of(BLOCK_BYTES)
}

/// CRC-32 over the parts, one after the other.
pub(crate) fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// Reads the fixed-size field at an offset; `None` past the end.
pub(crate) fn field<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    field(bytes, offset).map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    field(bytes, offset).map(u64::from_le_bytes)
}
