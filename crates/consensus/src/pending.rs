//! Requests that wait to be committed: bounded, each once, in order of arrival from each validator
//! (P6.1, P12.1).
//!
//! A node's own clients have the ordinary room. What another validator relays has a share of as
//! much again, counted by itself, so that nobody's requests are refused for what others brought
//! (P6.3). A validator hands on no more at a time than half of its share at the leader: the other
//! half is for what is committed and the leader does not know yet. So what a correct node hands on
//! always finds room.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use crate::{
    event::Refusal,
    limits,
    request::{Request, RequestKey},
    types::{NodeId, Time},
};

/// A request with its identity, for an entry or a relay.
pub(crate) type Payload = (RequestKey, Arc<[u8]>);

#[derive(Clone, Debug)]
struct Waiting {
    payload: Arc<[u8]>,
    since: Time,
    ticket: u64,
    /// The validator whose room it takes; a node's own clients take its own.
    by: NodeId,
    /// Whether it takes none of that room.
    reserved: bool,
}

/// How much of some room is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Taken {
    requests: usize,
    bytes: usize,
}

impl Taken {
    const fn add(&mut self, bytes: usize) {
        self.requests += 1;
        self.bytes += bytes;
    }

    const fn remove(&mut self, bytes: usize) {
        self.requests -= 1;
        self.bytes -= bytes;
    }
}

/// The waiting requests of one node.
#[derive(Clone, Debug)]
pub struct Pending {
    me: NodeId,
    validators: usize,
    by_key: BTreeMap<RequestKey, Waiting>,
    /// Requests in order of arrival.
    order: BTreeMap<u64, RequestKey>,
    /// Requests not yet put into an entry or relay by this node, in order of arrival, by the
    /// validator that brought them; no empty ones.
    unproposed: BTreeMap<NodeId, BTreeSet<u64>>,
    /// Who had the last turn.
    turn: NodeId,
    next_ticket: u64,
    taken: BTreeMap<NodeId, Taken>,
    of_account: BTreeMap<(NodeId, [u8; 32]), usize>,
    /// What is in the ordinary room and unproposed.
    queued: Taken,
}

impl Pending {
    /// None yet, at `me` among so many validators.
    #[must_use]
    pub const fn new(me: NodeId, validators: usize) -> Self {
        Self {
            me,
            validators,
            by_key: BTreeMap::new(),
            order: BTreeMap::new(),
            unproposed: BTreeMap::new(),
            turn: me,
            next_ticket: 0,
            taken: BTreeMap::new(),
            of_account: BTreeMap::new(),
            queued: Taken {
                requests: 0,
                bytes: 0,
            },
        }
    }

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

    /// Whether this very request waits, and not only another one under its key.
    #[must_use]
    pub fn holds(&self, key: &RequestKey, payload: &[u8]) -> bool {
        let waiting = self.by_key.get(key);
        waiting.is_some_and(|waiting| *waiting.payload == *payload)
    }

    /// A waiting request.
    #[must_use]
    pub fn get(&self, key: &RequestKey) -> Option<Request> {
        let waiting = self.by_key.get(key)?;
        Some(Request::waiting(*key, Arc::clone(&waiting.payload)))
    }

    /// Takes in a request that the validator `by` relayed, or a client of this node if that is
    /// itself. Returns whether it is new; a second request under a waiting one's key changes nothing
    /// (P6.2).
    ///
    /// # Errors
    /// [`Refusal::Busy`] if too much of that validator waits already.
    pub fn insert(&mut self, now: Time, request: &Request, by: NodeId) -> Result<bool, Refusal> {
        let key = request.key();
        if self.by_key.contains_key(&key) {
            return Ok(false);
        }
        let parts = if by == self.me { 1 } else { self.validators };
        let taken = self.taken.get(&by).copied().unwrap_or_default();
        let of_account = self.of_account.get(&(by, key.account));
        if taken.requests >= limits::PENDING_REQUESTS / parts
            || taken.bytes + request.payload().len() > limits::PENDING_BYTES / parts
            || of_account.is_some_and(|&count| count >= limits::PENDING_PER_ACCOUNT)
        {
            return Err(Refusal::Busy {
                retry_after: Time::from_millis(200),
            });
        }
        self.taken
            .entry(by)
            .or_default()
            .add(request.payload().len());
        *self.of_account.entry((by, key.account)).or_default() += 1;
        self.add(now, request, by, false);
        Ok(true)
    }

