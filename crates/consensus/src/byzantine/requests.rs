//! Client requests: kept, relayed, watched over (§ 6).

use std::sync::Arc;

use super::Byzantine;
use crate::{
    event::{Output, Recipient, Refusal},
    limits,
    message::{Reason, Relay},
    request::{Request, RequestKey},
    types::{NodeId, Time},
};

impl Byzantine {
    /// P6.1: a client of this node asks; the leader gets to know.
    pub(super) fn submit(&mut self, request: &Request) {
        match self.pending.insert(self.now.monotonic, request) {
            Err(refusal) => self.out.push(Output::Refused {
                key: request.key(),
                refusal,
            }),
            Ok(new) => {
                self.note_waiting();
                if new && !self.is_leader() {
                    self.request_waits(request.key());
                    self.unrelayed.push(Arc::clone(request.payload()));
                }
            }
        }
    }

    /// P6.2: a client of this node complains. Everybody gets the request and watches it.
    pub(super) fn complain(&mut self, request: &Request) {
        self.forget_served();
        if let Err(refusal) = self.take_in(request, Some(self.me())) {
            self.out.push(Output::Refused {
                key: request.key(),
                refusal,
            });
            return;
        }
        self.note_waiting();
        // A complaint that is repeated goes out again: the relay may have been lost.
        if self.watch(request.key(), self.me()) || self.watches(&request.key()) {
            let relay = self.relay(vec![Arc::clone(request.payload())], true);
            self.out.send(Recipient::Others, relay, None);
        }
    }

    pub(super) fn relayed(&mut self, from: NodeId, complained: bool, requests: Vec<Request>) {
        if !complained && !self.is_leader() {
            return;
        }
        self.forget_served();
        for request in &requests {
            if self.take_in(request, complained.then_some(from)).is_err() {
                // The relaying node keeps it and the client sends it again; a refusal for quota
                // is no starvation (P6.3).
                continue;
            }
            if complained
                && self.watch(request.key(), from)
                && !self.is_leader()
                && from != self.me()
            {
                // The relaying node may be a traitor who told everybody but the leader.
                self.unrelayed_watched.push(Arc::clone(request.payload()));
            }
        }
        self.note_waiting();
    }

    /// Takes a request in. One that somebody complained about finds room in any case: a client that
    /// fills its account's room at the leader, and complains elsewhere about what the leader then
    /// refuses, would depose a leader that serves it.
    fn take_in(&mut self, request: &Request, complained: Option<NodeId>) -> Result<bool, Refusal> {
        if complained.is_some_and(|by| self.is_urgent(request.key(), by)) {
            let new = !self.pending.contains(&request.key());
            self.pending.insert_reserved(self.now.monotonic, request);
            return Ok(new);
        }
        self.pending.insert(self.now.monotonic, request)
    }

    /// Whether a request finds room and goes first because a validator watches over it: one of each
    /// account for each relaying validator, within its share. What others relayed takes nothing of
    /// it: every correct node watches over one request of an account at most, and hands it on itself.
    fn is_urgent(&mut self, key: RequestKey, by: NodeId) -> bool {
        if let Some(known) = self.urgent.get(&(by, key.account)) {
            return *known == key;
        }
        let of_validator = (by, [0; 32])..=(by, [u8::MAX; 32]);
        let may = self.urgent.range(of_validator).count() < self.share();
        if may {
            self.urgent.insert((by, key.account), key);
        }
        may
    }

    /// What no longer waits leaves its share to others.
    fn forget_served(&mut self) {
        let pending = &self.pending;
        self.urgent.retain(|_, key| pending.contains(key));
    }

    /// How many of the starvation timers are for one relaying validator (P6.3).
    fn share(&self) -> usize {
        limits::STARVED_REQUESTS / self.configuration().sizes().nodes().count()
    }

    /// Each relaying validator has its share of the timers (P6.3), so that a leader with accounts of
    /// its own cannot keep others from being watched over.
    fn may_watch(&self, key: &RequestKey, by: NodeId) -> bool {
        let taken = self.starving.values().filter(|(.., of)| *of == by);
        !self.starving.contains_key(&key.account) && taken.count() < self.share()
    }

