//! What the state machine can tell of the entries that it executed last. Execution does not read it:
//! what is forgotten here changes no result (P6.5).

use std::collections::{HashMap, VecDeque};

use consensus::{
    Entry, EntryKind, Hash, Index, NodeId, Point, Term, encoding::Canonical, merkle,
    message::Applied,
};

use crate::{
    limits::{RETAINED_ENTRIES, RETAINED_TRANSACTIONS},
    outcome::{Place, TransactionResult},
};

const DIGEST_TAG: &str = "hawser/v1/results";

/// Many short byte strings in one allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed {
    bytes: Box<[u8]>,
    ends: Box<[u32]>,
}

impl Packed {
    fn new(items: &[Vec<u8>]) -> Self {
        let mut end = 0;
        let ends = items.iter().map(|item| {
            end += item.len();
            u32::try_from(end).expect("results of an entry take less than 4 GiB")
        });
        Self {
            ends: ends.collect(),
            bytes: items.concat().into(),
        }
    }

    pub(crate) fn get(&self, position: usize) -> Option<&[u8]> {
        let end = *self.ends.get(position)? as usize;
        let start = position
            .checked_sub(1)
            .map_or(0, |before| self.ends[before] as usize);
        Some(&self.bytes[start..end])
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.ends.len()).map(|position| self.get(position).expect("within its length"))
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// An executed entry.
#[derive(Clone, Debug)]
pub struct ExecutedEntry {
    /// Its point.
    pub point: Point,
    /// Its term.
    pub term: Term,
    /// The leader that made it.
    pub author: NodeId,
    /// What its body is.
    pub kind: EntryKind,
    /// Its author's clock, in milliseconds since the Unix epoch.
    pub timestamp: u64,
    /// The Merkle root of its results.
    pub results_root: Hash,
    /// The result digest before it.
    pub digest_before: Hash,
    /// The result digest that includes it.
    pub digest: Hash,
    results: Packed,
}

impl ExecutedEntry {
    /// How many transactions it has.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.results.len()
    }

    /// The canonical bytes of its results.
    pub fn result_bytes(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.results.iter()
    }

    /// The result at a position.
    #[must_use]
    pub fn result(&self, position: u32) -> Option<TransactionResult> {
        let bytes = self.results.get(position as usize)?;
        Some(TransactionResult::from_bytes(bytes).expect("results were encoded here"))
    }
}

/// The result digest after an entry: it chains the results root of every entry (P2.6). Before the
/// first entry it is the hash of the epoch's opening.
#[must_use]
pub fn next_digest(before: &Hash, index: Index, results_root: &Hash) -> Hash {
    consensus::hashing::tagged_hash(
        DIGEST_TAG,
        &[&before.0, &index.0.to_le_bytes(), &results_root.0],
    )
}

/// The last executed entries.
#[derive(Clone, Debug)]
pub(crate) struct History {
    entries: VecDeque<ExecutedEntry>,
    /// Where each remembered transaction was first executed. Never iterated.
    transactions: HashMap<Hash, Place>,
    /// Results of all remembered entries together.
    count: usize,
    applied: Applied,
    most_transactions: usize,
    most_entries: usize,
}

impl History {
    pub(crate) fn new(opening: Point) -> Self {
        Self::with_limits(opening, RETAINED_TRANSACTIONS, RETAINED_ENTRIES)
    }

    pub(crate) fn with_limits(
        opening: Point,
        most_transactions: usize,
        most_entries: usize,
    ) -> Self {
        Self {
            entries: VecDeque::new(),
            transactions: HashMap::new(),
            count: 0,
            applied: Applied {
                index: opening.index,
                digest: opening.hash,
            },
            most_transactions,
            most_entries,
        }
    }

    /// How far execution has come.
    pub(crate) const fn applied(&self) -> Applied {
        self.applied
    }

    /// The last executed entry, if it is remembered.
    pub(crate) fn last(&self) -> Option<&ExecutedEntry> {
        self.entries.back()
    }

    pub(crate) fn entry(&self, index: u64) -> Option<&ExecutedEntry> {
        let first = self.entries.front()?.point.index.0;
        let position = usize::try_from(index.checked_sub(first)?).ok()?;
        self.entries.get(position)
    }

    pub(crate) fn place(&self, transaction: &Hash) -> Option<Place> {
        self.transactions.get(transaction).copied()
    }

    #[cfg(test)]
    pub(crate) fn result_at(&self, place: Place) -> Option<TransactionResult> {
        self.entry(place.index)?.result(place.position)
    }

    /// Notes where a transaction is being executed, so that a repeat in the same entry finds it.
    pub(crate) fn note(&mut self, transaction: Hash, place: Place) {
        self.transactions.entry(transaction).or_insert(place);
    }

    /// Takes in an executed entry and forgets what is beyond the limits. Returns the results root,
    /// and how far execution has come.
    pub(crate) fn push(&mut self, entry: &Entry, results: &[Vec<u8>]) -> (Hash, Applied) {
        let (header, results_root) = (entry.header(), merkle::root(results));
        let digest_before = self.applied.digest;
        let digest = next_digest(&digest_before, header.index, &results_root);
        self.applied = Applied {
            index: header.index,
            digest,
        };
        self.count += results.len();
        self.entries.push_back(ExecutedEntry {
            point: entry.point(),
            term: header.term,
            author: header.author,
            kind: header.kind,
            timestamp: header.timestamp,
            results_root,
            digest_before,
            digest,
            results: Packed::new(results),
        });
        while self.count > self.most_transactions || self.entries.len() > self.most_entries {
            self.forget_first();
        }
        (results_root, self.applied)
    }

