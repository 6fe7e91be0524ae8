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
                self.unrelayed.push(Arc::clone(request.payload()));
            }
        }
        self.note_waiting();
    }

    /// Takes a request in. One that this node is about to watch over finds room in any case: a
    /// client that fills its account's room at the leader, and complains elsewhere about what the
    /// leader then refuses, would depose a leader that serves it.
    fn take_in(&mut self, request: &Request, complained: Option<NodeId>) -> Result<bool, Refusal> {
        let taken = self.pending.insert(self.now.monotonic, request);
        if taken.is_err() && complained.is_some_and(|by| self.may_watch(&request.key(), by)) {
            self.pending.insert_reserved(self.now.monotonic, request);
            return Ok(true);
        }
        taken
    }

    /// Each relaying validator has its share of the timers (P6.3), so that a leader with accounts of
    /// its own cannot keep others from being watched over.
    fn may_watch(&self, key: &RequestKey, by: NodeId) -> bool {
        let share = limits::STARVED_REQUESTS / self.configuration().sizes().nodes().count();
        let taken = self.starving.values().filter(|(.., of)| *of == by);
        !self.starving.contains_key(&key.account) && taken.count() < share
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
            self.unrelayed = self
                .pending
                .payloads()
                .map(|(_, payload)| Arc::clone(payload))
                .collect();
        }
    }

    pub(super) fn flush_relays(&mut self) {
        if self.unrelayed.is_empty() {
            return;
        }
        let unrelayed = std::mem::take(&mut self.unrelayed);
        if self.leads_term() {
            return;
        }
        let leader = Recipient::Node(self.leader());
        let mut batch: Vec<Arc<[u8]>> = Vec::new();
        let mut bytes = 0;
        for payload in unrelayed {
            if batch.len() == limits::RELAYED_REQUESTS || bytes > limits::MESSAGE_BYTES {
                let full = std::mem::take(&mut batch);
                let relay = self.relay(full, false);
                self.out.send(leader, relay, None);
                bytes = 0;
            }
            bytes += payload.len();
            batch.push(payload);
        }
        let relay = self.relay(batch, false);
        self.out.send(leader, relay, None);
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