    /// Takes up that another node suspects the leader for a request that waits here, too. The leader
    /// gets to know that it is watched over: the other may have told everybody else.
    pub(super) fn watch_with(&mut self, other: NodeId, key: RequestKey) {
        if let Some(payload) = self.pending.payload(&key).cloned()
            && self.watch(key, other)
            && !self.is_leader()
        {
            self.unrelayed_watched.push(payload);
        }
    }

    /// Starts a starvation timer, unless one runs for the account. Returns whether it did.
    pub(super) fn watch(&mut self, key: RequestKey, by: NodeId) -> bool {
        if !self.may_watch(&key, by) {
            return false;
        }
        let deadline = self.now.monotonic.after(self.starvation());
        self.starving.insert(key.account, (key, deadline, by));
        true
    }

    /// How many of the waiting requests are watched over.
    pub(super) fn watched_requests(&self) -> usize {
        let watched = self.starving.values();
        watched
            .filter(|(key, ..)| self.pending.contains(key))
            .count()
    }

    fn watches(&self, key: &RequestKey) -> bool {
        self.starving
            .get(&key.account)
            .is_some_and(|(watched, ..)| watched == key)
    }

    fn starvation(&self) -> Time {
        let timers = &self.out.setup.timers;
        timers.grown(timers.starvation, self.timer.level)
    }

    /// Any committed entry with that nonce stops the timer (P6.2).
    pub(super) fn no_longer_starving(&mut self, key: &RequestKey) {
        if self
            .starving
            .get(&key.account)
            .is_some_and(|(watched, ..)| watched == key)
        {
            self.starving.remove(&key.account);
            self.starvation_ended(Reason::Starved(*key));
        }
    }

    /// The timers start again by themselves in each term (P6.2).
    pub(super) fn restart_starvation(&mut self) {
        let deadline = self.now.monotonic.after(self.starvation());
        for (_, end, _) in self.starving.values_mut() {
            *end = deadline;
        }
    }

    /// A term has a leader: it gets everything that waits here.
    pub(super) fn relay_all(&mut self) {
        if !self.leads_term() {
            let waiting = self.pending.payloads();
            let (watched, others): (Vec<_>, Vec<_>) =
                waiting.partition(|(key, _)| self.watches(key));
            let payloads = |requests: Vec<(&RequestKey, &Arc<[u8]>)>| {
                let payloads = requests.into_iter().map(|(_, payload)| payload);
                payloads.cloned().collect()
            };
            (self.unrelayed_watched, self.unrelayed) = (payloads(watched), payloads(others));
        }
    }

    pub(super) fn flush_relays(&mut self) {
        let watched = std::mem::take(&mut self.unrelayed_watched);
        let others = std::mem::take(&mut self.unrelayed);
        if !self.leads_term() {
            self.relay_to_leader(watched, true);
            self.relay_to_leader(others, false);
        }
    }

    fn relay_to_leader(&mut self, requests: Vec<Arc<[u8]>>, complained: bool) {
        let leader = Recipient::Node(self.leader());
        let mut batch: Vec<Arc<[u8]>> = Vec::new();
        let mut bytes = 0;
        for payload in requests {
            if batch.len() == limits::RELAYED_REQUESTS || bytes > limits::MESSAGE_BYTES {
                let full = std::mem::take(&mut batch);
                let relay = self.relay(full, complained);
                self.out.send(leader, relay, None);
                bytes = 0;
            }
            bytes += payload.len();
            batch.push(payload);
        }
        if !batch.is_empty() {
            let relay = self.relay(batch, complained);
            self.out.send(leader, relay, None);
        }
    }

    fn relay(&self, requests: Vec<Arc<[u8]>>, complained: bool) -> Relay {
        Relay {
            epoch: self.configuration().epoch(),
            complained,
            requests,
        }
    }

    /// Requests that nobody commits do not wait for ever; their clients know that the outcome is
    /// open and send them again.
    pub(super) fn expire_pending(&mut self) {
        let now = self.now.monotonic;
        for key in self.pending.expire(now) {
            self.in_chain.remove(&key);
            self.request_given_up(&key);
            self.no_longer_starving(&key);
        }
    }
}
