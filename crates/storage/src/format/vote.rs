//! The vote frame: one self-standing copy of the vote state that a batch carries.

use crate::format::{checksum, field, u32_at, u64_at};
use crate::limits::VOTE_STATE_BYTES_MAX;

const MAGIC: [u8; 4] = *b"vote";

/// Bytes before the state itself.
pub(crate) const VOTE_HEADER_BYTES: usize = 48;

/// The same bytes stand in the batch and in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VoteFrame<'a> {
    /// Sequence number of the batch.
    pub sequence: u64,
    /// First sequence number in the segment.
    pub first_in_segment: u64,
    /// Last sequence number known to be synced when the batch was written; 0 for none.
    pub synced: u64,
    pub state: &'a [u8],
}

impl<'a> VoteFrame<'a> {
    /// Appends the frame to a buffer.
    pub fn encode(&self, salt: u64, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        buffer.extend_from_slice(&salt.to_le_bytes());
        buffer.extend_from_slice(&MAGIC);
        let length = u32::try_from(self.state.len()).expect("checked against its limit");
        buffer.extend_from_slice(&length.to_le_bytes());
        buffer.extend_from_slice(&self.sequence.to_le_bytes());
        buffer.extend_from_slice(&self.first_in_segment.to_le_bytes());
        buffer.extend_from_slice(&self.synced.to_le_bytes());
        buffer.extend_from_slice(&[0; 4]);
        let sum = checksum(&[&buffer[start..], self.state]);
        buffer.extend_from_slice(&sum.to_le_bytes());
        buffer.extend_from_slice(self.state);
    }

    /// The frame that starts at the first byte, if it is whole.
    pub fn decode(bytes: &'a [u8], salt: u64) -> Option<Self> {
        if u64_at(bytes, 0)? != salt || field(bytes, 8)? != MAGIC {
            return None;
        }
        let length = u32_at(bytes, 12)? as usize;
        if length > VOTE_STATE_BYTES_MAX {
            return None;
        }
        let state = bytes.get(VOTE_HEADER_BYTES..VOTE_HEADER_BYTES + length)?;
        if u32_at(bytes, 44)? != checksum(&[&bytes[..44], state]) {
            return None;
        }
        Some(Self {
            sequence: u64_at(bytes, 16)?,
            first_in_segment: u64_at(bytes, 24)?,
            synced: u64_at(bytes, 32)?,
            state,
        })
    }
}
