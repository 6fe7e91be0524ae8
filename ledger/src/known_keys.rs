//! The keys of accounts, for the threads of the network: their holders may connect (P12.2).

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
};

use consensus::PublicKey;

/// The keys of all accounts, as far as entries were executed. Accounts are never closed and keep
/// their keys, so it only grows, with the accounts.
#[derive(Debug, Default)]
pub struct KnownKeys(RwLock<HashSet<[u8; 32]>>);

impl KnownKeys {
    pub(crate) fn add(&self, keys: impl IntoIterator<Item = PublicKey>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(keys.into_iter().map(|key| key.0));
    }
}

impl Clone for KnownKeys {
    fn clone(&self) -> Self {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Self(RwLock::new(known.clone()))
    }
}

impl node::KnownKeys for KnownKeys {
    fn knows(&self, key: &[u8; 32]) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.contains(key)
    }
}
