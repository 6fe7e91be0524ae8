//! Which requests the chain in memory holds, so that none is proposed twice in close succession.
//! The application's nonces decide for good (P6.5); this saves the room.

use std::collections::BTreeMap;

use crate::{entry::Entry, request::RequestKey, types::Index};

/// The requests of the entries in memory. As long as the log in memory, and no longer.
#[derive(Debug, Default)]
pub(super) struct ChainKeys(BTreeMap<RequestKey, Index>);

impl ChainKeys {
    pub(super) fn add(&mut self, entry: &Entry) {
        let index = entry.index();
        self.0.extend(entry.keys().iter().map(|&key| (key, index)));
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        for key in entry.keys() {
            if self.0.get(key) == Some(&entry.index()) {
                self.0.remove(key);
            }
        }
    }

    /// The index of the last entry in memory that holds the request.
    pub(super) fn index_of(&self, key: &RequestKey) -> Option<Index> {
        self.0.get(key).copied()
    }
}
