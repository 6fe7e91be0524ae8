//! What a node applied, so that two nodes can be compared entry by entry.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use consensus::{Entry, Payloads, message::Applied};
use node::{Application, AppliedEntry, KnownKeys, NotAdmitted, TransactionId};

/// Entries remembered: 2 MiB.
const REMEMBERED: usize = 65_536;

/// The hashes of the entries applied last.
#[derive(Debug, Default)]
pub struct History(Mutex<Hashes>);

#[derive(Debug, Default)]
struct Hashes {
    /// The index of the first.
    first: u64,
    hashes: VecDeque<[u8; 32]>,
}

impl History {
    fn add(&self, index: u64, hash: [u8; 32]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.hashes.is_empty() {
            known.first = index;
        }
        known.hashes.push_back(hash);
        if known.hashes.len() > REMEMBERED {
            known.hashes.pop_front();
            known.first += 1;
        }
    }

    /// The hash of the entry applied at an index, if it is remembered.
    #[must_use]
    pub fn hash(&self, index: u64) -> Option<[u8; 32]> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let position = usize::try_from(index.checked_sub(known.first)?).ok()?;
        known.hashes.get(position).copied()
    }
}

/// An application whose entries are remembered on the way.
pub struct Recorded {
    inner: Box<dyn Application>,
    history: Arc<History>,
}

impl Recorded {
    /// Remembers in `history` what `inner` applies.
    #[must_use]
    pub fn new(inner: Box<dyn Application>, history: Arc<History>) -> Self {
        Self { inner, history }
    }
}

impl Application for Recorded {
    fn payloads(&self) -> Arc<dyn Payloads> {
        self.inner.payloads()
    }

    fn applied(&self) -> Applied {
        self.inner.applied()
    }

    fn apply(&mut self, entry: &Entry) -> AppliedEntry {
        let point = entry.point();
        let applied = self.inner.apply(entry);
        self.history.add(point.index.0, point.hash.0);
        applied
    }

    fn admit(&self, payload: &[u8]) -> Result<(), NotAdmitted> {
        self.inner.admit(payload)
    }

    fn query(&self, question: &[u8]) -> Vec<u8> {
        self.inner.query(question)
    }

    fn known_keys(&self) -> Option<Arc<dyn KnownKeys>> {
        self.inner.known_keys()
    }

    fn transaction_id(&self) -> Option<TransactionId> {
        self.inner.transaction_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entries_are_remembered_at_their_indexes() {
        let history = History::default();
        assert_eq!(history.hash(0), None);
        for index in 1..=REMEMBERED as u64 + 10 {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&index.to_le_bytes());
            history.add(index, hash);
        }
        assert_eq!(history.hash(10), None);
        for index in [11, 12, 65_546] {
            assert_eq!(history.hash(index).unwrap()[..8], index.to_le_bytes());
        }
        assert_eq!(history.hash(65_547), None);
    }
}
