//! One segment in memory, and what can be seen in it without knowing the stream.

use std::io;

use crate::disk::Disk;
use crate::error::OpenError;
use crate::format::{
    BATCH_HEADER_BYTES, BatchHeader, DATA_START, HeaderFault, Identity, SEGMENT_HEADER_OFFSETS,
    SLOT_OFFSETS, SegmentHeader, VoteFrame, padded, segment_name,
};
use crate::limits::{BLOCK_BYTES, SEGMENT_BYTES_MAX};

/// The bytes of a segment, at most as many as its header gives.
pub(crate) struct Image {
    pub header: SegmentHeader,
    pub bytes: Vec<u8>,
    pub file_length: u64,
    pub header_copies_whole: bool,
}

/// A vote slot.
pub(crate) enum Slot<'a> {
    Blank,
    Damaged,
    Whole(VoteFrame<'a>),
}

/// Everything valid from some offset on.
#[derive(Default)]
pub(crate) struct Survey<'a> {
    /// Offsets and headers of batches.
    pub headers: Vec<(usize, BatchHeader)>,
    pub votes: Vec<VoteFrame<'a>>,
}

impl Survey<'_> {
    /// Last sequence number that something here proves to have been synced.
    pub fn synced(&self) -> u64 {
        let headers = self.headers.iter().map(|(_, header)| header.synced);
        let votes = self.votes.iter().map(|vote| vote.synced);
        headers.chain(votes).max().unwrap_or(0)
    }

    /// Whether something later names a batch as synced. A slot that recovery wrote names its own
    /// batch, which says nothing about that slot.
    fn was_superseded(&self, sequence: u64) -> bool {
        let names = |later: u64, synced: u64| later > sequence && synced >= sequence;
        let headers = &self.headers;
        headers
            .iter()
            .any(|(_, header)| names(header.sequence, header.synced))
            || self
                .votes
                .iter()
                .any(|vote| names(vote.sequence, vote.synced))
    }
}

impl Image {
    /// Reads a segment; `None` if neither copy of its header is whole.
    pub fn load(
        disk: &dyn Disk,
        identity: Identity,
        number: u32,
    ) -> Result<Option<Self>, OpenError> {
        let file_name = segment_name(number);
        let (mut bytes, file_length) =
            read_file(disk, &file_name).map_err(|source| OpenError::Disk {
                directory: disk.location(),
                operation: format!("read {file_name}"),
                source,
            })?;
        let copies = SEGMENT_HEADER_OFFSETS
            .map(|offset| SegmentHeader::decode(bytes.get(offset..).unwrap_or_default()));
        if let Some(version) = copies.iter().find_map(|copy| match copy {
            Err(HeaderFault::Version(version)) => Some(*version),
            _ => None,
        }) {
            return Err(OpenError::UnknownVersion {
                directory: disk.location(),
                file: file_name,
                version,
            });
        }
        let Some(header) = copies.iter().find_map(|copy| copy.ok()) else {
            return Ok(None);
        };
        if header.identity.network != identity.network {
            return Err(OpenError::OtherNetwork {
                directory: disk.location(),
                file: file_name,
            });
        }
        if header.identity.node != identity.node {
            return Err(OpenError::OtherNode {
                directory: disk.location(),
                file: file_name,
            });
        }
        if header.number != number {
            return Ok(None);
        }
        bytes.truncate(header.length as usize);
        Ok(Some(Self {
            header,
            bytes,
            file_length,
            header_copies_whole: copies.iter().all(|copy| *copy == Ok(header)),
        }))
    }

    pub fn has_right_length(&self) -> bool {
        self.file_length == u64::from(self.header.length)
    }

