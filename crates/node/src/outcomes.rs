//! What became of requests: recent outcomes in memory, all others from the archive on disk. For
//! repeats (P6.5), receipts and questions about transactions.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, PoisonError, RwLock},
};

use consensus::{Entry, Hash, RequestKey, message::Applied};

use crate::{
    application::{AppliedEntry, Outcome},
    archive::{Archive, Row},
    frames::{Id, OutcomeFrame},
    limits::{REMEMBERED_ENTRIES, REMEMBERED_TRANSACTIONS},
};

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryOutcomes {
    pub(crate) term: u64,
    /// The digest before the entry.
    pub(crate) digest_before: Hash,
    pub(crate) applied: Applied,
    pub(crate) results_root: Hash,
    pub(crate) outcomes: Vec<Outcome>,
}

impl EntryOutcomes {
    pub(crate) fn new(entry: &Entry, digest_before: Hash, applied: AppliedEntry) -> Self {
        Self {
            term: entry.term().0,
            digest_before,
            applied: applied.applied,
            results_root: applied.results_root,
            outcomes: applied.outcomes,
        }
    }

    pub(crate) fn index(&self) -> u64 {
        self.applied.index.0
    }
}

impl From<&Outcome> for OutcomeFrame {
    fn from(outcome: &Outcome) -> Self {
        Self {
            key: outcome.key.into(),
            transaction: Id(outcome.transaction),
            result: outcome.result.clone(),
        }
    }
}

/// A transaction's place: its entry and its position there.
pub(crate) type Found = (Arc<EntryOutcomes>, usize);

/// All outcomes; the recent ones without a look at the disk.
pub(crate) struct Outcomes {
    recent: RwLock<Remembered>,
    archive: Archive,
}

#[derive(Debug, Default)]
struct Remembered {
    /// Of consecutive indexes.
    entries: VecDeque<Arc<EntryOutcomes>>,
    transactions: usize,
    /// The first outcome of each request.
    by_key: HashMap<RequestKey, (u64, usize)>,
    by_transaction: HashMap<[u8; 32], (u64, usize)>,
}

impl Outcomes {
    pub(crate) fn new(archive: Archive) -> Self {
        Self {
            recent: RwLock::default(),
            archive,
        }
    }

    /// Takes in the outcomes of the next entry.
    pub(crate) fn add(&self, entry: Arc<EntryOutcomes>) -> io::Result<()> {
        self.archive.add(&entry)?;
        let mut remembered = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        remembered.add(entry);
        remembered.forget(REMEMBERED_TRANSACTIONS, REMEMBERED_ENTRIES);
        Ok(())
    }

