//! The references that an account took last: each names one payment, made once (P6.5).

use std::collections::{HashMap, VecDeque};

use consensus::Hash;

use crate::{limits::REFERENCES_PER_ACCOUNT, outcome::Earlier, transaction::Reference};

/// What was done under a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) content: Hash,
    pub(crate) first: Earlier,
}

/// The newest references of an account. It never refuses another one: the oldest is forgotten, and
/// from then on only those are taken that were looked for since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Never iterated.
    taken: HashMap<[u8; 32], Taken>,
    order: VecDeque<[u8; 32]>,
    /// Nothing is known any more of references taken up to this index.
    forgotten: u64,
}

impl References {
    /// What was done under a reference, if it is remembered.
    pub(crate) fn find(&self, name: &[u8; 32]) -> Option<&Taken> {
        self.taken.get(name)
    }

    /// Whether all references taken since the client looked for this one are remembered.
    pub(crate) fn covers(&self, reference: &Reference, index: u64) -> bool {
        (self.forgotten..index).contains(&reference.since)
    }

    /// Takes one that is free.
    pub(crate) fn take(&mut self, name: [u8; 32], taken: Taken) {
        self.take_within(name, taken, REFERENCES_PER_ACCOUNT);
    }

    fn take_within(&mut self, name: [u8; 32], taken: Taken, most: usize) {
        let before = self.taken.insert(name, taken);
        assert!(before.is_none(), "a reference is taken once");
        self.order.push_back(name);
        if self.order.len() > most
            && let Some(oldest) = self.order.pop_front()
            && let Some(oldest) = self.taken.remove(&oldest)
        {
            self.forgotten = oldest.first.place.index;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Place;

    #[test]
    fn what_is_forgotten_is_too_old_and_not_free() {
        let mut references = References::default();
        let name = |index: u64| [u8::try_from(index).unwrap(); 32];
        for index in 1..=10 {
            let first = Earlier {
                transaction: Hash::default(),
                place: Place { index, position: 0 },
            };
            let content = Hash::default();
            references.take_within(name(index), Taken { content, first }, 4);
        }
        for index in 1..=10 {
            assert_eq!(references.find(&name(index)).is_some(), index > 6);
        }
        let covers = |since| {
            let name = name(1);
            references.covers(&Reference { name, since }, 11)
        };
        // Whoever looked before entry 6 was executed may not have seen it taken.
        assert!(!covers(0) && !covers(5));
        assert!(covers(6) && covers(10));
        assert!(!covers(11), "nobody looks into the future");
        assert_eq!(references.taken.len(), 4);
    }
}