    /// Takes a request in whatever waits already, for a caller that bounds these itself: what a
    /// client complains about is not refused for want of room (P6.3).
    pub fn insert_reserved(&mut self, now: Time, request: &Request, by: NodeId) {
        if !self.by_key.contains_key(&request.key()) {
            self.add(now, request, by, true);
        }
    }

    fn add(&mut self, now: Time, request: &Request, by: NodeId, reserved: bool) {
        let key = request.key();
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.order.insert(ticket, key);
        self.by_key.insert(
            key,
            Waiting {
                payload: Arc::clone(request.payload()),
                since: now,
                ticket,
                by,
                reserved,
            },
        );
        self.queue(&key);
    }

    /// Puts a waiting request where it is proposed from.
    fn queue(&mut self, key: &RequestKey) {
        let Some(waiting) = self.by_key.get(key) else {
            return;
        };
        let of_validator = self.unproposed.entry(waiting.by).or_default();
        if of_validator.insert(waiting.ticket) && !waiting.reserved {
            self.queued.add(waiting.payload.len());
        }
    }

    /// Takes a waiting request from there; whether it was there.
    fn unqueue(&mut self, key: &RequestKey) -> bool {
        let Some(waiting) = self.by_key.get(key) else {
            return false;
        };
        let Some(of_validator) = self.unproposed.get_mut(&waiting.by) else {
            return false;
        };
        let was_there = of_validator.remove(&waiting.ticket);
        if of_validator.is_empty() {
            self.unproposed.remove(&waiting.by);
        }
        if was_there && !waiting.reserved {
            self.queued.remove(waiting.payload.len());
        }
        was_there
    }

    /// Forgets a request, because it is committed or can no longer be; whether it waited.
    pub fn remove(&mut self, key: &RequestKey) -> bool {
        self.unqueue(key);
        let Some(waiting) = self.by_key.remove(key) else {
            return false;
        };
        self.order.remove(&waiting.ticket);
        if !waiting.reserved {
            let taken = self.taken.entry(waiting.by).or_default();
            taken.remove(waiting.payload.len());
            if taken.requests == 0 {
                self.taken.remove(&waiting.by);
            }
            let slot = (waiting.by, key.account);
            let count = self.of_account.entry(slot).or_insert(1);
            *count -= 1;
            if *count == 0 {
                self.of_account.remove(&slot);
            }
        }
        true
    }

    /// How many this node, as leader, has not yet put into an entry.
    #[must_use]
    pub fn unproposed(&self) -> usize {
        self.unproposed.values().map(BTreeSet::len).sum()
    }

    /// The next payloads for an entry of the leader, within the limits of an entry: of the
    /// validators that brought them in turn, of each the oldest first. One that brings much does not
    /// keep those waiting that bring little.
    pub fn propose(&mut self) -> Vec<Payload> {
        self.batch(Vec::new(), limits::ENTRY_PAYLOADS, &mut {
            limits::ENTRY_BYTES
        })
    }

    /// As [`Pending::propose`], with these requests first as far as they wait: they take half of an
    /// entry at most, so that they do not keep all others out (P6.3).
    pub fn propose_with(
        &mut self,
        preferred: impl IntoIterator<Item = RequestKey>,
    ) -> Vec<Payload> {
        let mut batch = Vec::new();
        let mut room = limits::ENTRY_BYTES;
        for key in preferred {
            let Some(waiting) = self.by_key.get(&key) else {
                continue;
            };
            let payload = Arc::clone(&waiting.payload);
            if batch.len() == limits::ENTRY_PAYLOADS / 2
                || limits::ENTRY_BYTES - room + payload.len() > limits::ENTRY_BYTES / 2
            {
                break;
            }
            if self.unqueue(&key) {
                room -= payload.len();
                batch.push((key, payload));
            }
        }
        self.batch(batch, limits::ENTRY_PAYLOADS, &mut room)
    }

