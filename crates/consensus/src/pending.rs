//! Requests that wait to be committed: bounded, in order of arrival, each once (P6.1, P12.1).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    event::Refusal,
    limits,
    request::{Request, RequestKey},
    types::Time,
};

#[derive(Clone, Debug)]
struct Waiting {
    payload: Arc<[u8]>,
    since: Time,
    ticket: u64,
}

/// The waiting requests of one node.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    by_key: BTreeMap<RequestKey, Waiting>,
    /// Requests in order of arrival.
    order: BTreeMap<u64, RequestKey>,
    /// Requests not yet put into an entry by this node as leader, in order of arrival.
    unproposed: BTreeSet<u64>,
    next_ticket: u64,
    bytes: usize,
}

impl Pending {
    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Whether this request waits.
    #[must_use]
    pub fn contains(&self, key: &RequestKey) -> bool {
        self.by_key.contains_key(key)
    }

    /// What is to be put into an entry for a waiting request.
    #[must_use]
    pub fn payload(&self, key: &RequestKey) -> Option<&Arc<[u8]>> {
        self.by_key.get(key).map(|waiting| &waiting.payload)
    }

    /// Takes a request in. Returns whether it is new; a second request under a waiting one's key
    /// changes nothing (P6.2).
    ///
    /// # Errors
    /// [`Refusal::Busy`] if too much waits already.
    pub fn insert(&mut self, now: Time, request: &Request) -> Result<bool, Refusal> {
        let key = request.key();
        if self.by_key.contains_key(&key) {
            return Ok(false);
        }
        let of_account = RequestKey { nonce: 0, ..key }..=RequestKey {
            nonce: u64::MAX,
            ..key
        };
        if self.by_key.len() >= limits::PENDING_REQUESTS
            || self.bytes + request.payload().len() > limits::PENDING_BYTES
            || self.by_key.range(of_account).count() >= limits::PENDING_PER_ACCOUNT
        {
            return Err(Refusal::Busy {
                retry_after: Time::from_millis(200),
            });
        }
        self.insert_reserved(now, request);
        Ok(true)
    }

    /// Takes a request in whatever waits already, for a caller that bounds these itself: what a
    /// client complains about is not refused for want of room (P6.3).
    pub fn insert_reserved(&mut self, now: Time, request: &Request) {
        let key = request.key();
        if self.by_key.contains_key(&key) {
            return;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.bytes += request.payload().len();
        self.order.insert(ticket, key);
        self.unproposed.insert(ticket);
        self.by_key.insert(
            key,
            Waiting {
                payload: Arc::clone(request.payload()),
                since: now,
                ticket,
            },
        );
    }

    /// Forgets a request, because it is committed.
    pub fn remove(&mut self, key: &RequestKey) {
        if let Some(waiting) = self.by_key.remove(key) {
            self.bytes -= waiting.payload.len();
            self.order.remove(&waiting.ticket);
            self.unproposed.remove(&waiting.ticket);
        }
    }

    /// How many this node, as leader, has not yet put into an entry.
    #[must_use]
    pub fn unproposed(&self) -> usize {
        self.unproposed.len()
    }

    /// The next payloads for an entry of the leader, oldest first, within the limits of an entry.
    pub fn propose(&mut self) -> Vec<(RequestKey, Arc<[u8]>)> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some(&ticket) = self.unproposed.first() {
            let key = self.order[&ticket];
            let payload = &self.by_key[&key].payload;
            if batch.len() == limits::ENTRY_PAYLOADS || bytes + payload.len() > limits::ENTRY_BYTES
            {
                break;
            }
            bytes += payload.len();
            batch.push((key, Arc::clone(payload)));
            self.unproposed.pop_first();
        }
        batch
    }

    /// The payloads of these requests for an entry of the leader, as far as they wait, within the
    /// limits of an entry (P6.3).
    pub fn prefer(
        &mut self,
        keys: impl IntoIterator<Item = RequestKey>,
    ) -> Vec<(RequestKey, Arc<[u8]>)> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        for key in keys {
            let Some(waiting) = self.by_key.get(&key) else {
                continue;
            };
            if batch.len() == limits::ENTRY_PAYLOADS
                || bytes + waiting.payload.len() > limits::ENTRY_BYTES
            {
                break;
            }
            if self.unproposed.remove(&waiting.ticket) {
                bytes += waiting.payload.len();
                batch.push((key, Arc::clone(&waiting.payload)));
            }
        }
        batch
    }

    /// Starts over for a new leader: everything is unproposed but what `in_chain` holds already.
    pub fn restart(&mut self, in_chain: &BTreeSet<RequestKey>) {
        self.unproposed = self
            .order
            .iter()
            .filter(|(_, key)| !in_chain.contains(key))
            .map(|(&ticket, _)| ticket)
            .collect();
    }

    /// Puts requests back into the queue, as far as they still wait, at their old places.
    pub fn requeue(&mut self, keys: &[RequestKey]) {
        let tickets = keys.iter().filter_map(|key| self.by_key.get(key));
        self.unproposed
            .extend(tickets.map(|waiting| waiting.ticket));
    }

    /// Forgets requests that waited longer than [`limits::PENDING_LIFETIME`] and says which.
    pub fn expire(&mut self, now: Time) -> Vec<RequestKey> {
        let mut expired = Vec::new();
        while let Some(key) = self.order.values().next().copied() {
            if self.by_key[&key].since.after(limits::PENDING_LIFETIME) > now {
                break;
            }
            self.remove(&key);
            expired.push(key);
        }
        expired
    }

    /// Payloads of everything that waits, oldest first.
    pub fn payloads(&self) -> impl Iterator<Item = (&RequestKey, &Arc<[u8]>)> {
        self.order
            .values()
            .map(|key| (key, &self.by_key[key].payload))
    }
}
