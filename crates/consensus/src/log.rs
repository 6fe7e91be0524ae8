//! The chain of entries that a replica holds in memory: everything uncommitted, and some of what
//! is committed, for peers that lag a little.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    entry::Entry,
    types::{Hash, Index, Point, Term},
};

/// A chain of linked entries. Whatever lies before its first entry is committed and on disk.
#[derive(Clone, Debug)]
pub struct Log {
    /// The point before the first entry.
    before: Point,
    /// Term of that point.
    before_term: Term,
    entries: VecDeque<Arc<Entry>>,
    /// For each entry the bytes of its body and of all before it, counted from `before_bytes`.
    bytes: VecDeque<u64>,
    before_bytes: u64,
}

impl Log {
    /// A chain that continues from `before`.
    #[must_use]
    pub fn new(before: Point, before_term: Term) -> Self {
        Self {
            before,
            before_term,
            entries: VecDeque::new(),
            bytes: VecDeque::new(),
            before_bytes: 0,
        }
    }

    /// The point before the first entry in memory.
    #[must_use]
    pub const fn before(&self) -> Point {
        self.before
    }

    /// The last point.
    #[must_use]
    pub fn last(&self) -> Point {
        self.entries
            .back()
            .map_or(self.before, |entry| entry.point())
    }

    /// Term of the last point.
    #[must_use]
    pub fn last_term(&self) -> Term {
        self.entries
            .back()
            .map_or(self.before_term, |entry| entry.term())
    }

    /// Timestamp of the last entry in memory, or zero.
    #[must_use]
    pub fn last_timestamp(&self) -> u64 {
        self.entries
            .back()
            .map_or(0, |entry| entry.header().timestamp)
    }

    /// The entry at `index`, if it is in memory.
    #[must_use]
    pub fn get(&self, index: Index) -> Option<&Arc<Entry>> {
        let offset = index.0.checked_sub(self.before.index.0 + 1)?;
        self.entries.get(usize::try_from(offset).ok()?)
    }

    /// The hash at `index`, if known here.
    #[must_use]
    pub fn hash_at(&self, index: Index) -> Option<Hash> {
        if index == self.before.index {
            return Some(self.before.hash);
        }
        self.get(index).map(|entry| entry.point().hash)
    }

    /// The term at `index`, if known here.
    #[must_use]
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.before.index {
            return Some(self.before_term);
        }
        self.get(index).map(|entry| entry.term())
    }

    /// The point at `index`, if known here.
    #[must_use]
    pub fn point_at(&self, index: Index) -> Option<Point> {
        self.hash_at(index).map(|hash| Point { index, hash })
    }

    /// Whether the point is known to be on this chain. False also for points below memory.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        self.hash_at(point.index) == Some(point.hash)
    }

    /// The entries after `index`, in order; empty if they are not all in memory.
    pub fn after(&self, index: Index) -> impl Iterator<Item = &Arc<Entry>> {
        let skip = index
            .0
            .checked_sub(self.before.index.0)
            .and_then(|skip| usize::try_from(skip).ok())
            .unwrap_or(self.entries.len());
        self.entries.iter().skip(skip)
    }

    /// Bytes of the bodies after `index`, up to the last; of all in memory if it lies below.
    #[must_use]
    pub fn bytes_after(&self, index: Index) -> u64 {
        let counted = |bytes: Option<&u64>| bytes.copied().unwrap_or(self.before_bytes);
        let last = counted(self.bytes.back());
        let offset = index.0.checked_sub(self.before.index.0 + 1);
        let below = match offset.and_then(|offset| usize::try_from(offset).ok()) {
            Some(offset) if offset >= self.bytes.len() => last,
            Some(offset) => counted(self.bytes.get(offset)),
            None => self.before_bytes,
        };
        last - below
    }

    /// Appends an entry.
    ///
    /// # Panics
    /// If it does not extend the chain: callers check links first.
    pub fn append(&mut self, entry: Arc<Entry>) {
        let last = self.last();
        assert_eq!(
            entry.header().previous,
            last.hash,
            "P2.4: the log is chained"
        );
        assert_eq!(
            entry.index(),
            last.index.next(),
            "P2.4: indexes are consecutive"
        );
        assert!(
            entry.term() >= self.last_term(),
            "P2.4: terms never decrease along a chain"
        );
        let below = self.bytes.back().copied().unwrap_or(self.before_bytes);
        self.bytes.push_back(below + entry.body_bytes() as u64);
        self.entries.push_back(entry);
    }

    /// Drops everything beyond `index` and returns it.
    ///
    /// # Panics
    /// If that reaches below memory, where everything is committed.
    pub fn truncate(&mut self, index: Index) -> Vec<Arc<Entry>> {
        let keep = index
            .0
            .checked_sub(self.before.index.0)
            .expect("what is below memory is committed and never truncated");
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        self.bytes.truncate(keep);
        self.entries.split_off(keep.min(self.entries.len())).into()
    }

    /// Forgets entries at or below `index`.
    pub fn forget(&mut self, index: Index) {
        while let Some(entry) = self.entries.front() {
            if entry.index() > index {
                break;
            }
            self.before = entry.point();
            self.before_term = entry.term();
            self.before_bytes = self.bytes.pop_front().unwrap_or(self.before_bytes);
            self.entries.pop_front();
        }
    }
}
