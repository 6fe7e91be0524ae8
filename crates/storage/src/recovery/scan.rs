//! Opens all segments in order and draws the conclusions.

use std::collections::VecDeque;

use crate::disk::Disk;
use crate::error::OpenError;
use crate::format::{Identity, SLOT_OFFSETS, SegmentHeader, segment_number};
use crate::recovery::image::Image;
use crate::recovery::suspicion::{hides_a_vote_state, was_in_use, was_written};
use crate::recovery::walk::{Walk, free_slot};
use crate::recovery::{Damage, FindingKind, Findings, Recovered, Recovery};

/// Where writing goes on.
pub(crate) struct Resume {
    /// Sequence number of the next batch.
    pub next_sequence: u64,
    /// Checksum of the header before it; 0 if that is unknown.
    pub chain: u32,
    /// The last segment that holds batches.
    pub last: Option<LastSegment>,
    /// The blank segment after it, if it is there and as it was prepared.
    pub blank: Option<SegmentHeader>,
}

/// The last segment that holds batches.
pub(crate) struct LastSegment {
    pub header: SegmentHeader,
    pub first_in_segment: u64,
    /// Where the next batch goes; `None` if this segment must not be written to again.
    pub next_offset: Option<usize>,
    /// The slot that may be overwritten next.
    pub free_slot: usize,
    /// The last batch stands here and no slot has its vote state.
    pub lacks_second_vote: bool,
    /// What was read from it and nothing proves to have been synced, with offsets.
    pub unproven: Vec<(usize, Vec<u8>)>,
}

/// Reads the whole stream.
pub(crate) fn scan(
    disk: &dyn Disk,
    identity: Identity,
    visit: &mut dyn FnMut(Recovered<'_>),
) -> Result<(Resume, Recovery), OpenError> {
    let mut segments = Segments::list(disk, identity)?;
    let begun = !segments.numbers.is_empty();
    let mut walk = Walk::new(visit);
    let mut last = None;
    let mut tail = Tail::default();
    let mut current = segments.next_with_batches(&mut walk.findings)?;
    while let Some(image) = current {
        let next = segments.next_with_batches(&mut walk.findings)?;
        let following = next.as_ref().and_then(Image::first_sequence);
        let first_in_segment = image.first_sequence().unwrap_or(walk.next);
        let end = walk.segment(&image, following);
        if next.is_none() {
            let blank = image.is_blank_from(end.offset);
            tail = Tail {
                offset: end.offset as u64,
                truncated: !blank,
            };
            segments.vote_state_uncertain |= may_miss_a_vote_state(&image);
            if hides_a_vote_state(&image, end.offset) {
                let slots = SLOT_OFFSETS[0] as u64;
                let number = image.header.number;
                walk.findings.add(number, slots, FindingKind::VoteSlots);
                segments.vote_state_uncertain = true;
            }
            let usable =
                blank && !end.found && !image.has_damaged_slot() && !walk.has_vote_beyond_the_end();
            let last_sequence = walk.next.saturating_sub(1);
            last = Some(LastSegment {
                header: image.header,
                first_in_segment,
                next_offset: usable.then_some(end.offset),
                free_slot: free_slot(&image),
                lacks_second_vote: last_sequence >= first_in_segment
                    && image.slot_of(last_sequence).is_none(),
                unproven: image.unproven(),
            });
        }
        current = next;
    }
    let resume = Resume {
        next_sequence: walk.next,
        chain: walk.chain.unwrap_or(0),
        blank: segments.blank_after(last.as_ref().map_or(0, |last| last.header.number)),
        last,
    };
    let recovery = conclude(walk, begun, tail, &resume, segments.vote_state_uncertain);
    Ok((resume, recovery))
}

/// The end of the last segment with batches.
#[derive(Clone, Copy, Default)]
struct Tail {
    offset: u64,
    truncated: bool,
}

fn conclude(
    mut walk: Walk<'_>,
    begun: bool,
    tail: Tail,
    resume: &Resume,
    vote_state_uncertain: bool,
) -> Recovery {
    let last_sequence = walk.next.saturating_sub(1);
    let (damage, vote) = match (walk.abandoned.take(), walk.newest.take()) {
        (Some(vote), _) => (Some(Damage::TailBatchDamaged), Some(vote)),
        (None, None) if last_sequence == 0 => (None, None),
        (None, None) => (Some(Damage::VoteStateLost), None),
        (None, Some(vote)) if vote.sequence < last_sequence => (Some(Damage::VoteStateLost), None),
        (None, Some(vote)) if vote.sequence > last_sequence => {
            (Some(Damage::TailBatchDamaged), Some(vote))
        }
        (None, Some(vote)) => (None, Some(vote)),
    };
    let (damage, vote) = if vote_state_uncertain {
        (Some(Damage::VoteStateLost), None)
    } else {
        (damage, vote)
    };
    if damage == Some(Damage::TailBatchDamaged)
        && let (Some(vote), Some(last)) = (&vote, &resume.last)
    {
        let kind = FindingKind::TailBatch {
            sequence: vote.sequence,
        };
        walk.findings.add(last.header.number, tail.offset, kind);
    }
    Recovery {
        vote_state: vote.map(|vote| vote.state),
        begun,
        records: walk.records,
        last_sequence,
        truncated_tail: tail.truncated,
        damage: damage.max(walk.records_lost.then_some(Damage::RecordsLost)),
        findings: walk.findings.list,
        findings_omitted: walk.findings.omitted,
    }
}

/// A file cut short may have lost the newest vote state, unless its slots tell.
fn may_miss_a_vote_state(image: &Image) -> bool {
    !image.has_right_length() && image.has_damaged_slot()
}

/// The segments in order, each loaded when its turn comes.
struct Segments<'d> {
    disk: &'d dyn Disk,
    identity: Identity,
    numbers: VecDeque<u32>,
    expected: u32,
    /// Blank segments, as prepared, after the last one with batches.
    blanks: Vec<SegmentHeader>,
    /// A segment after the last one with batches is missing or cannot be read, so it may have
    /// held a newer vote state.
    vote_state_uncertain: bool,
    /// A segment after the last one with batches was written to, as far as can be seen without
    /// ever having been synced: a crash leaves one of these at most.
    unsynced_seen: bool,
}

