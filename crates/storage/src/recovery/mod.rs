//! What opening a stream finds (P11.2).

mod image;
mod scan;
mod suspicion;
mod walk;

use std::fmt;

use crate::format::segment_name;
use crate::limits::FINDINGS_MAX;
use crate::reader::Position;

pub(crate) use scan::{Resume, scan};

/// One step of the stream, in order, as recovery reads it.
#[derive(Debug)]
pub enum Recovered<'a> {
    /// A record as it was appended.
    Record {
        /// Where it is.
        position: Position,
        /// Its kind.
        kind: u8,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A record was here whose header is intact and whose bytes are not. The same bytes can be
    /// put back by [`Storage::refill`](crate::Storage::refill).
    LostBody {
        /// Where it is.
        position: Position,
        /// Its kind.
        kind: u8,
        /// Its length in bytes.
        length: usize,
    },
    /// Synced records were here, how many and which is unknown. They cannot be put back.
    LostRecords {
        /// Where the gap begins.
        position: Position,
    },
}

impl Recovered<'_> {
    /// Where it is.
    #[must_use]
    pub const fn position(&self) -> Position {
        match self {
            Self::Record { position, .. }
            | Self::LostBody { position, .. }
            | Self::LostRecords { position } => *position,
        }
    }
}

/// What opening a stream found. The records themselves went to the visitor.
#[derive(Debug)]
pub struct Recovery {
    /// The newest whole copy of a vote state. `None` if no batch was ever appended or with
    /// [`Damage::VoteStateLost`].
    pub vote_state: Option<Vec<u8>>,
    /// Whether there is a stream at all: a directory that a node was ever started in has one, even if
    /// it holds nothing.
    pub begun: bool,
    /// Records handed to the visitor whole.
    pub records: u64,
    /// Sequence number of the last batch; 0 for none.
    pub last_sequence: u64,
    /// Bytes of batches that were never synced were cut off.
    pub truncated_tail: bool,
    /// What the caller must act on; the most severe, if several.
    pub damage: Option<Damage>,
    /// Everything that is not as it was written, also where nothing is lost by it.
    pub findings: Vec<Finding>,
    /// Findings beyond [`FINDINGS_MAX`].
    pub findings_omitted: u64,
}

/// Damage that a caller must act on, least severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Damage {
    /// Synced records are lost, later ones are there; the visitor was told where. The vote
    /// state is whole. The node does not vote until they are refilled (P11.2).
    #[error("synced records are damaged")]
    RecordsLost,
    /// One or more batches at the end are damaged and were cut off, but a copy of their vote
    /// state is whole: it is the recovered one. They may have been synced, so the node does
    /// not vote until it has refilled what that vote state speaks of (P11.2). Reported again
    /// until a further batch is synced. Records before them may be lost besides, of which the
    /// visitor was told.
    #[error("the last batch is damaged while its vote state is whole")]
    TailBatchDamaged,
    /// Both copies of a synced vote state are damaged, or what may have held them is damaged
    /// otherwise than by a crash, or is missing: this counts as a lost disk (P9.4, P11.2) and nothing can be appended.
    #[error("the vote state is lost")]
    VoteStateLost,
}

/// One thing that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Number of the segment.
    pub segment: u32,
    /// Offset in its file, in bytes.
    pub offset: u64,
    /// What was found.
    pub kind: FindingKind,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} at byte {}: {}",
            segment_name(self.segment),
            self.offset,
            self.kind
        )
    }
}

/// What can be wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindingKind {
    /// A segment is not there while a later one is.
    #[error("the segment is missing")]
    SegmentMissing,
    /// Neither copy of the segment's header is whole.
    #[error("both copies of the segment's header are damaged")]
    SegmentUnreadable,
    /// A segment that was in use has nothing whole in it but a header.
    #[error("the segment was in use and neither its vote slots nor its batches can be read")]
    SegmentGarbled,
    /// The vote slots are damaged otherwise than by a crash, and so is what follows the last
    /// whole batch.
    #[error("the vote slots are damaged, and so is what follows the last whole batch")]
    VoteSlots,
    /// One copy of the segment's header is damaged; nothing is lost.
    #[error("one copy of the segment's header is damaged")]
    SegmentHeaderCopy,
    /// The file does not have the length that its header gives.
    #[error("the file has {actual} bytes instead of {expected}")]
    SegmentLength {
        /// Length of the file in bytes.
        actual: u64,
        /// Length that it was made with, in bytes.
        expected: u32,
    },
    /// Synced batches cannot be read.
    #[error("synced batches {first} to {last} are unreadable")]
    Batches {
        /// Sequence number of the first.
        first: u64,
        /// Sequence number of the last.
        last: u64,
    },
    /// Records of a synced batch are damaged.
    #[error("{lost} records of synced batch {sequence} are damaged")]
    Records {
        /// Sequence number of the batch.
        sequence: u64,
        /// How many under intact headers.
        lost: usize,
    },
    /// The vote state inside a batch is damaged; the other copy or a newer one is whole.
    #[error("one copy of the vote state of batch {sequence} is damaged")]
    VoteStateCopy {
        /// Sequence number of the batch.
        sequence: u64,
    },
    /// See [`Damage::TailBatchDamaged`].
    #[error("batch {sequence}, which may have been synced, is damaged; its vote state is whole")]
    TailBatch {
        /// Sequence number of the batch whose vote state is whole.
        sequence: u64,
    },
    /// A batch does not follow the one before it, as after a restored file.
    #[error("batch {sequence} does not follow the batch before it")]
    ChainBroken {
        /// Sequence number of the batch.
        sequence: u64,
    },
}

/// Findings up to their limit.
#[derive(Default)]
pub(crate) struct Findings {
    pub list: Vec<Finding>,
    pub omitted: u64,
}

impl Findings {
    pub fn add(&mut self, segment: u32, offset: u64, kind: FindingKind) {
        if self.list.len() < FINDINGS_MAX {
            self.list.push(Finding {
                segment,
                offset,
                kind,
            });
        } else {
            self.omitted += 1;
        }
    }

    pub fn count(&self) -> u64 {
        self.list.len() as u64 + self.omitted
    }
}
