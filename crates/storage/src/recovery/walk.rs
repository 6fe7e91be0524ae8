//! Follows the stream through its segments.
//!
//! A batch that is not whole is *damage* if it is proven to have been synced: by a later segment,
//! which gets its first batch only after the one before was synced, or by anything later that
//! names it as synced. Otherwise it begins the *tail*, which is cut off: the last sync either
//! did not happen or cannot be told from one that did not, except by a whole vote state.

use crate::format::{DATA_START, StoredRecord, VoteFrame, padded, parse_records};
use crate::reader::Position;
use crate::recovery::image::{Image, Slot, Survey};
use crate::recovery::{FindingKind, Findings, Recovered};

/// A whole copy of a vote state.
pub(crate) struct VoteCopy {
    pub sequence: u64,
    pub state: Vec<u8>,
}

impl From<VoteFrame<'_>> for VoteCopy {
    fn from(vote: VoteFrame<'_>) -> Self {
        Self {
            sequence: vote.sequence,
            state: vote.state.to_vec(),
        }
    }
}

/// State carried from segment to segment.
pub(crate) struct Walk<'v> {
    visit: &'v mut dyn FnMut(Recovered<'_>),
    /// Sequence number of the batch that is expected next.
    pub next: u64,
    /// Checksum of the header before it, where known.
    pub chain: Option<u32>,
    /// Newest vote state of the stream.
    pub newest: Option<VoteCopy>,
    /// Newest vote state of a tail that was cut by an earlier opening, for as long as no
    /// later one is found: the batch that should supersede it was not synced.
    pub abandoned: Option<VoteCopy>,
    pub records: u64,
    pub records_lost: bool,
    pub findings: Findings,
}

/// Where the batches of a segment end.
pub(crate) struct SegmentEnd {
    pub offset: usize,
    /// Findings were made in this segment.
    pub found: bool,
}

