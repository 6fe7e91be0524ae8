//! A log whose entries are chained by hashes.

use std::fmt;

use super::message::{START_TERM, Term};

/// One entry: a client's value under the term of the leader that appended it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Term of the leader that appended it.
    pub term: Term,
    /// What the client asked for.
    pub value: String,
}

impl Entry {
    /// An entry of `term` that holds `value`.
    pub fn new(term: Term, value: impl Into<String>) -> Self {
        Self {
            term,
            value: value.into(),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.value, self.term)
    }
}

/// Hash of an entry and of all entries before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainHash(u64);

impl ChainHash {
    /// The hash of `entry` placed after a log whose last hash is `self`.
    pub fn then(self, entry: &Entry) -> Self {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let parts = [
            &self.0.to_le_bytes()[..],
            &entry.term.to_le_bytes(),
            entry.value.as_bytes(),
        ];
        let hash = parts.into_iter().flatten();
        Self(hash.fold(OFFSET, |state, byte| {
            (state ^ u64::from(*byte)).wrapping_mul(PRIME)
        }))
    }

    /// The last hash of a log that holds just `entries`; the default hash for none.
    pub fn of(entries: &[Entry]) -> Self {
        entries
            .iter()
            .fold(Self::default(), |hash, entry| hash.then(entry))
    }
}

/// A place in a log: index, and the term and hash found there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Term of the entry; [`START_TERM`] before the first.
    pub term: Term,
    /// Index of the entry, from 0; `None` before the first.
    pub index: Option<usize>,
    /// Hash of the log up to and including the entry.
    pub hash: ChainHash,
}

impl Position {
    /// Before the first entry.
    pub const START: Self = Self {
        term: START_TERM,
        index: None,
        hash: ChainHash(0),
    };
}

/// Entries and the hash of each prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    entries: Vec<Entry>,
    hashes: Vec<ChainHash>,
}

impl Log {
    /// All entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The hash of every prefix, shortest first.
    pub fn hashes(&self) -> &[ChainHash] {
        &self.hashes
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What stands at `index`, if there is such an entry.
    pub fn at(&self, index: usize) -> Option<Position> {
        let entry = self.entries.get(index)?;
        Some(Position {
            term: entry.term,
            index: Some(index),
            hash: self.hashes[index],
        })
    }

    /// The last entry's place, or [`Position::START`].
    pub fn last(&self) -> Position {
        self.before(self.len())
    }

    /// The place before the entry at `index`; [`Position::START`] if there is none.
    pub fn before(&self, index: usize) -> Position {
        index
            .checked_sub(1)
            .and_then(|index| self.at(index))
            .unwrap_or(Position::START)
    }

    /// Entries after the place `previous`; all if it is the start.
    pub fn after(&self, previous: Option<usize>) -> &[Entry] {
        self.entries.get(next(previous)..).unwrap_or_default()
    }

    /// Adds one entry at the end.
    pub fn push(&mut self, entry: Entry) {
        self.hashes.push(self.last().hash.then(&entry));
        self.entries.push(entry);
    }

    /// Removes everything after `previous` and adds `entries` there.
    pub fn replace_after(&mut self, previous: Option<usize>, entries: &[Entry]) {
        self.entries.truncate(next(previous));
        self.hashes.truncate(next(previous));
        entries.iter().for_each(|entry| self.push(entry.clone()));
    }
}

/// The index after `index`; saturates, since indices arrive from the adversary too.
pub(super) fn next(index: Option<usize>) -> usize {
    index.map_or(0, |index| index.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hash_depends_on_every_entry() {
        let mut log = Log::default();
        for value in ["a", "b", "c"] {
            log.push(Entry::new(0, value));
        }
        let before = log.last();
        assert_eq!(before.hash, ChainHash::of(log.entries()));

        log.replace_after(
            None,
            &[Entry::new(1, "a"), Entry::new(0, "b"), Entry::new(0, "c")],
        );
        assert_eq!(log.last().index, before.index);
        assert_ne!(log.last().hash, before.hash);
    }

    #[test]
    fn replacing_after_an_index_past_the_end_appends() {
        let mut log = Log::default();
        log.replace_after(Some(usize::MAX), &[Entry::new(0, "a")]);
        assert_eq!(log.entries(), [Entry::new(0, "a")]);
        assert!(log.after(Some(usize::MAX)).is_empty());
    }
}
