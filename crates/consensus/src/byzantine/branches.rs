//! Checked entries that are not on the chain: what was fetched, what came ahead of its turn, and
//! the branches that reports name. Bounded in number and bytes (P12.1).

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    entry::Entry,
    limits,
    mode::FaultModel,
    types::{Index, Point},
};

#[derive(Debug)]
pub(super) struct Branches {
    most_entries: usize,
    most_bytes: usize,
    entries: BTreeMap<Point, (Arc<Entry>, u64)>,
    /// In order of arrival.
    order: BTreeMap<u64, Point>,
    arrivals: u64,
    bytes: usize,
}

impl Branches {
    pub(super) const fn new(sizes: FaultModel) -> Self {
        Self {
            most_entries: limits::branch_entries(sizes),
            most_bytes: limits::branch_bytes(sizes),
            entries: BTreeMap::new(),
            order: BTreeMap::new(),
            arrivals: 0,
            bytes: 0,
        }
    }

    /// How many entries came so far.
    pub(super) const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Keeps an entry and says whether it is new. Past the bound the oldest goes: whatever is
    /// useless leaves in the end, so nobody can occupy the room for good.
    pub(super) fn insert(&mut self, entry: &Arc<Entry>) -> bool {
        if self.entries.contains_key(&entry.point()) {
            return false;
        }
        self.bytes += entry.body_bytes();
        self.arrivals += 1;
        self.order.insert(self.arrivals, entry.point());
        self.entries
            .insert(entry.point(), (Arc::clone(entry), self.arrivals));
        while self.entries.len() > self.most_entries || self.bytes > self.most_bytes {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            if let Some((dropped, _)) = self.entries.remove(&oldest) {
                self.bytes -= dropped.body_bytes();
            }
        }
        true
    }

    pub(super) fn get(&self, point: Point) -> Option<&Arc<Entry>> {
        self.entries.get(&point).map(|(entry, _)| entry)
    }

    /// Entries at one index, of whatever branch.
    pub(super) fn at(&self, index: Index) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries
            .range(
                Point {
                    index,
                    ..Point::default()
                }..,
            )
            .map(|(_, (entry, _))| entry)
            .take_while(move |entry| entry.index() == index)
    }

    /// How far entries lead on from `point` without a gap; where they fork, the first found.
    pub(super) fn furthest(&self, mut point: Point) -> Point {
        while let Some(next) = self
            .at(point.index.next())
            .find(|entry| entry.header().previous == point.hash)
        {
            point = next.point();
        }
        point
    }

    /// Forgets what lies at or below a committed index.
    pub(super) fn forget(&mut self, index: Index) {
        while let Some(first) = self.entries.first_entry() {
            if first.key().index > index {
                break;
            }
            let (entry, arrival) = first.remove();
            self.order.remove(&arrival);
            self.bytes -= entry.body_bytes();
        }
    }
}
