//! Who is connected to us.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::admission::{Refusal, RefusalReason};
use crate::close::CloseCode;
use crate::counters::{Counters, Meter};
use crate::identity::PeerKey;
use crate::limits::Limits;
use crate::origin::Origin;

/// Connections by key, and what is kept per validator across its connections.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
    total: Arc<Counters>,
}

#[derive(Debug, Default)]
struct State {
    validators: HashMap<PeerKey, quinn::Connection>,
    clients: HashMap<Origin, usize>,
    client_connections: usize,
    stranger_connections: usize,
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
        origin: Origin,
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
        let stranger = origin.is_stranger();
        if stranger && state.stranger_connections >= limits.max_stranger_connections {
            let text = format!(
                "this node serves {} connections of keys that it does not know already",
                limits.max_stranger_connections
            );
            return Err(Refusal::new(RefusalReason::TooManyConnections, text));
        }
        let taken = state.clients.get(&origin).copied().unwrap_or(0);
        if taken >= limits.max_connections_per_client {
            let text = if stranger {
                format!("this address has {taken} connections of unknown keys already")
            } else {
                format!("this key has {taken} connections already")
            };
            return Err(Refusal::new(RefusalReason::TooManyConnections, text));
        }
        state.clients.insert(origin, taken + 1);
        state.client_connections += 1;
        state.stranger_connections += usize::from(stranger);
        Ok(ClientPlace {
            registry: self.clone(),
            origin,
        })
    }

    fn leave_client(&self, origin: &Origin) {
        let mut state = self.lock();
        state.client_connections -= 1;
        state.stranger_connections -= usize::from(origin.is_stranger());
        if let Some(count) = state.clients.get_mut(origin) {
            *count -= 1;
            if *count == 0 {
                state.clients.remove(origin);
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
    origin: Origin,
}

impl Drop for ClientPlace {
    fn drop(&mut self) {
        self.registry.leave_client(&self.origin);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn member(key: u8) -> Origin {
        Origin::Key([key; 32])
    }

    fn stranger(address: u8) -> Origin {
        Origin::V4(Ipv4Addr::new(10, 0, 0, address))
    }

    #[test]
    fn places_for_clients_are_bounded_per_key_and_in_all_and_come_back() {
        let limits = Limits {
            max_client_connections: 3,
            max_connections_per_client: 2,
            ..Limits::default()
        };
        let registry = Arc::new(Registry::default());
        let first = registry.enter_client(member(1), &limits).unwrap();
        let _second = registry.enter_client(member(1), &limits).unwrap();
        assert!(registry.enter_client(member(1), &limits).is_err());
        let _third = registry.enter_client(member(2), &limits).unwrap();
        assert!(registry.enter_client(member(3), &limits).is_err());
        drop(first);
        assert!(registry.enter_client(member(1), &limits).is_ok());
        assert_eq!(registry.lock().clients.len(), 2);
    }

    #[test]
    fn strangers_share_the_places_of_their_address_and_leave_the_rest_to_members() {
        let limits = Limits {
            max_client_connections: 6,
            max_connections_per_client: 2,
            max_stranger_connections: 3,
            ..Limits::default()
        };
        let registry = Arc::new(Registry::default());
        let enter = |origin| registry.enter_client(origin, &limits);
        let refused = |origin| enter(origin).unwrap_err().text;
        let first = enter(stranger(1)).unwrap();
        let second = enter(stranger(1)).unwrap();
        assert!(refused(stranger(1)).contains("this address"));
        let _third = enter(stranger(2)).unwrap();
        assert!(refused(stranger(3)).contains("keys that it does not know"));
        let members = [1, 1, 2].map(|key| enter(member(key)).unwrap());
        assert!(refused(member(2)).contains("serves 6"));
        drop(members);
        drop((first, second));
        assert!(enter(stranger(3)).is_ok());
        assert_eq!(registry.lock().stranger_connections, 1);
    }
}