    pub fn slot(&self, index: usize) -> Slot<'_> {
        let offset = SLOT_OFFSETS[index];
        let Some(block) = self.bytes.get(offset..offset + BLOCK_BYTES) else {
            return Slot::Damaged;
        };
        match VoteFrame::decode(block, self.header.salt) {
            Some(vote) => Slot::Whole(vote),
            None if is_blank(block) => Slot::Blank,
            None => Slot::Damaged,
        }
    }

    pub fn slots(&self) -> [Slot<'_>; 2] {
        [self.slot(0), self.slot(1)]
    }

    pub fn has_damaged_slot(&self) -> bool {
        self.slots()
            .iter()
            .any(|slot| matches!(slot, Slot::Damaged))
    }

    /// The copy of a batch's vote state that a slot holds.
    pub fn slot_of(&self, sequence: u64) -> Option<VoteFrame<'_>> {
        self.slots().into_iter().find_map(|slot| match slot {
            Slot::Whole(vote) if vote.sequence == sequence => Some(vote),
            _ => None,
        })
    }

    pub fn batch(&self, offset: usize) -> Option<(BatchHeader, u32)> {
        BatchHeader::decode(&self.bytes, offset, self.header.salt)
    }

    /// The vote frame of the batch that begins at an offset.
    pub fn vote(&self, offset: usize) -> Option<VoteFrame<'_>> {
        let bytes = self.bytes.get(offset + BATCH_HEADER_BYTES..)?;
        VoteFrame::decode(bytes, self.header.salt)
    }

    /// Everything valid from an offset on, and in the slots.
    pub fn survey(&self, from: usize) -> Survey<'_> {
        let mut survey = Survey::default();
        for offset in (from..self.bytes.len()).step_by(BLOCK_BYTES) {
            if let Some((header, _)) = self.batch(offset) {
                survey.headers.push((offset, header));
            }
            survey.votes.extend(self.vote(offset));
        }
        for slot in self.slots() {
            if let Slot::Whole(vote) = slot {
                survey.votes.push(vote);
            }
        }
        survey
    }

    /// First sequence number in this segment, as anything valid in it says; `None` if nothing
    /// is, so that it holds no synced batch.
    pub fn first_sequence(&self) -> Option<u64> {
        let slots = self.slots().into_iter().find_map(|slot| match slot {
            Slot::Whole(vote) => Some(vote.first_in_segment),
            _ => None,
        });
        slots.or_else(|| {
            (DATA_START..self.bytes.len())
                .step_by(BLOCK_BYTES)
                .find_map(|offset| {
                    let header = self
                        .batch(offset)
                        .map(|(header, _)| header.first_in_segment);
                    header.or_else(|| self.vote(offset).map(|vote| vote.first_in_segment))
                })
        })
    }

    /// What was written to this segment without proof that it reached the disk: every block of
    /// batches that nothing names as synced, and every slot that is not of a batch that was. Only
    /// who saw a sync succeed names a batch as synced, so the proof holds wherever it stands.
    ///
    /// Writing it again harms nothing: as long as it is not durable, no later write of this segment
    /// is, and the slot that was not being written holds a synced copy.
    pub fn unproven(&self) -> Vec<(usize, Vec<u8>)> {
        let survey = self.survey(DATA_START);
        let synced = survey.synced();
        let proven = |header: &BatchHeader| header.sequence <= synced;
        let headers = survey.headers.iter();
        let batches_end = headers
            .filter(|(_, header)| proven(header))
            .map(|(offset, header)| offset + padded(header.length as usize))
            .max()
            .unwrap_or(DATA_START)
            .min(self.bytes.len());
        let slots = (0..SLOT_OFFSETS.len()).filter_map(|index| match self.slot(index) {
            Slot::Blank => None,
            Slot::Whole(vote) if survey.was_superseded(vote.sequence) => None,
            Slot::Whole(_) | Slot::Damaged => Some(SLOT_OFFSETS[index]),
        });
        let blocks = (batches_end..self.bytes.len()).step_by(BLOCK_BYTES);
        slots
            .chain(blocks)
            .filter_map(|offset| {
                let end = (offset + BLOCK_BYTES).min(self.bytes.len());
                let block = self.bytes.get(offset..end)?;
                (!is_blank(block)).then(|| (offset, block.to_vec()))
            })
            .collect()
    }

    pub fn is_blank_from(&self, offset: usize) -> bool {
        is_blank(self.bytes.get(offset..).unwrap_or_default())
    }

    /// As it was when it was prepared, so that batches may be written to it.
    pub fn is_pristine(&self) -> bool {
        self.has_right_length()
            && self.header_copies_whole
            && self.slots().iter().all(|slot| matches!(slot, Slot::Blank))
            && self.is_blank_from(DATA_START)
    }
}

pub(crate) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// The file, no more of it than a segment may have, and its length.
fn read_file(disk: &dyn Disk, name: &str) -> io::Result<(Vec<u8>, u64)> {
    let file = disk.open(name)?;
    let file_length = file.length()?;
    let length = file_length.min(SEGMENT_BYTES_MAX as u64) as usize;
    let mut bytes = vec![0; length];
    file.read_at(0, &mut bytes)?;
    Ok((bytes, file_length))
}
