//! What can go wrong, by operation.

use std::io;

use crate::limits::{
    BATCH_BYTES_MAX, RECORD_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, VOTE_STATE_BYTES_MAX,
};
use crate::reader::Position;

/// Why a stream could not be opened. Nothing was changed unless a write is named.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another stream of this one, holds the directory (P11.2).
    #[error("{directory} is in use by another process")]
    Locked {
        /// The directory.
        directory: String,
    },
    /// The directory belongs to another network (P11.2).
    #[error("{directory}/{file} belongs to another network than the one configured")]
    OtherNetwork {
        /// The directory.
        directory: String,
        /// The file whose header says so.
        file: String,
    },
    /// The directory belongs to another node key (P11.2).
    #[error("{directory}/{file} belongs to another node key than the one configured")]
    OtherNode {
        /// The directory.
        directory: String,
        /// The file whose header says so.
        file: String,
    },
    /// A segment was written in a format that this version does not know.
    #[error("{directory}/{file} has format version {version}, which this program cannot read")]
    UnknownVersion {
        /// The directory.
        directory: String,
        /// The file whose header says so.
        file: String,
        /// The version found.
        version: u32,
    },
    /// The configured segment size is outside the limits.
    #[error(
        "a segment of {segment_bytes} bytes is outside {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}"
    )]
    SegmentSize {
        /// The size asked for.
        segment_bytes: usize,
    },
    /// No room for the first segment.
    #[error("no space left in {directory} for a segment of {segment_bytes} bytes")]
    DiskFull {
        /// The directory.
        directory: String,
        /// Bytes that were needed.
        segment_bytes: usize,
    },
    /// The disk failed.
    #[error("cannot {operation} in {directory}: {source}")]
    Disk {
        /// The directory.
        directory: String,
        /// What was tried.
        operation: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Why a batch was not written or not made durable.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A record is too long. Nothing was written; the stream is usable.
    #[error("a record of {length} bytes exceeds {RECORD_BYTES_MAX}")]
    RecordTooLong {
        /// Length of the record in bytes.
        length: usize,
    },
    /// A batch is too long. Nothing was written; the stream is usable.
    #[error("a batch of {length} bytes exceeds {BATCH_BYTES_MAX}")]
    BatchTooLong {
        /// Length of the batch in bytes.
        length: usize,
    },
    /// A vote state is too long. Nothing was written; the stream is usable.
    #[error("a vote state of {length} bytes exceeds {VOTE_STATE_BYTES_MAX}")]
    VoteStateTooLong {
        /// Length of the vote state in bytes.
        length: usize,
    },
    /// No room for a further segment. The batch was not written; the stream is usable and the
    /// same batch may be appended again once there is room.
    #[error("no space left in {directory} for a segment of {segment_bytes} bytes")]
    DiskFull {
        /// The directory.
        directory: String,
        /// Bytes that were needed.
        segment_bytes: usize,
    },
    /// The disk failed and the stream has stopped (P11.2).
    #[error("cannot {operation} in {directory}: {source}")]
    Disk {
        /// The directory.
        directory: String,
        /// What was tried.
        operation: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// An earlier write or sync failed: what is on disk is unknown until a restart (P11.2).
    #[error("{directory} is stopped after an earlier failed write or sync")]
    Stopped {
        /// The directory.
        directory: String,
    },
    /// Recovery reported [`Damage::VoteStateLost`](crate::Damage::VoteStateLost): this counts
    /// as a lost disk, and writing on would hide it.
    #[error("{directory} has lost its vote state and counts as a lost disk")]
    VoteStateLost {
        /// The directory.
        directory: String,
    },
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes at that position are not the record that was written there.
    #[error("the record at {position} is damaged")]
    Damaged {
        /// Where.
        position: Position,
    },
    /// The segment is not there.
    #[error("the segment of the record at {position} is missing")]
    Missing {
        /// Where.
        position: Position,
    },
    /// The disk failed.
    #[error("cannot read the record at {position}: {source}")]
    Disk {
        /// Where.
        position: Position,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Why a lost record could not be put back.
#[derive(Debug, thiserror::Error)]
pub enum RefillError {
    /// The record is not lost.
    #[error("the record at {position} is whole")]
    NotLost {
        /// Where.
        position: Position,
    },
    /// The header of the record is damaged too, so nothing says what belongs there.
    #[error("the header of the record at {position} is damaged")]
    HeaderDamaged {
        /// Where.
        position: Position,
    },
    /// These are not the bytes that were lost.
    #[error("other bytes than the lost ones were offered for the record at {position}")]
    OtherBytes {
        /// Where.
        position: Position,
    },
    /// Reading what is there failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Writing failed; the stream has stopped.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// True for the ways in which an operating system says that there is no room.
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
