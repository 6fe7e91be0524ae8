//! Where the entries of the chain and the commit certificates are on disk.

use std::sync::{Arc, PoisonError, RwLock};

use consensus::{
    Configuration, Entry, Hash, Index, Point, Record, Recovery, certificate::QuorumCertificate,
    record::StoredEntry,
};
use storage::{Position, Reader};

/// The index of what is stored: 40 bytes of memory an entry. Kept up by the disk's thread, by the
/// same fold as recovery's.
pub(crate) struct StoredChain {
    configuration: Arc<Configuration>,
    reader: Reader,
    places: RwLock<Places>,
}

struct Places {
    /// Position 0 holds index 1.
    entries: Vec<StoredEntry<Position>>,
    commits: Vec<(Index, Position)>,
}

impl StoredChain {
    pub(crate) fn new(
        configuration: Arc<Configuration>,
        reader: Reader,
        recovery: &Recovery<Position>,
    ) -> Self {
        let places = Places {
            entries: recovery.chain.clone(),
            commits: recovery.commits.clone(),
        };
        Self {
            configuration,
            reader,
            places: RwLock::new(places),
        }
    }

    /// Takes in records that were appended.
    pub(crate) fn appended<'a>(&self, records: impl IntoIterator<Item = (&'a Record, Position)>) {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        for (record, place) in records {
            match record {
                Record::Entry(entry) => {
                    places.truncate(entry.index().previous());
                    places.entries.push(StoredEntry {
                        hash: entry.point().hash,
                        place,
                    });
                }
                Record::Truncate(index) => places.truncate(*index),
                Record::Commit(certificate) => {
                    places.commits.push((certificate.header.index, place));
                }
                _ => {}
            }
        }
    }

    fn place(&self, index: Index) -> Option<StoredEntry<Position>> {
        let position = usize::try_from(index.0.checked_sub(1)?).ok()?;
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.entries.get(position).copied()
    }

    /// Whether the point is on the stored chain.
    pub(crate) fn contains(&self, point: Point) -> bool {
        match point.index {
            Index::ZERO => point == self.configuration.opening(),
            index => self
                .place(index)
                .is_some_and(|stored| stored.hash == point.hash),
        }
    }

    /// The stored entry at an index; `None` if there is none, or it was replaced meanwhile.
    pub(crate) fn entry(&self, index: Index) -> Option<Arc<Entry>> {
        let stored = self.place(index)?;
        match self.read(stored.place, 1) {
            Some(Record::Entry(entry))
                if entry.point()
                    == (Point {
                        index,
                        hash: stored.hash,
                    }) =>
            {
                Some(entry)
            }
            _ => None,
        }
    }

    /// The furthest stored commit certificate for an index within `from..=to`.
    pub(crate) fn last_commit(&self, from: Index, to: Index) -> Option<QuorumCertificate> {
        let within = |&&(index, _): &&(Index, Position)| (from..=to).contains(&index);
        let place = {
            let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
            places
                .commits
                .iter()
                .rev()
                .filter(within)
                .max_by_key(|(index, _)| *index)?
                .1
        };
        self.commit_at(place)
    }

    /// The stored commit certificate of the lowest index within `from..=to`.
    pub(crate) fn first_commit(&self, from: Index, to: Index) -> Option<QuorumCertificate> {
        let within = |&&(index, _): &&(Index, Position)| (from..=to).contains(&index);
        let place = {
            let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
            places
                .commits
                .iter()
                .filter(within)
                .min_by_key(|(index, _)| *index)?
                .1
        };
        self.commit_at(place)
    }

    fn commit_at(&self, place: Position) -> Option<QuorumCertificate> {
        match self.read(place, 7) {
            Some(Record::Commit(certificate)) => Some(certificate),
            _ => None,
        }
    }

    /// The record at a place. What is damaged there is logged and counts as absent: hashes tell
    /// everybody else what is right.
    fn read(&self, place: Position, kind: u8) -> Option<Record> {
        let bytes = match self.reader.read(place) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(%error, "a stored record cannot be read");
                return None;
            }
        };
        Record::from_bytes(&self.configuration, kind, &bytes)
            .inspect_err(|error| tracing::error!(%place, %error, "a stored record is unreadable"))
            .ok()
    }
}

impl Places {
    fn truncate(&mut self, last: Index) {
        self.entries
            .truncate(usize::try_from(last.0).unwrap_or(usize::MAX));
    }
}

/// The hash of an entry as recovery saw it, for comparison.
pub(crate) fn hash_at(recovery: &Recovery<Position>, index: Index) -> Option<Hash> {
    let position = usize::try_from(index.0.checked_sub(1)?).ok()?;
    recovery.chain.get(position).map(|stored| stored.hash)
}