    fn recent<T>(&self, look: impl FnOnce(&Remembered) -> T) -> T {
        look(&self.recent.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first outcome of a request, if it is a recent one. Does not read from disk.
    pub(crate) fn of_request(&self, key: &RequestKey) -> Option<Found> {
        self.recent(|recent| recent.found(*recent.by_key.get(key)?))
    }

    /// The first outcome of a transaction, if it is a recent one. Does not read from disk.
    pub(crate) fn of_recent(&self, transaction: &[u8; 32]) -> Option<Found> {
        self.recent(|recent| recent.found(*recent.by_transaction.get(transaction)?))
    }

    /// The first outcome of a transaction, or of what was done under a reference, however old.
    /// What cannot be read is logged and counts as unknown.
    pub(crate) fn of_transaction(&self, name: &[u8; 32]) -> Option<Found> {
        let (index, position) = read(self.archive.place(name))?;
        let entry = self.of_entry(index)?;
        let position = usize::try_from(position).ok()?;
        (position < entry.outcomes.len()).then_some((entry, position))
    }

    /// The outcomes of an entry, however old.
    pub(crate) fn of_entry(&self, index: u64) -> Option<Arc<EntryOutcomes>> {
        self.recent(|recent| recent.entry(index))
            .or_else(|| read(self.archive.entry(index)).map(Arc::new))
    }

    /// Digests and results roots of the entries from an index on, at most so many.
    pub(crate) fn rows(&self, from: u64, most: u64) -> Vec<Row> {
        read(self.archive.rows(from, most).map(Some)).unwrap_or_default()
    }
}

fn read<T>(found: io::Result<Option<T>>) -> Option<T> {
    found.unwrap_or_else(|error| {
        tracing::error!(%error, "the index of transactions cannot be read");
        None
    })
}

impl Remembered {
    fn add(&mut self, entry: Arc<EntryOutcomes>) {
        for (position, outcome) in entry.outcomes.iter().enumerate() {
            if outcome.repeat {
                // Its first outcome is the answer, and may be forgotten here.
                continue;
            }
            let place = (entry.index(), position);
            self.by_key.entry(outcome.key).or_insert(place);
            self.by_transaction
                .entry(outcome.transaction)
                .or_insert(place);
        }
        self.transactions += entry.outcomes.len();
        self.entries.push_back(entry);
    }

    fn entry(&self, index: u64) -> Option<Arc<EntryOutcomes>> {
        let offset = index.checked_sub(self.entries.front()?.index())?;
        self.entries.get(usize::try_from(offset).ok()?).cloned()
    }

    fn found(&self, (index, position): (u64, usize)) -> Option<Found> {
        Some((self.entry(index)?, position))
    }

    fn forget(&mut self, transactions: usize, entries: usize) {
        while self.transactions > transactions || self.entries.len() > entries {
            let Some(oldest) = self.entries.pop_front() else {
                return;
            };
            self.transactions -= oldest.outcomes.len();
            for (position, outcome) in oldest.outcomes.iter().enumerate() {
                let place = (oldest.index(), position);
                if self.by_key.get(&outcome.key) == Some(&place) {
                    self.by_key.remove(&outcome.key);
                }
                if self.by_transaction.get(&outcome.transaction) == Some(&place) {
                    self.by_transaction.remove(&outcome.transaction);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive;
    use consensus::Index;

    pub(crate) fn entry(index: u64, nonces: impl IntoIterator<Item = u64>) -> Arc<EntryOutcomes> {
        let outcome = |nonce: u64| Outcome {
            key: RequestKey {
                account: [1; 32],
                nonce,
            },
            transaction: [u8::try_from(nonce).unwrap(); 32],
            result: index.to_le_bytes().to_vec(),
            repeat: false,
            reference: None,
        };
        let digest = |index: u64| Hash([u8::try_from(index).unwrap(); 32]);
        Arc::new(EntryOutcomes {
            term: 0,
            digest_before: digest(index - 1),
            applied: Applied {
                index: Index(index),
                digest: digest(index),
            },
            results_root: digest(index + 100),
            outcomes: nonces.into_iter().map(outcome).collect(),
        })
    }

    fn outcomes(directory: &std::path::Path) -> Outcomes {
        let before = Applied {
            index: Index(3),
            digest: Hash([3; 32]),
        };
        let index = archive::clear(directory).unwrap();
        Outcomes::new(Archive::create(&index, before).unwrap())
    }

    #[test]
    fn a_repeat_gets_the_first_outcome() {
        let directory = tempfile::tempdir().unwrap();
        let outcomes = outcomes(directory.path());
        outcomes.add(entry(4, [1, 2])).unwrap();
        outcomes.add(entry(5, [2, 3])).unwrap();
        let (found, position) = outcomes.of_transaction(&[2; 32]).unwrap();
        assert_eq!((found.index(), position), (4, 1));
        let key = RequestKey {
            account: [1; 32],
            nonce: 3,
        };
        assert_eq!(outcomes.of_request(&key).unwrap().0.index(), 5);
        assert!(outcomes.of_entry(3).is_none() && outcomes.of_entry(6).is_none());
        assert!(outcomes.add(entry(7, [])).is_err(), "an entry is missing");
    }

    #[test]
    fn what_memory_forgets_is_still_answered_from_disk() {
        let directory = tempfile::tempdir().unwrap();
        let outcomes = outcomes(directory.path());
        for index in 4..=90 {
            outcomes
                .add(entry(index, [index * 2, index * 2 + 1]))
                .unwrap();
        }
        let before = outcomes.of_entry(50).unwrap();
        outcomes.recent.write().unwrap().forget(6, 2);
        assert!(outcomes.of_recent(&[100; 32]).is_none());
        assert!(outcomes.of_recent(&[180; 32]).is_some());
        for index in 4..=90_u64 {
            let name = [u8::try_from(index * 2 + 1).unwrap(); 32];
            let (found, position) = outcomes.of_transaction(&name).unwrap();
            assert_eq!((found.index(), position), (index, 1));
            assert_eq!(*found, *entry(index, [index * 2, index * 2 + 1]));
        }
        assert_eq!(*outcomes.of_entry(50).unwrap(), *before);
        let rows = outcomes.rows(10, 5);
        let roots: Vec<_> = rows.iter().map(|row| row.results_root.0[0]).collect();
        assert_eq!(roots, [110, 111, 112, 113, 114]);
        assert_eq!(rows[4].digest, Hash([14; 32]));
        assert_eq!(outcomes.rows(89, 1000).len(), 2);
        assert!(outcomes.rows(91, 10).is_empty() && outcomes.rows(3, 10).is_empty());
    }

    #[test]
    fn a_repeat_is_never_taken_for_the_first_outcome() {
        let directory = tempfile::tempdir().unwrap();
        let outcomes = outcomes(directory.path());
        outcomes.add(entry(4, [1])).unwrap();
        outcomes.recent.write().unwrap().forget(0, 0);
        let mut repeated = Arc::unwrap_or_clone(entry(5, [1, 2]));
        for outcome in &mut repeated.outcomes {
            outcome.repeat = true;
        }
        outcomes.add(Arc::new(repeated)).unwrap();
        assert!(outcomes.of_recent(&[1; 32]).is_none());
        let index_of = |name| outcomes.of_transaction(&name).unwrap().0.index();
        assert_eq!(index_of([1; 32]), 4);
        // The other one lost its number to somebody: that is what became of it.
        assert_eq!(index_of([2; 32]), 5);
    }

    #[test]
    fn the_next_start_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let first = outcomes(directory.path());
        first.add(entry(4, [1])).unwrap();
        drop(first);
        let again = outcomes(directory.path());
        assert!(again.of_transaction(&[1; 32]).is_none());
        again.add(entry(4, [2])).unwrap();
        assert!(again.of_transaction(&[2; 32]).is_some());
    }

    #[test]
    fn the_oldest_are_forgotten_whole() {
        let mut remembered = Remembered::default();
        for index in 1..=10 {
            remembered.add(entry(index, [index * 2, index * 2 + 1]));
        }
        remembered.forget(6, 100);
        assert_eq!(remembered.entries.len(), 3);
        assert_eq!(
            (remembered.by_key.len(), remembered.by_transaction.len()),
            (6, 6)
        );
        remembered.forget(6, 1);
        assert_eq!((remembered.entries.len(), remembered.by_key.len()), (1, 2));
    }
}