impl<'d> Segments<'d> {
    fn list(disk: &'d dyn Disk, identity: Identity) -> Result<Self, OpenError> {
        let names = disk.list().map_err(|source| OpenError::Disk {
            directory: disk.location(),
            operation: "list the files".to_owned(),
            source,
        })?;
        let mut numbers: Vec<u32> = names
            .iter()
            .filter_map(|name| segment_number(name))
            .collect();
        numbers.sort_unstable();
        Ok(Self {
            disk,
            identity,
            numbers: numbers.into(),
            expected: 1,
            blanks: Vec::new(),
            vote_state_uncertain: false,
            unsynced_seen: false,
        })
    }

    fn next_with_batches(&mut self, findings: &mut Findings) -> Result<Option<Image>, OpenError> {
        while let Some(number) = self.numbers.pop_front() {
            if number != self.expected {
                findings.add(self.expected, 0, FindingKind::SegmentMissing);
                self.vote_state_uncertain = true;
            }
            self.expected = number.saturating_add(1);
            let Some(image) = Image::load(self.disk, self.identity, number)? else {
                findings.add(number, 0, FindingKind::SegmentUnreadable);
                self.vote_state_uncertain = true;
                continue;
            };
            if image.first_sequence().is_some() {
                // Sequence numbers tell whether anything before it is lost.
                self.vote_state_uncertain = false;
                self.unsynced_seen = false;
                self.blanks.clear();
                return Ok(Some(image));
            }
            if !image.has_right_length() {
                let kind = FindingKind::SegmentLength {
                    actual: image.file_length,
                    expected: image.header.length,
                };
                findings.add(number, image.file_length, kind);
                self.vote_state_uncertain |= may_miss_a_vote_state(&image);
            }
            let written = was_written(&image);
            if was_in_use(&image) || (written && self.unsynced_seen) {
                let slots = SLOT_OFFSETS[0] as u64;
                findings.add(number, slots, FindingKind::SegmentGarbled);
                self.vote_state_uncertain = true;
            }
            self.unsynced_seen |= written;
            if image.is_pristine() {
                self.blanks.push(image.header);
            }
        }
        Ok(None)
    }

    fn blank_after(&self, number: u32) -> Option<SegmentHeader> {
        let wanted = number.saturating_add(1);
        self.blanks
            .iter()
            .find(|header| header.number == wanted)
            .copied()
    }
}
