//! Where the entries and commit certificates of the stored chain are: rows of fixed size in two files
//! of the index directory, so that memory does not grow with the chain. Made anew at every start.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use consensus::{Hash, Index, record::StoredEntry};
use storage::Position;

const ENTRY_BYTES: usize = 40;
const COMMIT_BYTES: usize = 16;

/// The rows of both files.
pub(super) struct Places {
    entries: File,
    /// Position 0 holds index 1.
    count: u64,
    commits: File,
    /// In the order of their indexes: a node commits forwards only (P3.6).
    commit_count: u64,
    last_commit: Index,
}

impl Places {
    pub(super) fn create(
        directory: &Path,
        chain: &[StoredEntry<Position>],
        commits: &[(Index, Position)],
    ) -> io::Result<Self> {
        let mut ordered = commits.to_vec();
        ordered.sort_by_key(|(index, _)| *index);
        ordered.dedup_by_key(|(index, _)| *index);
        let entries = file(
            &directory.join("chain"),
            chain.iter().map(|stored| entry_row(*stored)),
        )?;
        let last_commit = ordered.last().map_or(Index::ZERO, |(index, _)| *index);
        let commit_count = ordered.len() as u64;
        let rows = ordered.into_iter();
        let commits = file(
            &directory.join("commits"),
            rows.map(|(index, place)| commit_row(index, place)),
        )?;
        Ok(Self {
            entries,
            count: chain.len() as u64,
            commits,
            commit_count,
            last_commit,
        })
    }

    /// Adds the next entry.
    pub(super) fn push(&mut self, stored: StoredEntry<Position>) -> io::Result<()> {
        let at = self.count * ENTRY_BYTES as u64;
        self.entries.write_all_at(&entry_row(stored), at)?;
        self.count += 1;
        Ok(())
    }

    /// Forgets the entries after an index.
    pub(super) fn truncate(&mut self, last: Index) {
        self.count = self.count.min(last.0);
    }

    /// Adds a commit certificate, unless one as far is there.
    pub(super) fn push_commit(&mut self, index: Index, place: Position) -> io::Result<()> {
        if index <= self.last_commit {
            return Ok(());
        }
        let at = self.commit_count * COMMIT_BYTES as u64;
        self.commits.write_all_at(&commit_row(index, place), at)?;
        self.commit_count += 1;
        self.last_commit = index;
        Ok(())
    }

    /// The entry at an index.
    pub(super) fn entry(&self, index: Index) -> io::Result<Option<StoredEntry<Position>>> {
        let Some(position) = index.0.checked_sub(1).filter(|at| *at < self.count) else {
            return Ok(None);
        };
        let mut row = [0; ENTRY_BYTES];
        self.entries
            .read_exact_at(&mut row, position * ENTRY_BYTES as u64)?;
        let (hash, place) = row.split_at(32);
        Ok(Some(StoredEntry {
            hash: Hash(hash.try_into().map_err(io::Error::other)?),
            place: position_of(place)?,
        }))
    }

    fn commit(&self, number: u64) -> io::Result<(Index, Position)> {
        let mut row = [0; COMMIT_BYTES];
        self.commits
            .read_exact_at(&mut row, number * COMMIT_BYTES as u64)?;
        let (index, place) = row.split_at(8);
        let index = u64::from_le_bytes(index.try_into().map_err(io::Error::other)?);
        Ok((Index(index), position_of(place)?))
    }

    /// The first certificates for an index or later ones, in their order.
    pub(super) fn commits_from(&self, from: Index, most: usize) -> io::Result<Vec<Position>> {
        let first = self.first_commit_at(from)?;
        let end = self.commit_count.min(first.saturating_add(most as u64));
        (first..end)
            .map(|number| Ok(self.commit(number)?.1))
            .collect()
    }

    /// The last certificate for an index within `from..=to`.
    pub(super) fn last_commit(&self, from: Index, to: Index) -> io::Result<Option<Position>> {
        let Some(last) = self.first_commit_at(to.next())?.checked_sub(1) else {
            return Ok(None);
        };
        let (index, place) = self.commit(last)?;
        Ok((index >= from).then_some(place))
    }

