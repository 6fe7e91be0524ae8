//! What one node has on disk, as an outsider sees it: the memory that promises are checked against.

use std::collections::{BTreeMap, BTreeSet};

use consensus::{Hash, Index, NodeId, Point, Record, Term, VoteState, message::Grant};

/// An entry of a stored chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainEntry {
    /// Its hash.
    pub hash: Hash,
    /// Its term.
    pub term: Term,
}

/// A chain of entries; position 0 holds index 1.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    entries: Vec<ChainEntry>,
}

impl Chain {
    /// The last index.
    #[must_use]
    pub fn last(&self) -> Index {
        Index(self.entries.len() as u64)
    }

    /// The entry at `index`.
    #[must_use]
    pub fn get(&self, index: Index) -> Option<&ChainEntry> {
        let position = index.0.checked_sub(1)?;
        self.entries.get(usize::try_from(position).ok()?)
    }

    /// Whether the entry of this point is in the chain.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        self.get(point.index)
            .is_some_and(|entry| entry.hash == point.hash)
    }

    /// Puts an entry at `index` in place of everything from there on, and returns that.
    pub fn put(&mut self, index: Index, entry: ChainEntry) -> Vec<ChainEntry> {
        let replaced = self.truncate(index.previous());
        self.entries.push(entry);
        replaced
    }

    /// Drops everything beyond `last` and returns it.
    pub fn truncate(&mut self, last: Index) -> Vec<ChainEntry> {
        let keep = usize::try_from(last.0).unwrap_or(usize::MAX);
        if keep >= self.entries.len() {
            return Vec::new();
        }
        self.entries.split_off(keep)
    }
}

/// The durable promises and entries of one node, with every promise that was ever durable: a
/// message may leave late, after a newer promise was stored.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    /// The chain.
    pub chain: Chain,
    /// Entries that were durable and are no longer in the chain, and the side branch.
    displaced: BTreeSet<Hash>,
    /// The highest term entered.
    pub term: Term,
    /// The furthest point of the accepted pair in each term.
    pairs: BTreeMap<Term, Point>,
    /// The furthest locked point in each term.
    locks: BTreeMap<Term, Point>,
    /// The grant given in each term.
    grants: BTreeMap<Term, Grant>,
    /// Raft: whom it voted for in each term.
    votes: BTreeMap<Term, NodeId>,
    /// The last term led.
    pub led: Option<Term>,
    latest: Option<VoteState>,
}

impl Durable {
    /// Takes in a write that became durable.
    pub fn write(&mut self, vote_state: &VoteState, records: &[Record]) {
        for record in records {
            match record {
                Record::Entry(entry) => {
                    let put = ChainEntry {
                        hash: entry.point().hash,
                        term: entry.term(),
                    };
                    let replaced = self.chain.put(entry.index(), put);
                    self.displaced.extend(replaced.iter().map(|one| one.hash));
                }
                Record::Truncate(last) => {
                    let dropped = self.chain.truncate(*last);
                    self.displaced.extend(dropped.iter().map(|one| one.hash));
                }
                Record::SideEntry(entry) => {
                    self.displaced.insert(entry.point().hash);
                }
                _ => {}
            }
        }
        if self.latest.as_ref() != Some(vote_state) {
            self.promise(vote_state);
            self.latest = Some(vote_state.clone());
        }
    }

    fn promise(&mut self, state: &VoteState) {
        self.term = self.term.max(state.term);
        self.led = self.led.max(state.led);
        keep_furthest(&mut self.pairs, state.pair_term, state.pair_point);
        if let Some(locked) = state.locked {
            keep_furthest(&mut self.locks, state.pair_term, locked);
        }
        if let Some(grant) = &state.granted {
            self.grants.insert(grant.term, grant.clone());
        }
        if let Some(candidate) = state.voted_for {
            self.votes.insert(state.term, candidate);
        }
    }

    /// Whether the entry of this point is, or once was, durable.
    #[must_use]
    pub fn holds(&self, point: Point) -> bool {
        point.index == Index::ZERO
            || self.chain.contains(point)
            || self.displaced.contains(&point.hash)
    }

    /// Whether the accepted pair of `term` reached as far as this point.
    #[must_use]
    pub fn accepted(&self, term: Term, point: Point) -> bool {
        reaches(&self.pairs, term, point)
    }

    /// Whether the lock of `term` reached as far as this point.
    #[must_use]
    pub fn locked(&self, term: Term, point: Point) -> bool {
        reaches(&self.locks, term, point)
    }

    /// Whether this grant is stored.
    #[must_use]
    pub fn granted(&self, grant: &Grant) -> bool {
        self.grants.get(&grant.term) == Some(grant)
    }

    /// Whom the node voted for in a term of Raft.
    #[must_use]
    pub fn voted_for(&self, term: Term) -> Option<NodeId> {
        self.votes.get(&term).copied()
    }
}

fn keep_furthest(points: &mut BTreeMap<Term, Point>, term: Term, point: Point) {
    let furthest = points.entry(term).or_insert(point);
    if point.index >= furthest.index {
        *furthest = point;
    }
}

fn reaches(points: &BTreeMap<Term, Point>, term: Term, point: Point) -> bool {
    points
        .get(&term)
        .is_some_and(|furthest| *furthest == point || furthest.index > point.index)
}
