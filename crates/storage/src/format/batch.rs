//! Batch headers and the records behind them.

use crate::format::{VOTE_HEADER_BYTES, checksum, u32_at, u64_at};
use crate::limits::{BATCH_BYTES_MAX, RECORD_BYTES_MAX, VOTE_STATE_BYTES_MAX};

/// Bytes of a batch header; its vote frame follows.
pub(crate) const BATCH_HEADER_BYTES: usize = 64;
/// Bytes before each record.
pub(crate) const RECORD_HEADER_BYTES: usize = 16;

/// What precedes a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// Where in its segment the batch stands: a misplaced write is no batch.
    pub offset: u32,
    /// Bytes of the batch, this header included and padding not.
    pub length: u32,
    /// Number of the batch in the stream, from 1.
    pub sequence: u64,
    /// First sequence number in the segment.
    pub first_in_segment: u64,
    /// Last sequence number known to be synced when this was written; 0 for none.
    pub synced: u64,
    /// Checksum of the header of the batch before.
    pub previous: u32,
    /// Number of records.
    pub records: u32,
    /// Bytes of the vote state.
    pub vote_length: u32,
    /// Over all record headers, hence over all bodies too.
    pub records_checksum: u32,
}

impl BatchHeader {
    /// The header and its checksum, by which the next batch names this one.
    pub fn encode(&self, salt: u64) -> ([u8; BATCH_HEADER_BYTES], u32) {
        let mut bytes = [0; BATCH_HEADER_BYTES];
        bytes[0..8].copy_from_slice(&salt.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.offset.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.length.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_in_segment.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.synced.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.previous.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.records.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.vote_length.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.records_checksum.to_le_bytes());
        let sum = checksum(&[&bytes[..60]]);
        bytes[60..].copy_from_slice(&sum.to_le_bytes());
        (bytes, sum)
    }

    /// The header at an offset of a segment and its checksum, if it is whole and stands where
    /// it was written.
    pub fn decode(segment: &[u8], offset: usize, salt: u64) -> Option<(Self, u32)> {
        let bytes = segment.get(offset..)?.get(..BATCH_HEADER_BYTES)?;
        if u64_at(bytes, 0)? != salt {
            return None;
        }
        let sum = checksum(&[&bytes[..60]]);
        let header = Self {
            offset: u32_at(bytes, 8)?,
            length: u32_at(bytes, 12)?,
            sequence: u64_at(bytes, 16)?,
            first_in_segment: u64_at(bytes, 24)?,
            synced: u64_at(bytes, 32)?,
            previous: u32_at(bytes, 40)?,
            records: u32_at(bytes, 44)?,
            vote_length: u32_at(bytes, 48)?,
            records_checksum: u32_at(bytes, 52)?,
        };
        let length = header.length as usize;
        let sound = u32_at(bytes, 60)? == sum
            && header.offset as usize == offset
            && header.vote_length as usize <= VOTE_STATE_BYTES_MAX
            && length >= header.records_offset()
            && length <= BATCH_BYTES_MAX;
        sound.then_some((header, sum))
    }

    /// Where in the batch its records begin.
    pub fn records_offset(&self) -> usize {
        BATCH_HEADER_BYTES + VOTE_HEADER_BYTES + self.vote_length as usize
    }
}

/// What precedes a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    /// Bytes of the record.
    pub length: u32,
    pub kind: u8,
    pub body_checksum: u32,
}

impl RecordHeader {
    /// For the record that stands at `offset` of the segment with this salt.
    pub fn encode(&self, salt: u64, offset: usize) -> [u8; RECORD_HEADER_BYTES] {
        let mut bytes = [0; RECORD_HEADER_BYTES];
        bytes[0..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4] = self.kind;
        bytes[8..12].copy_from_slice(&self.body_checksum.to_le_bytes());
        let sum = Self::checksum(&bytes[..12], salt, offset);
        bytes[12..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The header at the first byte, if it is whole and was written at `offset`.
    pub fn decode(bytes: &[u8], salt: u64, offset: usize) -> Option<Self> {
        let covered = bytes.get(..12)?;
        if u32_at(bytes, 12)? != Self::checksum(covered, salt, offset) {
            return None;
        }
        let header = Self {
            length: u32_at(bytes, 0)?,
            kind: bytes[4],
            body_checksum: u32_at(bytes, 8)?,
        };
        (header.length as usize <= RECORD_BYTES_MAX).then_some(header)
    }

    fn checksum(covered: &[u8], salt: u64, offset: usize) -> u32 {
        checksum(&[&salt.to_le_bytes(), &(offset as u64).to_le_bytes(), covered])
    }
}

/// One record of a batch as found on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredRecord {
    /// Offset of its header in the segment.
    pub offset: usize,
    pub kind: u8,
    pub length: usize,
    /// The body has its checksum.
    pub whole: bool,
}

impl StoredRecord {
    pub fn body<'a>(&self, segment: &'a [u8]) -> &'a [u8] {
        let start = self.offset + RECORD_HEADER_BYTES;
        &segment[start..start + self.length]
    }
}

/// The records under an intact batch header, as far as their own headers are intact, and
/// where reading had to end if not all are accounted for.
pub(crate) fn parse_records(
    segment: &[u8],
    header: &BatchHeader,
    salt: u64,
) -> (Vec<StoredRecord>, Option<usize>) {
    let start = header.offset as usize;
    let end = start + header.length as usize;
    let mut offset = start + header.records_offset();
    let mut records = Vec::new();
    let mut headers = crc32fast::Hasher::new();
    // The file may be shorter than it should be.
    let bytes = &segment[..end.min(segment.len())];
    while records.len() < header.records as usize {
        let Some(record) = bytes
            .get(offset..)
            .and_then(|rest| RecordHeader::decode(rest, salt, offset))
        else {
            return (records, Some(offset));
        };
        let length = record.length as usize;
        let body_start = offset + RECORD_HEADER_BYTES;
        if body_start + length > end {
            return (records, Some(offset));
        }
        let Some(body) = bytes.get(body_start..body_start + length) else {
            return (records, Some(offset));
        };
        headers.update(&bytes[offset..body_start]);
        records.push(StoredRecord {
            offset,
            kind: record.kind,
            length,
            whole: checksum(&[body]) == record.body_checksum,
        });
        offset = body_start + length;
    }
    let complete = offset == end && headers.finalize() == header.records_checksum;
    let unread = if complete { None } else { Some(offset) };
    (records, unread)
}
