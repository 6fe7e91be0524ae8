//! Where the entries of the chain and the commit certificates are on disk.

mod places;

use std::{
    io,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use consensus::{
    Configuration, Entry, Hash, Index, Point, Record, Recovery, certificate::QuorumCertificate,
    record::StoredEntry,
};
use storage::{Position, Reader};

use places::Places;

/// The index of what is stored. Kept up by the disk's thread, by the same fold as recovery's.
pub(crate) struct StoredChain {
    configuration: Arc<Configuration>,
    reader: Reader,
    places: RwLock<Places>,
}

impl StoredChain {
    /// Writes down where everything is, in the index directory.
    pub(crate) fn new(
        configuration: Arc<Configuration>,
        reader: Reader,
        recovery: &Recovery<Position>,
        index: &Path,
    ) -> io::Result<Self> {
        let places = Places::create(index, &recovery.chain, &recovery.commits)?;
        Ok(Self {
            configuration,
            reader,
            places: RwLock::new(places),
        })
    }

    /// Takes in records that were appended.
    pub(crate) fn appended<'a>(
        &self,
        records: impl IntoIterator<Item = (&'a Record, Position)>,
    ) -> io::Result<()> {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        for (record, place) in records {
            match record {
                Record::Entry(entry) => {
                    places.truncate(entry.index().previous());
                    places.push(StoredEntry {
                        hash: entry.point().hash,
                        place,
                    })?;
                }
                Record::Truncate(index) => places.truncate(*index),
                Record::Commit(certificate) => {
                    places.push_commit(certificate.header.index, place)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What is damaged in the index is logged and counts as absent.
    fn look<T>(&self, look: impl FnOnce(&Places) -> io::Result<Option<T>>) -> Option<T> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        look(&places).unwrap_or_else(|error| {
            tracing::error!(%error, "the index of the chain cannot be read");
            None
        })
    }

    fn place(&self, index: Index) -> Option<StoredEntry<Position>> {
        self.look(|places| places.entry(index))
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
        let place = self.look(|places| places.last_commit(from, to))?;
        self.commit_at(place)
    }

    /// The stored commit certificate of the lowest index within `from..=to`.
    pub(crate) fn first_commit(&self, from: Index, to: Index) -> Option<QuorumCertificate> {
        let place = *self.commits(from, 1).first()?;
        self.commit_at(place)
            .filter(|certificate| certificate.header.index <= to)
    }

    /// Where the stored commit certificates for an index and those after it are, the next ones.
    pub(crate) fn commits(&self, from: Index, most: usize) -> Vec<Position> {
        let found = self.look(|places| places.commits_from(from, most).map(Some));
        found.unwrap_or_default()
    }

    pub(crate) fn commit_at(&self, place: Position) -> Option<QuorumCertificate> {
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

/// The hash of an entry as recovery saw it, for comparison.
pub(crate) fn hash_at(recovery: &Recovery<Position>, index: Index) -> Option<Hash> {
    let position = usize::try_from(index.0.checked_sub(1)?).ok()?;
    recovery.chain.get(position).map(|stored| stored.hash)
}
