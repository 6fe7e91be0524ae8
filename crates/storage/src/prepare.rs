//! Makes segments before they are needed: writing 16 MiB of zeros and syncing them takes much
//! longer than a batch may.
//!
//! A segment gets its name only when its zeros and header are durable, so whatever carries a
//! segment's name and is short or has no header is damaged, never half-made.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::disk::{Disk, DiskFile};
use crate::format::{
    DATA_START, Identity, SEGMENT_HEADER_OFFSETS, SegmentHeader, segment_name, temporary_name,
};

const ZEROS_AT_ONCE: usize = 1 << 20;

/// A segment open for writing.
pub(crate) struct Segment {
    pub number: u32,
    pub length: u32,
    pub salt: u64,
    pub file: Arc<dyn DiskFile>,
}

/// Creates a durable blank segment, replacing a blank one of that number.
pub(crate) fn create(
    disk: &dyn Disk,
    identity: Identity,
    number: u32,
    length: u32,
) -> io::Result<Segment> {
    let created = fill(disk, identity, number, length);
    if created.is_err() {
        // Room for a retry; what cannot be removed now goes at the next opening.
        let _ = disk.remove(&temporary_name(number));
    }
    created
}

fn fill(disk: &dyn Disk, identity: Identity, number: u32, length: u32) -> io::Result<Segment> {
    let header = SegmentHeader {
        identity,
        number,
        length,
        salt: disk.unpredictable()?,
    };
    let mut head = vec![0; DATA_START];
    for offset in SEGMENT_HEADER_OFFSETS {
        let encoded = header.encode();
        head[offset..offset + encoded.len()].copy_from_slice(&encoded);
    }
    let temporary = temporary_name(number);
    let file = disk.create(&temporary)?;
    file.write_at(0, &head)?;
    let length = length as usize;
    let zeros = vec![0; ZEROS_AT_ONCE.min(length - DATA_START)];
    let mut offset = DATA_START;
    while offset < length {
        let count = zeros.len().min(length - offset);
        file.write_at(offset as u64, &zeros[..count])?;
        offset += count;
    }
    file.sync()?;
    disk.rename(&temporary, &segment_name(number))?;
    disk.sync_directory()?;
    Ok(Segment {
        number,
        length: header.length,
        salt: header.salt,
        file,
    })
}

/// The next segment, made by a thread beside the writer.
#[derive(Default)]
pub(crate) enum Ahead {
    #[default]
    Nothing,
    Ready(Segment),
    Working(JoinHandle<io::Result<Segment>>),
}

impl Ahead {
    /// Starts making a segment.
    pub fn start(disk: Arc<dyn Disk>, identity: Identity, number: u32, length: u32) -> Self {
        thread::Builder::new()
            .name("segment".to_owned())
            .spawn(move || create(&*disk, identity, number, length))
            // Without a thread the segment is made when it is needed.
            .map_or(Self::Nothing, Self::Working)
    }

    /// Takes the segment, waiting for it if it is being made.
    pub fn take(&mut self) -> Option<io::Result<Segment>> {
        match std::mem::take(self) {
            Self::Nothing => None,
            Self::Ready(segment) => Some(Ok(segment)),
            Self::Working(thread) => Some(
                thread
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("preparing a segment panicked"))),
            ),
        }
    }
}
