//! Points (P2.5): what entries and their chains come down to.

use std::{
    collections::HashMap,
    sync::{
        RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Term;

/// An entry together with everything before it, named by its place in a [`Forest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point(u32);

impl Point {
    /// The epoch's first point.
    pub const OPENING: Self = Self(0);
}

/// What an entry holds, as far as the rules care. Entries of one term after one point differ in
/// their kind, and in nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Transactions or a term record; a leader that signs two of them has signed two branches.
    Entry(u8),
    /// A stop sign that the entries before it authorize (P3.2, P9.2).
    StopSign,
    /// A stop sign that nothing authorizes: no correct node votes for it.
    FalseStopSign,
}

impl Kind {
    const fn code(self) -> u64 {
        match self {
            Self::StopSign => 0xfe,
            Self::FalseStopSign => 0xff,
            Self::Entry(branch) => branch as u64,
        }
    }

    const fn of(code: u64) -> Self {
        match code & 0xff {
            0xfe => Self::StopSign,
            0xff => Self::FalseStopSign,
            branch => Self::Entry(branch as u8),
        }
    }

    /// Whether nothing may follow.
    #[must_use]
    pub const fn stops(self) -> bool {
        matches!(self, Self::StopSign | Self::FalseStopSign)
    }
}

/// The term of the opening's header: that of no entry.
const NO_TERM: u64 = 0xffff;

/// Every point that anybody spoke of, as parents. A point made of the same parent, term and kind
/// is the same point whoever asks first, so states can be compared by the points in them.
///
/// Reading takes no lock. A slot packs parent (24 bits), index, term (16 each) and kind (8).
#[derive(Debug)]
pub struct Forest {
    slots: Box<[AtomicU64]>,
    made: RwLock<HashMap<(Point, Term, Kind), Point>>,
}

impl Forest {
    /// A forest with room for `capacity` points, at most 2²⁴.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, 1 << 24);
        let forest = Self {
            slots: (0..capacity).map(|_| AtomicU64::new(0)).collect(),
            made: RwLock::default(),
        };
        forest.slots[0].store(NO_TERM << 8, Ordering::Release);
        forest
    }

    fn slot(&self, point: Point) -> u64 {
        // A point is only ever handed out by `after`, which filled its slot.
        self.slots[point.0 as usize].load(Ordering::Acquire)
    }

    /// The point after `parent` made by an entry of this term and kind; `None` if there is no
    /// room for another.
    #[must_use]
    pub fn after(&self, parent: Point, term: Term, kind: Kind) -> Option<Point> {
        let key = (parent, term, kind);
        if let Some(known) = self.known(parent, term, kind) {
            return Some(known);
        }
        let mut made = self.made.write().ok()?;
        if let Some(&known) = made.get(&key) {
            return Some(known);
        }
        let place = made.len() + 1;
        let index = u64::from(u16::try_from(self.index(parent) + 1).ok()?);
        let slot = u64::from(parent.0) << 40 | index << 24 | u64::from(term) << 8 | kind.code();
        self.slots.get(place)?.store(slot, Ordering::Release);
        let point = Point(u32::try_from(place).ok()?);
        made.insert(key, point);
        Some(point)
    }

    /// The same, if anybody has asked for it yet.
    #[must_use]
    pub fn known(&self, parent: Point, term: Term, kind: Kind) -> Option<Point> {
        self.made.read().ok()?.get(&(parent, term, kind)).copied()
    }

    /// The point before; the opening's is itself.
    #[must_use]
    pub fn parent(&self, point: Point) -> Point {
        Point((self.slot(point) >> 40) as u32)
    }

    /// How many entries lie between the opening and the point.
    #[must_use]
    pub fn index(&self, point: Point) -> u32 {
        (self.slot(point) >> 24) as u32 & 0xffff
    }

    /// Whether the point's entry was made in `term`; the opening's in none.
    #[must_use]
    pub fn is_of(&self, point: Point, term: Term) -> bool {
        point != Point::OPENING && self.term(point) == term
    }

    /// The term of the point's entry; meaningless for the opening.
    #[must_use]
    pub fn term(&self, point: Point) -> Term {
        (self.slot(point) >> 8) as u16
    }

    /// What the point's entry holds.
    #[must_use]
    pub fn kind(&self, point: Point) -> Kind {
        Kind::of(self.slot(point))
    }

    /// ⊒: whether `point` is `other` or extends it.
    #[must_use]
    pub fn extends(&self, mut point: Point, other: Point) -> bool {
        let height = self.index(other);
        while self.index(point) > height {
            point = self.parent(point);
        }
        point == other
    }

    /// Whether one of the two extends the other.
    #[must_use]
    pub fn on_one_chain(&self, one: Point, other: Point) -> bool {
        self.extends(one, other) || self.extends(other, one)
    }

    /// Where the entries of `term` at the end of a chain begin: base(term) for every point that
    /// a correct node accepted in `term`.
    #[must_use]
    pub fn root(&self, term: Term, mut point: Point) -> Point {
        while self.is_of(point, term) {
            point = self.parent(point);
        }
        point
    }

    /// The point's ancestor at an index, itself included.
    #[must_use]
    pub fn at(&self, mut point: Point, index: u32) -> Point {
        while self.index(point) > index {
            point = self.parent(point);
        }
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_keep_their_order() {
        let forest = Forest::new(8);
        let one = forest.after(Point::OPENING, 0, Kind::Entry(0)).unwrap();
        let two = forest.after(one, 0, Kind::Entry(1)).unwrap();
        let stop = forest.after(two, 3, Kind::StopSign).unwrap();
        let rival = forest.after(one, 0, Kind::Entry(0)).unwrap();
        assert_eq!(forest.after(one, 0, Kind::Entry(1)), Some(two));
        assert!(forest.extends(stop, one) && forest.extends(stop, stop));
        assert!(!forest.extends(one, stop) && !forest.on_one_chain(rival, stop));
        assert_eq!((forest.index(stop), forest.term(stop)), (3, 3));
        assert_eq!(forest.kind(stop), Kind::StopSign);
        assert_eq!(forest.root(3, stop), two);
        assert_eq!(forest.root(0, two), Point::OPENING);
        assert_eq!(forest.at(stop, 1), one);
    }

    #[test]
    fn a_full_forest_says_so() {
        let forest = Forest::new(2);
        let one = forest.after(Point::OPENING, 0, Kind::Entry(0)).unwrap();
        assert_eq!(forest.after(one, 0, Kind::Entry(0)), None);
    }
}
