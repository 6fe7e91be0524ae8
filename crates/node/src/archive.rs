//! Everything that was ever executed, for questions about it: on disk, in bounded memory, outside
//! the results that nodes agree on (P6.5, P7.1). It can be thrown away: every start makes it again.

mod places;
mod results;

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use consensus::message::Applied;

use crate::outcomes::EntryOutcomes;
use places::Places;
use results::Results;
pub(crate) use results::Row;

/// Under the data directory.
const DIRECTORY: &str = "index";

/// The outcomes of all entries, by index and by name.
pub(crate) struct Archive {
    places: Places,
    results: Results,
}

impl Archive {
    /// An empty archive in the [index directory](clear).
    pub(crate) fn create(directory: &Path, before: Applied) -> io::Result<Self> {
        Ok(Self {
            places: Places::new(directory)?,
            results: Results::new(directory, before)?,
        })
    }

    /// Takes in the next entry.
    pub(crate) fn add(&self, entry: &EntryOutcomes) -> io::Result<()> {
        for (position, outcome) in (0..).zip(&entry.outcomes) {
            let place = (entry.index(), position);
            self.places.add(&outcome.transaction, place)?;
            if let Some(reference) = &outcome.reference {
                self.places.add(reference, place)?;
            }
        }
        self.results.add(entry)
    }

    /// The first place of a transaction, or of what was done under a reference.
    pub(crate) fn place(&self, name: &[u8; 32]) -> io::Result<Option<(u64, u32)>> {
        self.places.find(name)
    }

    /// The outcomes of an entry.
    pub(crate) fn entry(&self, index: u64) -> io::Result<Option<EntryOutcomes>> {
        self.results.entry(index)
    }

    /// Digests and results roots of the entries from an index on, at most so many.
    pub(crate) fn rows(&self, from: u64, most: u64) -> io::Result<Vec<Row>> {
        self.results.rows(from, most)
    }
}

/// Makes the index directory under a locked data directory, in place of the one that the last start
/// left.
pub(crate) fn clear(data: &Path) -> io::Result<PathBuf> {
    let directory = data.join(DIRECTORY);
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::DirBuilder::new().mode(0o700).create(&directory)?;
    Ok(directory)
}