    fn forget_first(&mut self) {
        let Some(entry) = self.entries.pop_front() else {
            return;
        };
        self.count -= entry.results.len();
        for (position, result) in (0_u32..).zip(entry.result_bytes()) {
            let id = result.first_chunk().map(|&id| Hash(id));
            let id = id.expect("a result begins with the transaction's id");
            let place = Place {
                index: entry.point.index.0,
                position,
            };
            // A repeat points to its first execution, which may still be remembered.
            if self.transactions.get(&id) == Some(&place) {
                self.transactions.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use consensus::{
        ClientChecks, Configuration, Domain, EntryHeader, Epoch, Mode, PublicKey, Signature,
        SignedHeader,
    };

    use super::*;
    use crate::outcome::{Earlier, Outcome};

    fn configuration() -> Configuration {
        let domain = Domain {
            network: Hash([1; 32]),
            mode: Mode::Raft,
        };
        Configuration::genesis(domain, vec![PublicKey([0; 32])], ClientChecks::All).unwrap()
    }

    fn entry(configuration: &Configuration, index: u64) -> Entry {
        let header = EntryHeader {
            kind: EntryKind::Transactions,
            epoch: Epoch::ZERO,
            term: Term::ZERO,
            index: Index(index),
            author: NodeId(0),
            previous: Hash::default(),
            body_root: Hash::default(),
            count: 0,
            timestamp: 0,
        };
        let signature = Signature::NONE;
        let payloads: Vec<Arc<[u8]>> = Vec::new();
        Entry::new(configuration, SignedHeader { header, signature }, payloads)
    }

    fn id(number: u64) -> Hash {
        consensus::hashing::tagged_hash("test", &[&number.to_le_bytes()])
    }

    /// Executes an entry of these transactions.
    fn push(history: &mut History, configuration: &Configuration, transactions: &[u64]) {
        let index = history.applied().index.next().0;
        let mut results = Vec::new();
        for (position, &number) in (0..).zip(transactions) {
            let (transaction, place) = (id(number), Place { index, position });
            let repeats = history
                .place(&transaction)
                .map(|place| Earlier { transaction, place });
            history.note(transaction, place);
            let outcome = Outcome::Applied;
            let result = TransactionResult {
                transaction,
                repeats,
                outcome,
            };
            results.push(result.to_bytes());
        }
        history.push(&entry(configuration, index), &results);
    }

    #[test]
    fn what_is_beyond_the_limits_is_forgotten_whole_entries_at_a_time() {
        let configuration = configuration();
        let mut history = History::with_limits(configuration.opening(), 5, 100);
        push(&mut history, &configuration, &[1, 2]);
        push(&mut history, &configuration, &[3, 4]);
        assert!(history.place(&id(1)).is_some());
        push(&mut history, &configuration, &[5, 6]);
        assert_eq!(history.place(&id(1)), None);
        assert_eq!(history.place(&id(2)), None);
        assert!(history.entry(1).is_none());
        for (number, index, position) in [(3, 2, 0), (4, 2, 1), (5, 3, 0), (6, 3, 1)] {
            let place = Place { index, position };
            assert_eq!(history.place(&id(number)), Some(place));
            let result = history.result_at(place).unwrap();
            assert_eq!(result.transaction, id(number));
        }
        assert_eq!(history.transactions.len(), 4);
    }

    #[test]
    fn forgetting_a_repeat_keeps_nothing_behind() {
        let configuration = configuration();
        let mut history = History::with_limits(configuration.opening(), 3, 100);
        push(&mut history, &configuration, &[1, 1]);
        push(&mut history, &configuration, &[1]);
        push(&mut history, &configuration, &[2]);
        // The first execution is forgotten, so the repeat that is left cannot be looked up.
        assert_eq!(history.place(&id(1)), None);
        push(&mut history, &configuration, &[1]);
        assert_eq!(history.place(&id(1)).map(|place| place.index), Some(4));
        push(&mut history, &configuration, &[3, 4, 5]);
        assert_eq!(history.transactions.len(), 3);
    }

    #[test]
    fn entries_without_transactions_are_bounded_too() {
        let configuration = configuration();
        let mut history = History::with_limits(configuration.opening(), 100, 2);
        for _ in 0..5 {
            push(&mut history, &configuration, &[]);
        }
        assert_eq!(history.entries.len(), 2);
        assert_eq!(history.applied().index, Index(5));
        assert!(history.entry(3).is_none() && history.entry(4).is_some());
        let empty = merkle::root::<[u8; 0]>(&[]);
        assert_eq!(
            history.entry(5).map(|entry| entry.results_root),
            Some(empty)
        );
    }

    #[test]
    fn the_digest_chains_every_results_root() {
        let configuration = configuration();
        let mut history = History::new(configuration.opening());
        push(&mut history, &configuration, &[1]);
        push(&mut history, &configuration, &[2]);
        let (first, second) = (history.entry(1).unwrap(), history.entry(2).unwrap());
        assert_eq!(first.digest_before, configuration.opening().hash);
        assert_eq!(second.digest_before, first.digest);
        let expected = next_digest(&first.digest, Index(2), &second.results_root);
        assert_eq!(second.digest, expected);
        assert_eq!(history.applied().digest, expected);
    }
}
