//! Checked entries that are not on the chain: what was fetched, what came ahead of its turn, and
//! the branches that reports name. Bounded in number and bytes (P12.1).

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    entry::Entry,
    limits,
    log::Log,
    types::{Index, Point},
};

const BYTES: usize = 64 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Branches {
    entries: BTreeMap<Point, (Arc<Entry>, u64)>,
    /// In order of arrival.
    order: BTreeMap<u64, Point>,
    arrivals: u64,
    bytes: usize,
}

impl Branches {
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
        while self.entries.len() > limits::BRANCH_ENTRIES || self.bytes > BYTES {
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

    /// The entries that lead from the chain to `point`, and the point of the chain that they hang
    /// from; or, if some are missing, the lowest point known to lack its entry.
    pub(super) fn path(&self, log: &Log, point: Point) -> Result<(Point, Vec<Arc<Entry>>), Point> {
        let mut path = Vec::new();
        let mut at = point;
        while !log.contains(at) {
            let Some(entry) = self.get(at) else {
                return Err(at);
            };
            path.push(Arc::clone(entry));
            at = Point {
                index: at.index.previous(),
                hash: entry.header().previous,
            };
        }
        path.reverse();
        Ok((at, path))
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
