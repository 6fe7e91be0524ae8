//! Every limit of the stream in one place. All are bytes.

/// Most bytes in one record.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Most bytes in one batch as written, headers included and padding not.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// Most bytes in one vote state.
pub const VOTE_STATE_BYTES_MAX: usize = 1024;

/// Unit in which batches are placed, so that no block with synced data is written again.
pub const BLOCK_BYTES: usize = 4096;

/// Smallest segment: four blocks of head and one block for a batch.
pub const SEGMENT_BYTES_MIN: usize = 5 * BLOCK_BYTES;

/// Largest segment; recovery holds at most two in memory.
pub const SEGMENT_BYTES_MAX: usize = 256 << 20;

/// Most findings that a recovery lists; further ones are counted.
pub const FINDINGS_MAX: usize = 256;

/// Most segment files that readers keep open.
pub(crate) const OPEN_SEGMENTS_MAX: usize = 64;
