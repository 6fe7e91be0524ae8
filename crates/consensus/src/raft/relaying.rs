//! Requests on their way: kept until they are committed, relayed to whoever leads, and relayed
//! again when that changes or takes too long. No relay is ever passed on, so there are no loops.

use std::{collections::VecDeque, sync::Arc};

use super::{Part, Raft};
use crate::{
    event::{Output, Recipient, Refusal},
    limits,
    message::Relay,
    request::{Admittance, Request, RequestKey},
    types::{NodeId, Now, Time},
};

/// What was relayed to the present leader.
#[derive(Debug, Default)]
pub(super) struct Relays {
    /// Whether as much is under way as finds room at the leader, so that more waits.
    full: bool,
    /// The requests of each relay that are not known to be committed, and when it was sent.
    sent: VecDeque<(Time, Vec<RequestKey>)>,
    /// No relay before this moment, unless it is full.
    pause: Time,
}

impl Raft {
    /// Takes in a client's request. Whatever the client complains of, in the Raft modes the leader
    /// is trusted and the request waits its turn.
    pub(super) fn on_submit(&mut self, now: Now, request: &Request) {
        if let Err(refusal) = self.take_in(now, request, self.me()) {
            self.outbox.push(Output::Refused {
                key: request.key(),
                refusal,
            });
        }
    }

    /// Takes in what a peer relayed, if this node leads. Otherwise the peer will learn who does;
    /// if there is no room it will relay again.
    pub(super) fn on_relayed(&mut self, now: Now, from: NodeId, requests: &[Request]) {
        if self.is_leader() {
            for request in requests {
                let _ = self.take_in(now, request, from);
            }
        }
    }

    fn take_in(&mut self, now: Now, request: &Request, by: NodeId) -> Result<(), Refusal> {
        let in_chain = self.keys.index_of(&request.key(), request.payload());
        if in_chain.is_some_and(|index| index <= self.commit.index) {
            return Ok(());
        }
        self.pending.insert(now.monotonic, request, by).map(|_| ())
    }

    /// Notes who leads. Whatever still waits goes to the new leader.
    pub(super) fn set_leader(&mut self, leader: Option<NodeId>) {
        if self.leader == leader {
            return;
        }
        self.leader = leader;
        self.relays = Relays::default();
        // What the chain holds already is left out when it is proposed: a follower's uncommitted
        // entries may be replaced, and then the requests in them must still be relayed.
        self.pending.restart(&std::collections::BTreeSet::new());
    }

    /// Relays what waits, if somebody else leads.
    pub(super) fn relay(&mut self, now: Now) {
        let (Some(leader), Part::Follower) = (self.leader, &self.part) else {
            return;
        };
        self.relays.full = false;
        while self.pending.unproposed() >= limits::RELAYED_REQUESTS
            || (self.pending.unproposed() > 0 && now.monotonic >= self.relays.pause)
        {
            let batch = self.pending.next_relay();
            if batch.is_empty() {
                // As much is under way as surely finds room at the leader.
                self.relays.full = true;
                break;
            }
            let (keys, requests): (_, Vec<Arc<[u8]>>) = batch.into_iter().unzip();
            let relay = Relay {
                epoch: self.outbox.setup.configuration.epoch(),
                complained: false,
                requests,
            };
            self.outbox.send(Recipient::Node(leader), relay, None);
            self.relays.sent.push_back((now.monotonic, keys));
        }
        if self
            .relays
            .sent
            .back()
            .is_some_and(|(sent, _)| *sent == now.monotonic)
        {
            self.relays.pause = now.monotonic.after(limits::RELAY_PAUSE);
        }
    }

    /// Has the application judge requests again that were relayed too long ago: the leader may have
    /// refused them for good.
    pub(super) fn relay_again(&mut self, now: Now) {
        while let Some((sent, keys)) = self.relays.sent.front() {
            if sent.after(limits::RELAY_AGAIN) > now.monotonic {
                break;
            }
            let waiting = keys.iter().filter_map(|key| self.pending.get(key));
            let waiting: Vec<Request> = waiting.collect();
            self.relays.sent.pop_front();
            if !waiting.is_empty() {
                self.outbox.push(Output::Judge(waiting));
            }
        }
    }

    /// Forgets requests that the application does not admit any more; the others go into the queue
    /// again.
    pub(super) fn on_judged(&mut self, verdicts: &[(RequestKey, Admittance)]) {
        for (key, admission) in verdicts {
            match admission {
                Admittance::Admitted => self.pending.requeue(key),
                Admittance::Refused | Admittance::Settled => drop(self.pending.remove(key)),
            }
        }
        self.prune_relays();
    }

    /// Forgets relays whose requests are all committed.
    pub(super) fn prune_relays(&mut self) {
        while let Some((_, keys)) = self.relays.sent.front() {
            if keys.iter().any(|key| self.pending.contains(key)) {
                break;
            }
            self.relays.sent.pop_front();
        }
    }

    /// When to relay next.
    pub(super) fn relay_deadline(&self) -> Option<Time> {
        if self.leader.is_none() || self.is_leader() {
            return None;
        }
        // While there is no room, time alone changes nothing.
        let next = self.pending.unproposed() > 0 && !self.relays.full;
        let first = next.then_some(self.relays.pause);
        let again = self.relays.sent.front();
        let again = again.map(|(sent, _)| sent.after(limits::RELAY_AGAIN));
        first.into_iter().chain(again).min()
    }
}