    /// The next payloads to hand on to the leader, as a message holds them: no more are under way
    /// at a time than surely find room there.
    pub fn next_relay(&mut self) -> Vec<Payload> {
        let all = self.taken.values().fold(Taken::default(), |sum, of| Taken {
            requests: sum.requests + of.requests,
            bytes: sum.bytes + of.bytes,
        });
        let half = 2 * self.validators;
        let under_way = Taken {
            requests: all.requests - self.queued.requests,
            bytes: all.bytes - self.queued.bytes,
        };
        let requests = (limits::PENDING_REQUESTS / half).saturating_sub(under_way.requests);
        let mut bytes = (limits::PENDING_BYTES / half)
            .saturating_sub(under_way.bytes)
            .min(limits::ENTRY_BYTES);
        self.batch(
            Vec::new(),
            requests.min(limits::RELAYED_REQUESTS),
            &mut bytes,
        )
    }

    fn batch(&mut self, mut batch: Vec<Payload>, most: usize, bytes: &mut usize) -> Vec<Payload> {
        while batch.len() < most {
            let after_turn = (Excluded(self.turn), Unbounded);
            let mut following = self.unproposed.range(after_turn);
            let next = following.next().or_else(|| self.unproposed.iter().next());
            let Some((&by, tickets)) = next else { break };
            let Some(key) = tickets.first().and_then(|ticket| self.order.get(ticket)) else {
                break;
            };
            let key = *key;
            let payload = Arc::clone(&self.by_key[&key].payload);
            let Some(left) = bytes.checked_sub(payload.len()) else {
                break;
            };
            *bytes = left;
            self.turn = by;
            self.unqueue(&key);
            batch.push((key, payload));
        }
        batch
    }

    /// Starts over for a new leader: everything is unproposed but what `in_chain` holds already.
    pub fn restart(&mut self, in_chain: &BTreeSet<RequestKey>) {
        self.unproposed.clear();
        self.queued = Taken::default();
        let keys: Vec<RequestKey> = self.order.values().copied().collect();
        for key in keys.iter().filter(|key| !in_chain.contains(key)) {
            self.queue(key);
        }
    }

