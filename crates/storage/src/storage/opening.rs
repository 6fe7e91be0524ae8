//! Opening the stream: from what recovery found to a writer.

use std::io;
use std::sync::Arc;

use super::{Current, Options, State, Storage, number_after, write_slot};
use crate::batch::as_u32;
use crate::disk::Disk;
use crate::error::{OpenError, is_disk_full};
use crate::format::{Identity, SegmentHeader, VoteFrame, padded, segment_name};
use crate::limits::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use crate::prepare::{self, Ahead, Segment};
use crate::reader::Reader;
use crate::recovery::{Damage, Recovered, Recovery, Resume, scan};

impl Storage {
    /// Opens the stream of a directory, or begins one if there is none, and hands every record
    /// to `visit` in order. Memory use is bounded by two segments.
    ///
    /// What was whole is durable when this returns, also what a killed process had not synced, and
    /// what an earlier process wrote whose sync failed: nothing of that is taken for durable because
    /// it can be read. The caller acts on [`Recovery::damage`] (P11.2).
    pub fn open(
        disk: Arc<dyn Disk>,
        identity: Identity,
        options: Options,
        mut visit: impl FnMut(Recovered<'_>),
    ) -> Result<(Self, Recovery), OpenError> {
        let segment_bytes = padded(options.segment_bytes.min(SEGMENT_BYTES_MAX + 1));
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&segment_bytes) {
            return Err(OpenError::SegmentSize {
                segment_bytes: options.segment_bytes,
            });
        }
        let options = Options {
            segment_bytes,
            ..options
        };
        let failed = |operation: &str, source: io::Error| OpenError::Disk {
            directory: disk.location(),
            operation: operation.to_owned(),
            source,
        };
        let lock = disk
            .lock()
            .map_err(|error| failed("lock the directory", error))?
            .ok_or_else(|| OpenError::Locked {
                directory: disk.location(),
            })?;
        remove_unfinished(&*disk).map_err(|error| failed("remove an unfinished segment", error))?;
        let (resume, recovery) = scan(&*disk, identity, &mut visit)?;
        let mut storage = Self {
            ahead: Ahead::Nothing,
            reader: Reader::new(disk.clone()),
            disk: disk.clone(),
            identity,
            options,
            current: None,
            next_segment: 1,
            next_sequence: resume.next_sequence,
            synced: resume.next_sequence.saturating_sub(1),
            chain: resume.chain,
            unsynced_vote: Vec::new(),
            buffer: Vec::new(),
            head: Vec::new(),
            state: State::Running,
            _lock: lock,
        };
        if recovery.damage == Some(Damage::VoteStateLost) {
            storage.state = State::VoteStateLost;
            return Ok((storage, recovery));
        }
        storage
            .resume(&resume, &recovery)
            .map_err(|error| failed("make the recovered stream durable", error))?;
        if resume.last.is_none() && resume.blank.is_none() {
            storage.begin().map_err(|error| {
                if is_disk_full(&error) {
                    OpenError::DiskFull {
                        directory: disk.location(),
                        segment_bytes: options.segment_bytes,
                    }
                } else {
                    failed("create the first segment", error)
                }
            })?;
        }
        Ok((storage, recovery))
    }

    /// Takes up writing where the stream ends.
    fn resume(&mut self, resume: &Resume, recovery: &Recovery) -> io::Result<()> {
        self.disk.sync_directory()?;
        if let Some(last) = &resume.last {
            let segment = self.open_segment(&last.header)?;
            // After a failed sync the kernel has the pages marked as written, and syncing them
            // again does nothing: only another write makes them reach the disk.
            for (offset, bytes) in &last.unproven {
                segment.file.write_at(*offset as u64, bytes)?;
            }
            segment.file.sync()?;
            let mut current = Current {
                segment,
                first_in_segment: last.first_in_segment,
                offset: last.next_offset.unwrap_or_default(),
                free_slot: last.free_slot,
            };
            // A batch that a killed process wrote and did not sync counts from now on.
            if last.lacks_second_vote
                && recovery.damage != Some(Damage::TailBatchDamaged)
                && let Some(state) = &recovery.vote_state
            {
                VoteFrame {
                    sequence: self.synced,
                    first_in_segment: current.first_in_segment,
                    synced: self.synced,
                    state,
                }
                .encode(current.segment.salt, &mut self.unsynced_vote);
                write_slot(&mut current, &mut self.unsynced_vote)?;
                current.segment.file.sync()?;
            }
            self.next_segment = number_after(last.header.number)?;
            self.current = last.next_offset.is_some().then_some(current);
        }
        if let Some(blank) = &resume.blank {
            self.ahead = Ahead::Ready(self.open_segment(blank)?);
        } else if self.current.is_some() {
            self.prepare_next();
        }
        Ok(())
    }

    fn open_segment(&self, header: &SegmentHeader) -> io::Result<Segment> {
        Ok(Segment {
            number: header.number,
            length: header.length,
            salt: header.salt,
            file: self.disk.open(&segment_name(header.number))?,
        })
    }

    /// Binds a new directory to its identity by a first, blank segment.
    fn begin(&mut self) -> io::Result<()> {
        let length = as_u32(self.options.segment_bytes);
        let segment = prepare::create(&*self.disk, self.identity, self.next_segment, length)?;
        self.ahead = Ahead::Ready(segment);
        Ok(())
    }
}

/// Removes what a crash left of a segment that was being prepared.
fn remove_unfinished(disk: &dyn Disk) -> io::Result<()> {
    for name in disk.list()? {
        if name.ends_with(".segment.new") {
            disk.remove(&name)?;
        }
    }
    Ok(())
}
