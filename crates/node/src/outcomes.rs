//! The outcomes of recent entries: for repeats (P6.5), receipts and questions about transactions.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, PoisonError, RwLock},
};

use consensus::{Entry, Hash, RequestKey, message::Applied};

use crate::{
    application::{AppliedEntry, Outcome},
    frames::{Id, OutcomeFrame},
    limits::{REMEMBERED_ENTRIES, REMEMBERED_TRANSACTIONS},
};

/// What became of one entry.
#[derive(Debug)]
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

/// Recent outcomes, the oldest forgotten first.
#[derive(Debug, Default)]
pub(crate) struct RecentOutcomes(RwLock<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// Of consecutive indexes.
    entries: VecDeque<Arc<EntryOutcomes>>,
    transactions: usize,
    /// The first outcome of each request.
    by_key: HashMap<RequestKey, (u64, usize)>,
    by_transaction: HashMap<[u8; 32], (u64, usize)>,
}

impl RecentOutcomes {
    /// Takes in the outcomes of the next entry.
    pub(crate) fn add(&self, entry: Arc<EntryOutcomes>) {
        let mut remembered = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (position, outcome) in entry.outcomes.iter().enumerate() {
            let place = (entry.index(), position);
            remembered.by_key.entry(outcome.key).or_insert(place);
            remembered
                .by_transaction
                .entry(outcome.transaction)
                .or_insert(place);
        }
        remembered.transactions += entry.outcomes.len();
        remembered.entries.push_back(entry);
        remembered.forget(REMEMBERED_TRANSACTIONS, REMEMBERED_ENTRIES);
    }

    /// The first outcome of a request.
    pub(crate) fn of_request(&self, key: &RequestKey) -> Option<Found> {
        let remembered = self.0.read().unwrap_or_else(PoisonError::into_inner);
        remembered.found(*remembered.by_key.get(key)?)
    }

    /// The first outcome of a transaction.
    pub(crate) fn of_transaction(&self, transaction: &[u8; 32]) -> Option<Found> {
        let remembered = self.0.read().unwrap_or_else(PoisonError::into_inner);
        remembered.found(*remembered.by_transaction.get(transaction)?)
    }

    /// The outcomes of an entry.
    pub(crate) fn of_entry(&self, index: u64) -> Option<Arc<EntryOutcomes>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(index)
    }

    /// The lowest index whose outcomes are remembered; zero if none are.
    pub(crate) fn remembered_from(&self) -> u64 {
        let remembered = self.0.read().unwrap_or_else(PoisonError::into_inner);
        remembered.entries.front().map_or(0, |entry| entry.index())
    }
}

impl Remembered {
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
    use consensus::Index;

    fn entry(index: u64, nonces: impl IntoIterator<Item = u64>) -> Arc<EntryOutcomes> {
        let outcome = |nonce: u64| Outcome {
            key: RequestKey {
                account: [1; 32],
                nonce,
            },
            transaction: [u8::try_from(nonce).unwrap(); 32],
            result: index.to_le_bytes().to_vec(),
        };
        Arc::new(EntryOutcomes {
            term: 0,
            digest_before: Hash::default(),
            applied: Applied {
                index: Index(index),
                digest: Hash::default(),
            },
            results_root: Hash::default(),
            outcomes: nonces.into_iter().map(outcome).collect(),
        })
    }

    #[test]
    fn a_repeat_gets_the_first_outcome() {
        let recent = RecentOutcomes::default();
        recent.add(entry(4, [1, 2]));
        recent.add(entry(5, [2, 3]));
        let (found, position) = recent.of_transaction(&[2; 32]).unwrap();
        assert_eq!((found.index(), position), (4, 1));
        let key = RequestKey {
            account: [1; 32],
            nonce: 3,
        };
        assert_eq!(recent.of_request(&key).unwrap().0.index(), 5);
        assert_eq!(recent.remembered_from(), 4);
        assert!(recent.of_entry(3).is_none() && recent.of_entry(6).is_none());
    }

    #[test]
    fn the_oldest_are_forgotten_whole() {
        let mut remembered = Remembered::default();
        let recent = RecentOutcomes::default();
        for index in 1..=10 {
            recent.add(entry(index, [index * 2, index * 2 + 1]));
        }
        std::mem::swap(&mut remembered, &mut recent.0.write().unwrap());
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