    /// Puts a request back into the queue, if it still waits, at its old place.
    pub fn requeue(&mut self, key: &RequestKey) {
        self.queue(key);
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

    /// The requests that have waited for [`limits::RELAY_AGAIN`], the oldest first; as many as a
    /// relay holds.
    #[must_use]
    pub fn waiting_since(&self, now: Time) -> Vec<Request> {
        let waited = |key: &&RequestKey| self.by_key[*key].since.after(limits::RELAY_AGAIN) <= now;
        let old = self.order.values().take_while(waited);
        old.take(limits::RELAYED_REQUESTS)
            .filter_map(|key| self.get(key))
            .collect()
    }

    /// The requests that have waited longest, at most so many.
    #[must_use]
    pub fn oldest(&self, most: usize) -> Vec<Request> {
        let oldest = self.order.values().take(most);
        oldest.filter_map(|key| self.get(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: NodeId = NodeId(0);
    const VALIDATORS: usize = 4;

    fn request(account: u8, nonce: u64, bytes: usize) -> Request {
        let key = RequestKey {
            account: [account; 32],
            nonce,
        };
        Request::waiting(key, vec![account; bytes].into())
    }

    fn pending() -> Pending {
        Pending::new(ME, VALIDATORS)
    }

    fn fill(pending: &mut Pending, by: NodeId, bytes: usize) -> usize {
        (0..)
            .find(|&number: &usize| {
                let account = u8::try_from(number % 251).unwrap();
                let one = request(account, (number + 1000 * by.position()) as u64, bytes);
                pending.insert(Time(0), &one, by).is_err()
            })
            .unwrap()
    }

    #[test]
    fn each_validator_has_a_room_of_its_own() {
        let mut pending = pending();
        assert_eq!(fill(&mut pending, ME, 1), limits::PENDING_REQUESTS);
        for by in [NodeId(1), NodeId(2)] {
            let share = limits::PENDING_REQUESTS / VALIDATORS;
            assert_eq!(fill(&mut pending, by, 1), share, "{by}");
        }
        let bytes = limits::PENDING_BYTES / VALIDATORS / limits::PAYLOAD_BYTES;
        assert_eq!(fill(&mut pending, NodeId(3), limits::PAYLOAD_BYTES), bytes);
    }

    #[test]
    fn a_full_account_of_one_validator_leaves_that_of_another() {
        let mut pending = pending();
        for nonce in 0..limits::PENDING_PER_ACCOUNT as u64 {
            assert_eq!(pending.insert(Time(0), &request(1, nonce, 1), ME), Ok(true));
        }
        let more = request(1, u64::MAX, 1);
        assert!(pending.insert(Time(0), &more, ME).is_err());
        assert_eq!(pending.insert(Time(0), &more, NodeId(1)), Ok(true));
        assert_eq!(pending.insert(Time(0), &more, NodeId(2)), Ok(false));
    }

    #[test]
    fn removing_gives_all_room_back() {
        let mut pending = pending();
        for round in 0..3 {
            for nonce in 0..20 {
                let by = NodeId(u16::try_from(nonce % 3).unwrap());
                pending.insert(Time(0), &request(7, nonce, 10), by).unwrap();
                pending.insert_reserved(Time(0), &request(8, nonce, 10), by);
            }
            match round {
                0 => drop(pending.propose()),
                1 => drop(pending.next_relay()),
                _ => {}
            }
            for nonce in 0..20 {
                for account in [7, 8] {
                    assert!(pending.remove(&request(account, nonce, 0).key()));
                    assert!(!pending.remove(&request(account, nonce, 0).key()));
                }
            }
            assert!(pending.is_empty() && pending.order.is_empty());
            assert!(pending.unproposed.is_empty() && pending.taken.is_empty());
            assert!(pending.of_account.is_empty());
            assert_eq!(pending.queued, Taken::default());
        }
    }

    /// One that brings thousands does not keep the one of another waiting.
    #[test]
    fn entries_take_of_each_validator_in_turn() {
        let mut pending = pending();
        fill(&mut pending, NodeId(1), 1);
        let lone = request(200, 7, 1);
        pending.insert(Time(0), &lone, NodeId(2)).unwrap();
        let entry = pending.propose();
        assert_eq!(entry.len(), limits::ENTRY_PAYLOADS);
        assert!(entry[..2].iter().any(|(key, _)| *key == lone.key()));
    }

    #[test]
    fn what_is_preferred_takes_half_of_an_entry() {
        let mut pending = pending();
        let preferred: Vec<RequestKey> = (0..limits::ENTRY_PAYLOADS as u64)
            .map(|nonce| {
                let one = request(9, nonce, 1);
                pending.insert_reserved(Time(0), &one, NodeId(1));
                one.key()
            })
            .collect();
        pending.insert(Time(0), &request(1, 1, 1), ME).unwrap();
        let entry = pending.propose_with(preferred.iter().rev().copied());
        assert_eq!(entry[0].0, preferred[preferred.len() - 1]);
        assert!(entry.iter().any(|(key, _)| key.account == [1; 32]));
        assert!(pending.propose_with(preferred).len() < limits::ENTRY_PAYLOADS);
    }

    /// As requests are committed, further ones follow; never more are under way than find room.
    #[test]
    fn no_more_is_handed_on_than_surely_finds_room() {
        let mut follower = pending();
        let mut leader = Pending::new(NodeId(1), VALIDATORS);
        fill(&mut follower, ME, 100);
        let mut under_way = Vec::new();
        for _ in 0..200 {
            loop {
                let relay = follower.next_relay();
                if relay.is_empty() {
                    break;
                }
                for (key, payload) in relay {
                    let one = Request::waiting(key, payload);
                    // The leader does not know yet what was committed last.
                    assert_eq!(leader.insert(Time(0), &one, ME), Ok(true));
                    under_way.push(key);
                }
            }
            assert!(under_way.len() <= limits::PENDING_REQUESTS / VALIDATORS);
            for key in under_way.drain(..under_way.len().min(500)) {
                assert!(follower.remove(&key) && leader.remove(&key));
            }
        }
        assert!(follower.is_empty(), "{} are left", follower.len());
    }

    #[test]
    fn a_new_leader_is_handed_all_of_it_again() {
        let mut pending = pending();
        for nonce in 0..3 {
            pending.insert(Time(0), &request(1, nonce, 1), ME).unwrap();
        }
        assert_eq!(pending.next_relay().len(), 3);
        assert!(pending.next_relay().is_empty());
        pending.restart(&BTreeSet::from([request(1, 1, 1).key()]));
        assert_eq!(pending.unproposed(), 2);
        assert_eq!(pending.next_relay().len(), 2);
        pending.requeue(&request(1, 1, 1).key());
        pending.requeue(&request(1, 1, 1).key());
        assert_eq!(pending.next_relay().len(), 1);
    }
}
