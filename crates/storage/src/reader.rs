//! Reads single records by position, beside the writer.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::{Disk, DiskFile};
use crate::error::ReadError;
use crate::format::{
    RECORD_HEADER_BYTES, RecordHeader, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_OFFSETS, SegmentHeader,
    checksum, segment_name,
};
use crate::limits::OPEN_SEGMENTS_MAX;

/// Where a record is; ordered as the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Number of the segment.
    pub segment: u32,
    /// Offset of the record's header in the segment, in bytes.
    pub offset: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "byte {} of {}",
            self.offset,
            segment_name(self.segment)
        )
    }
}

/// Reads records from any thread while the stream is written.
///
/// A record can be read as soon as `append` has returned its position, before it is synced.
#[derive(Clone)]
pub struct Reader {
    disk: Arc<dyn Disk>,
    segments: Arc<Mutex<BTreeMap<u32, Arc<ReadSegment>>>>,
}

pub(crate) struct ReadSegment {
    pub file: Arc<dyn DiskFile>,
    pub header: SegmentHeader,
}

impl Reader {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            segments: Arc::default(),
        }
    }

    /// The bytes of a record, checked against its checksum.
    pub fn read(&self, position: Position) -> Result<Vec<u8>, ReadError> {
        let (header, body) = self.record(position)?;
        if checksum(&[&body]) != header.body_checksum {
            return Err(ReadError::Damaged { position });
        }
        Ok(body)
    }

    /// The bytes that stand where a record's are, damaged or not, under an intact header. For what is
    /// of use in part and is checked in another way.
    pub fn read_unchecked(&self, position: Position) -> Result<Vec<u8>, ReadError> {
        self.record(position).map(|(_, body)| body)
    }

    fn record(&self, position: Position) -> Result<(RecordHeader, Vec<u8>), ReadError> {
        let segment = self.segment(position)?;
        let header = segment
            .record_header(position)?
            .ok_or(ReadError::Damaged { position })?;
        Ok((header, segment.body(position, header)?))
    }

    pub(crate) fn segment(&self, position: Position) -> Result<Arc<ReadSegment>, ReadError> {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = segments.get(&position.segment) {
            return Ok(segment.clone());
        }
        let segment = Arc::new(self.open(position)?);
        if segments.len() >= OPEN_SEGMENTS_MAX {
            // The oldest segment is the least likely to be asked for again.
            segments.pop_first();
        }
        segments.insert(position.segment, segment.clone());
        Ok(segment)
    }

    fn open(&self, position: Position) -> Result<ReadSegment, ReadError> {
        let file =
            self.disk
                .open(&segment_name(position.segment))
                .map_err(|source| match source.kind() {
                    io::ErrorKind::NotFound => ReadError::Missing { position },
                    _ => ReadError::Disk { position, source },
                })?;
        for offset in SEGMENT_HEADER_OFFSETS {
            let mut bytes = [0; SEGMENT_HEADER_BYTES];
            read(&*file, position, offset as u64, &mut bytes)?;
            if let Ok(header) = SegmentHeader::decode(&bytes)
                && header.number == position.segment
            {
                return Ok(ReadSegment { file, header });
            }
        }
        Err(ReadError::Damaged { position })
    }
}

impl ReadSegment {
    /// The intact header of a record whose body lies within the segment.
    pub fn record_header(&self, position: Position) -> Result<Option<RecordHeader>, ReadError> {
        let offset = u64::from(position.offset);
        let mut bytes = [0; RECORD_HEADER_BYTES];
        read(&*self.file, position, offset, &mut bytes)?;
        let header = RecordHeader::decode(&bytes, self.header.salt, position.offset as usize);
        Ok(header.filter(|header| {
            offset + RECORD_HEADER_BYTES as u64 + u64::from(header.length)
                <= u64::from(self.header.length)
        }))
    }

    /// The unchecked bytes under a header.
    pub fn body(&self, position: Position, header: RecordHeader) -> Result<Vec<u8>, ReadError> {
        let mut body = vec![0; header.length as usize];
        let start = u64::from(position.offset) + RECORD_HEADER_BYTES as u64;
        read(&*self.file, position, start, &mut body)?;
        Ok(body)
    }
}

fn read(
    file: &dyn DiskFile,
    position: Position,
    offset: u64,
    buffer: &mut [u8],
) -> Result<(), ReadError> {
    file.read_at(offset, buffer)
        .map_err(|source| match source.kind() {
            // Segments have their whole length from the start.
            io::ErrorKind::UnexpectedEof => ReadError::Damaged { position },
            _ => ReadError::Disk { position, source },
        })
}