    /// The number of the first certificate for an index or a later one, by bisection.
    fn first_commit_at(&self, index: Index) -> io::Result<u64> {
        let (mut from, mut to) = (0, self.commit_count);
        while from < to {
            let middle = from + (to - from) / 2;
            if self.commit(middle)?.0 < index {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        Ok(from)
    }
}

fn file<const N: usize>(path: &Path, rows: impl Iterator<Item = [u8; N]>) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    let mut writer = BufWriter::with_capacity(1 << 16, &file);
    for row in rows {
        writer.write_all(&row)?;
    }
    writer.flush()?;
    drop(writer);
    Ok(file)
}

fn entry_row(stored: StoredEntry<Position>) -> [u8; ENTRY_BYTES] {
    let mut row = [0; ENTRY_BYTES];
    row[..32].copy_from_slice(&stored.hash.0);
    row[32..].copy_from_slice(&place_bytes(stored.place));
    row
}

fn commit_row(index: Index, place: Position) -> [u8; COMMIT_BYTES] {
    let mut row = [0; COMMIT_BYTES];
    row[..8].copy_from_slice(&index.0.to_le_bytes());
    row[8..].copy_from_slice(&place_bytes(place));
    row
}

fn place_bytes(place: Position) -> [u8; 8] {
    let number = u64::from(place.segment) << 32 | u64::from(place.offset);
    number.to_le_bytes()
}

fn position_of(bytes: &[u8]) -> io::Result<Position> {
    let number = u64::from_le_bytes(bytes.try_into().map_err(io::Error::other)?);
    Ok(Position {
        segment: u32::try_from(number >> 32).map_err(io::Error::other)?,
        offset: u32::try_from(number & u64::from(u32::MAX)).map_err(io::Error::other)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u64) -> Position {
        let number = u32::try_from(number).unwrap();
        Position {
            segment: number + 1,
            offset: u32::MAX - number,
        }
    }

    fn stored(number: u64) -> StoredEntry<Position> {
        StoredEntry {
            hash: Hash([u8::try_from(number).unwrap(); 32]),
            place: place(number),
        }
    }

    #[test]
    fn rows_are_found_by_index_after_start_growth_and_truncation() {
        let directory = tempfile::tempdir().unwrap();
        let chain: Vec<_> = (1..=5).map(stored).collect();
        let commits = [(Index(4), place(104)), (Index(2), place(102))];
        let mut places = Places::create(directory.path(), &chain, &commits).unwrap();
        for number in 6..=9 {
            places.push(stored(number)).unwrap();
        }
        places.push_commit(Index(7), place(107)).unwrap();
        places.push_commit(Index(7), place(200)).unwrap();
        let hash = |places: &Places, index: u64| {
            let found = places.entry(Index(index)).unwrap();
            found.map(|found| (found.hash.0[0], found.place))
        };
        for index in 1..=9_u64 {
            let expected = (u8::try_from(index).unwrap(), place(index));
            assert_eq!(hash(&places, index), Some(expected));
        }
        assert_eq!((hash(&places, 0), hash(&places, 10)), (None, None));
        places.truncate(Index(7));
        places.push(stored(88)).unwrap();
        assert_eq!(hash(&places, 8), Some((88, place(88))));
        assert_eq!(hash(&places, 9), None);

        let from = |index: u64| places.commits_from(Index(index), 2).unwrap();
        assert_eq!(from(0), [place(102), place(104)]);
        assert_eq!(from(5), [place(107)]);
        assert!(from(8).is_empty());
        let last = |from: u64, to: u64| places.last_commit(Index(from), Index(to)).unwrap();
        assert_eq!(last(1, 6), Some(place(104)));
        assert_eq!(last(5, 6), None);
        assert_eq!(last(1, 1), None);
        assert_eq!(last(1, 100), Some(place(107)));
    }
}
