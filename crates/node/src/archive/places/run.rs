//! One sorted file of rows.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::PathBuf,
};

use super::Place;

/// Of a name's 32 bytes so many are kept. Names are hashes: nobody finds two with the same 20.
pub(super) const NAME_BYTES: usize = 20;
const ROW_BYTES: usize = 32;

/// Name, index and position, big-endian: rows sort by their bytes as by their meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row([u8; ROW_BYTES]);

/// The part of a name that is kept.
pub(super) fn name_of(name: &[u8; 32]) -> [u8; NAME_BYTES] {
    let mut kept = [0; NAME_BYTES];
    kept.copy_from_slice(&name[..NAME_BYTES]);
    kept
}

impl Row {
    pub(super) fn new(name: [u8; NAME_BYTES], (index, position): Place) -> Self {
        let mut row = [0; ROW_BYTES];
        row[..NAME_BYTES].copy_from_slice(&name);
        row[20..28].copy_from_slice(&index.to_be_bytes());
        row[28..].copy_from_slice(&position.to_be_bytes());
        Self(row)
    }

    fn name(&self) -> &[u8] {
        &self.0[..NAME_BYTES]
    }

    fn place(&self) -> Place {
        let (mut index, mut position) = ([0; 8], [0; 4]);
        index.copy_from_slice(&self.0[20..28]);
        position.copy_from_slice(&self.0[28..]);
        (u64::from_be_bytes(index), u32::from_be_bytes(position))
    }
}

/// A run; its file goes with it.
pub(super) struct Run {
    file: File,
    path: PathBuf,
    rows: u64,
}

impl Run {
    /// Writes sorted rows; of several under one name the first.
    pub(super) fn write(
        path: PathBuf,
        sorted: impl Iterator<Item = io::Result<Row>>,
    ) -> io::Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let mut run = Self {
            file,
            path,
            rows: 0,
        };
        let mut writer = BufWriter::with_capacity(1 << 16, &run.file);
        let mut last: Option<Row> = None;
        let mut rows = 0;
        for row in sorted {
            let row = row?;
            if last.is_some_and(|last| last.name() == row.name()) {
                continue;
            }
            writer.write_all(&row.0)?;
            rows += 1;
            last = Some(row);
        }
        writer.flush()?;
        drop(writer);
        run.rows = rows;
        Ok(run)
    }

    /// Both runs in one.
    pub(super) fn merge(path: PathBuf, one: &Self, other: &Self) -> io::Result<Self> {
        let (mut one, mut other) = (one.read()?.peekable(), other.read()?.peekable());
        let next = std::iter::from_fn(|| match (one.peek(), other.peek()) {
            (Some(Ok(first)), Some(Ok(second))) if second < first => other.next(),
            (None, _) | (_, Some(Err(_))) => other.next(),
            _ => one.next(),
        });
        Self::write(path, next)
    }

    fn read(&self) -> io::Result<impl Iterator<Item = io::Result<Row>>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        Ok(std::iter::from_fn(move || {
            let mut row = [0; ROW_BYTES];
            match reader.read_exact(&mut row) {
                Ok(()) => Some(Ok(Row(row))),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
                Err(error) => Some(Err(error)),
            }
        }))
    }

    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    fn row(&self, number: u64) -> io::Result<Row> {
        let mut row = [0; ROW_BYTES];
        self.file
            .read_exact_at(&mut row, number * ROW_BYTES as u64)?;
        Ok(Row(row))
    }

    /// The place under a name, by bisection.
    pub(super) fn find(&self, name: &[u8; NAME_BYTES]) -> io::Result<Option<Place>> {
        let (mut from, mut to) = (0, self.rows);
        while from < to {
            let middle = from + (to - from) / 2;
            if self.row(middle)?.name() < &name[..] {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        if from == self.rows {
            return Ok(None);
        }
        let row = self.row(from)?;
        Ok((row.name() == name).then(|| row.place()))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It is of no use to anybody else, and the next start clears the directory.
        let _ = fs::remove_file(&self.path);
    }
}