impl<'v> Walk<'v> {
    pub fn new(visit: &'v mut dyn FnMut(Recovered<'_>)) -> Self {
        Self {
            visit,
            next: 1,
            chain: Some(0),
            newest: None,
            abandoned: None,
            records: 0,
            records_lost: false,
            findings: Findings::default(),
        }
    }

    /// Reads a segment that holds batches. `following` is the first sequence number in the next
    /// such segment.
    pub fn segment(&mut self, image: &Image, following: Option<u64>) -> SegmentEnd {
        let before = self.findings.count();
        self.enter(image);
        let offset = self.batches(image, following);
        self.keep_votes(image.survey(offset), following);
        SegmentEnd {
            offset,
            found: self.findings.count() > before,
        }
    }

    fn enter(&mut self, image: &Image) {
        let number = image.header.number;
        if !image.header_copies_whole {
            self.findings.add(number, 0, FindingKind::SegmentHeaderCopy);
        }
        if !image.has_right_length() {
            let kind = FindingKind::SegmentLength {
                actual: image.file_length,
                expected: image.header.length,
            };
            self.findings.add(number, image.file_length, kind);
        }
        let first = image.first_sequence().unwrap_or(self.next);
        if first > self.next {
            self.lose(image, DATA_START, first);
        } else if first < self.next {
            let kind = FindingKind::ChainBroken { sequence: first };
            self.findings.add(number, DATA_START as u64, kind);
            self.records_lost = true;
            self.chain = None;
            self.next = first;
        }
    }

    /// Reads batches up to the tail, to a tail that was cut earlier, or to the end.
    fn batches(&mut self, image: &Image, following: Option<u64>) -> usize {
        let mut offset = DATA_START;
        // Looked up at the first batch that is not whole, hence seldom.
        let mut proven_in_last: Option<u64> = None;
        loop {
            if following.is_some_and(|following| self.next >= following) {
                return offset;
            }
            let mut is_synced = |sequence: u64| match following {
                Some(following) => sequence < following,
                None => {
                    sequence <= *proven_in_last.get_or_insert_with(|| image.survey(offset).synced())
                }
            };
            if let Some(end) = self.batch(image, offset, &mut is_synced) {
                offset = end;
                continue;
            }
            if !is_synced(self.next) {
                return offset;
            }
            // A batch that is lost in whole: go on at the next one that belongs here.
            let survey = image.survey(offset);
            let resumed = survey.headers.iter().find(|(_, header)| {
                header.sequence >= self.next
                    && following.is_none_or(|following| header.sequence < following)
                    && (header.sequence > self.next || header.offset as usize > offset)
            });
            match resumed {
                Some((resume_at, header)) => {
                    self.lose(image, offset, header.sequence);
                    offset = *resume_at;
                }
                None => {
                    let end = following.unwrap_or_else(|| survey.synced().saturating_add(1));
                    self.lose(image, offset, end);
                    return offset;
                }
            }
        }
    }

    /// Reads the batch at an offset and returns where it ends, padding included. `None`: it is
    /// not there or not whole and not proven to have been synced.
    fn batch(
        &mut self,
        image: &Image,
        offset: usize,
        is_synced: &mut dyn FnMut(u64) -> bool,
    ) -> Option<usize> {
        let (header, checksum) = image.batch(offset)?;
        if header.sequence != self.next {
            return None;
        }
        let number = image.header.number;
        let sequence = header.sequence;
        let vote = image.vote(offset).filter(|vote| vote.sequence == sequence);
        let (records, unread) = parse_records(&image.bytes, &header, image.header.salt);
        let lost = records.iter().filter(|record| !record.whole).count();
        let records_whole = lost == 0 && unread.is_none();
        let second_vote = image.slot_of(sequence);
        if !(records_whole && (vote.is_some() || second_vote.is_some())) && !is_synced(sequence) {
            return None;
        }
        if self.chain.is_some_and(|chain| chain != header.previous) {
            let kind = FindingKind::ChainBroken { sequence };
            self.findings.add(number, offset as u64, kind);
            self.records_lost = true;
        }
        if vote.is_none() {
            let kind = FindingKind::VoteStateCopy { sequence };
            self.findings.add(number, offset as u64, kind);
        }
        if !records_whole {
            let kind = FindingKind::Records { sequence, lost };
            self.findings.add(number, offset as u64, kind);
            self.records_lost = true;
        }
        self.hand_over(image, &records);
        if let Some(unread) = unread {
            (self.visit)(Recovered::LostRecords {
                position: position(image, unread),
            });
        }
        if let Some(vote) = vote.or(second_vote) {
            self.keep_vote(vote);
        }
        self.next = sequence.saturating_add(1);
        self.chain = Some(checksum);
        Some(offset + padded(header.length as usize))
    }

    fn hand_over(&mut self, image: &Image, records: &[StoredRecord]) {
        for record in records {
            let position = position(image, record.offset);
            if record.whole {
                self.records += 1;
                (self.visit)(Recovered::Record {
                    position,
                    kind: record.kind,
                    bytes: record.body(&image.bytes),
                });
            } else {
                (self.visit)(Recovered::LostBody {
                    position,
                    kind: record.kind,
                    length: record.length,
                });
            }
        }
    }

    /// Goes on at sequence number `until`.
    fn lose(&mut self, image: &Image, offset: usize, until: u64) {
        let kind = FindingKind::Batches {
            first: self.next,
            last: until.saturating_sub(1),
        };
        self.findings.add(image.header.number, offset as u64, kind);
        (self.visit)(Recovered::LostRecords {
            position: position(image, offset),
        });
        self.records_lost = true;
        self.next = until;
        self.chain = None;
    }

    /// A vote state is whole whose batch is not: its segment keeps it until a later batch is
    /// synced elsewhere.
    pub fn has_vote_beyond_the_end(&self) -> bool {
        let newest = self.newest.as_ref();
        self.abandoned.is_some() || newest.is_some_and(|vote| vote.sequence >= self.next)
    }

    fn keep_vote(&mut self, vote: VoteFrame<'_>) {
        self.abandoned = None;
        if self
            .newest
            .as_ref()
            .is_none_or(|newest| newest.sequence < vote.sequence)
        {
            self.newest = Some(vote.into());
        }
    }

    /// Takes note of vote states in the slots and behind the last batch that was read.
    fn keep_votes(&mut self, survey: Survey<'_>, following: Option<u64>) {
        let (abandoned, kept): (Vec<_>, Vec<_>) = survey
            .votes
            .into_iter()
            .partition(|vote| following.is_some_and(|following| vote.sequence >= following));
        kept.into_iter().for_each(|vote| self.keep_vote(vote));
        if let Some(vote) = abandoned.into_iter().max_by_key(|vote| vote.sequence) {
            self.abandoned = Some(vote.into());
        }
    }
}

fn position(image: &Image, offset: usize) -> Position {
    Position {
        segment: image.header.number,
        offset: u32::try_from(offset).expect("segments are shorter than 4 GiB"),
    }
}

/// The slot that may be overwritten: not the one with the newest vote state.
pub(crate) fn free_slot(image: &Image) -> usize {
    match image.slots() {
        [Slot::Whole(first), Slot::Whole(second)] => usize::from(first.sequence > second.sequence),
        [Slot::Whole(_), _] => 1,
        _ => 0,
    }
}
