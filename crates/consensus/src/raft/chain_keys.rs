//! Which requests the chain in memory holds, so that none is proposed twice in close succession.
//! The application's nonces decide for good (P6.5); this saves the room. Another request under the
//! same key is not the same: the application must get to see it, to reject it.

use std::{collections::BTreeMap, sync::Arc};

use crate::{entry::Entry, request::RequestKey, types::Index};

/// The requests of the entries in memory. As long as the log in memory, and no longer.
#[derive(Debug, Default)]
pub(super) struct ChainKeys(BTreeMap<RequestKey, (Index, Arc<[u8]>)>);

impl ChainKeys {
    pub(super) fn add(&mut self, entry: &Entry) {
        let index = entry.index();
        for (key, payload) in entry.keys().iter().zip(&entry.payloads) {
            self.0.insert(*key, (index, Arc::clone(payload)));
        }
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        for key in entry.keys() {
            if self
                .0
                .get(key)
                .is_some_and(|(index, _)| *index == entry.index())
            {
                self.0.remove(key);
            }
        }
    }

    /// The index of the last entry in memory that holds this very request.
    pub(super) fn index_of(&self, key: &RequestKey, payload: &[u8]) -> Option<Index> {
        let (index, known) = self.0.get(key)?;
        (**known == *payload).then_some(*index)
    }
}
