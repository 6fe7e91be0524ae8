//! Who is connected to us.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::admission::{Refusal, RefusalReason};
use crate::close::CloseCode;
use crate::counters::{Counters, Meter};
use crate::identity::PeerKey;
use crate::limits::Limits;

/// Connections by key, and what is kept per validator across its connections.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
    total: Arc<Counters>,
}

#[derive(Debug, Default)]
struct State {
    validators: HashMap<PeerKey, quinn::Connection>,
    clients: HashMap<PeerKey, usize>,
    client_connections: usize,
    meters: HashMap<PeerKey, Meter>,
    redial: HashMap<PeerKey, Arc<Notify>>,
}

impl Registry {
    /// Makes `connection` the one of validator `key`; an older one is closed, as its dialler has
    /// restarted or lost it. Our own link to the validator, if it is down, dials at once.
    pub(crate) fn enter_validator(&self, key: PeerKey, connection: &quinn::Connection) {
        let mut state = self.lock();
        let older = state.validators.insert(key, connection.clone());
        let redial = state.redial.get(&key).cloned();
        drop(state);
        if let Some(older) = older {
            CloseCode::Replaced.close(&older);
        }
        if let Some(redial) = redial {
            redial.notify_one();
        }
    }

    /// Forgets a validator's connection unless a newer one has taken its place.
    pub(crate) fn leave_validator(&self, key: &PeerKey, connection: &quinn::Connection) {
        let mut state = self.lock();
        let current = state.validators.get(key).map(quinn::Connection::stable_id);
        // Ids are unique among connections that exist, and the registry keeps the current alive.
        if current == Some(connection.stable_id()) {
            state.validators.remove(key);
        }
    }

    /// Takes a place for a client's connection, freed when the result is dropped.
    pub(crate) fn enter_client(
        self: &Arc<Self>,
        key: PeerKey,
        limits: &Limits,
    ) -> Result<ClientPlace, Refusal> {
        let mut state = self.lock();
        if state.client_connections >= limits.max_client_connections {
            let text = format!(
                "this node serves {} connections already",
                limits.max_client_connections
            );
            return Err(Refusal::new(RefusalReason::TooManyConnections, text));
        }
        let of_key = state.clients.get(&key).copied().unwrap_or(0);
        if of_key >= limits.max_connections_per_client {
            let text = format!("this key has {of_key} connections already");
            return Err(Refusal::new(RefusalReason::TooManyConnections, text));
        }
        state.clients.insert(key, of_key + 1);
        state.client_connections += 1;
        Ok(ClientPlace {
            registry: self.clone(),
            key,
        })
    }

    fn leave_client(&self, key: &PeerKey) {
        let mut state = self.lock();
        state.client_connections -= 1;
        if let Some(count) = state.clients.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                state.clients.remove(key);
            }
        }
    }

    /// Counters of a validator, the same for every link and connection of it. Only for admitted
    /// or configured keys: they are never forgotten.
    pub(crate) fn validator_meter(&self, key: PeerKey) -> Meter {
        let fresh = || Meter {
            peer: Arc::default(),
            total: self.total.clone(),
        };
        self.lock().meters.entry(key).or_insert_with(fresh).clone()
    }

    /// Counters of one client's connection.
    pub(crate) fn client_meter(&self) -> Meter {
        Meter {
            peer: Arc::default(),
            total: self.total.clone(),
        }
    }

    pub(crate) fn total(&self) -> &Counters {
        &self.total
    }

    pub(crate) fn peer(&self, key: &PeerKey) -> Option<Arc<Counters>> {
        self.lock().meters.get(key).map(|meter| meter.peer.clone())
    }

    /// What is notified when validator `key` has connected to us.
    pub(crate) fn redial_signal(&self, key: PeerKey) -> Arc<Notify> {
        self.lock().redial.entry(key).or_default().clone()
    }

    pub(crate) fn close_validators(&self, code: CloseCode) {
        let connections: Vec<_> = self.lock().validators.values().cloned().collect();
        connections
            .iter()
            .for_each(|connection| code.close(connection));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the places for clients' connections.
#[derive(Debug)]
pub(crate) struct ClientPlace {
    registry: Arc<Registry>,
    key: PeerKey,
}

impl Drop for ClientPlace {
    fn drop(&mut self) {
        self.registry.leave_client(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_for_clients_are_bounded_per_key_and_in_all_and_come_back() {
        let limits = Limits {
            max_client_connections: 3,
            max_connections_per_client: 2,
            ..Limits::default()
        };
        let registry = Arc::new(Registry::default());
        let first = registry.enter_client([1; 32], &limits).unwrap();
        let _second = registry.enter_client([1; 32], &limits).unwrap();
        assert!(registry.enter_client([1; 32], &limits).is_err());
        let _third = registry.enter_client([2; 32], &limits).unwrap();
        assert!(registry.enter_client([3; 32], &limits).is_err());
        drop(first);
        assert!(registry.enter_client([1; 32], &limits).is_ok());
        assert_eq!(registry.lock().clients.len(), 2);
    }
}
