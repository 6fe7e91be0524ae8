//! What a caller appends, and its bytes.

use crate::error::WriteError;
use crate::format::{
    BATCH_HEADER_BYTES, BatchHeader, RECORD_HEADER_BYTES, RecordHeader, VOTE_HEADER_BYTES,
    VoteFrame, checksum, padded,
};
use crate::limits::{BATCH_BYTES_MAX, RECORD_BYTES_MAX, VOTE_STATE_BYTES_MAX};
use crate::prepare::Segment;
use crate::reader::Position;

/// One record to append.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What it is, to the caller.
    pub kind: u8,
    /// At most [`RECORD_BYTES_MAX`] bytes.
    pub bytes: &'a [u8],
}

/// Records that are recovered together or, while not synced, not at all.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The caller's whole vote state once this batch is written: at most
    /// [`VOTE_STATE_BYTES_MAX`] bytes.
    pub vote_state: &'a [u8],
    /// May be empty.
    pub records: &'a [Record<'a>],
}

/// Bytes of a batch without padding, or which limit it breaks.
pub(crate) fn encoded_length(batch: &Batch<'_>) -> Result<usize, WriteError> {
    let vote_length = batch.vote_state.len();
    if vote_length > VOTE_STATE_BYTES_MAX {
        return Err(WriteError::VoteStateTooLong {
            length: vote_length,
        });
    }
    let mut length = BATCH_HEADER_BYTES + VOTE_HEADER_BYTES + vote_length;
    for record in batch.records {
        if record.bytes.len() > RECORD_BYTES_MAX {
            return Err(WriteError::RecordTooLong {
                length: record.bytes.len(),
            });
        }
        length += RECORD_HEADER_BYTES + record.bytes.len();
    }
    if length > BATCH_BYTES_MAX {
        return Err(WriteError::BatchTooLong { length });
    }
    Ok(length)
}

/// Fills the buffer with the padded batch. Returns where its records are and the checksum of
/// its header, which is given but for the records' checksum.
pub(crate) fn encode(
    batch: &Batch<'_>,
    mut header: BatchHeader,
    segment: &Segment,
    buffer: &mut Vec<u8>,
) -> (Vec<Position>, u32) {
    buffer.clear();
    buffer.reserve(padded(header.length as usize));
    buffer.resize(BATCH_HEADER_BYTES, 0);
    VoteFrame {
        sequence: header.sequence,
        first_in_segment: header.first_in_segment,
        synced: header.synced,
        state: batch.vote_state,
    }
    .encode(segment.salt, buffer);
    let mut positions = Vec::with_capacity(batch.records.len());
    let mut headers = crc32fast::Hasher::new();
    for record in batch.records {
        let offset = header.offset as usize + buffer.len();
        let encoded = RecordHeader {
            length: as_u32(record.bytes.len()),
            kind: record.kind,
            body_checksum: checksum(&[record.bytes]),
        }
        .encode(segment.salt, offset);
        headers.update(&encoded);
        buffer.extend_from_slice(&encoded);
        buffer.extend_from_slice(record.bytes);
        positions.push(Position {
            segment: segment.number,
            offset: as_u32(offset),
        });
    }
    assert_eq!(
        buffer.len(),
        header.length as usize,
        "the length was computed before"
    );
    header.records_checksum = headers.finalize();
    let (encoded, chain) = header.encode(segment.salt);
    buffer[..BATCH_HEADER_BYTES].copy_from_slice(&encoded);
    buffer.resize(padded(buffer.len()), 0);
    (positions, chain)
}

/// For lengths and offsets, all below the limits.
pub(crate) fn as_u32(value: usize) -> u32 {
    u32::try_from(value).expect("limits are below 4 GiB")
}
