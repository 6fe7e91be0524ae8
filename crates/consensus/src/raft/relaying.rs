//! Requests on their way: kept until they are committed, relayed to whoever leads, and relayed
//! again when that changes or takes too long. No relay is ever passed on, so there are no loops.

use std::{collections::VecDeque, sync::Arc};

use super::{Part, Raft};
use crate::{
    event::{Output, Recipient, Refusal},
    limits,
    message::Relay,
    request::{Request, RequestKey},
    types::{NodeId, Now, Time},
};

/// What was relayed to the present leader.
#[derive(Debug, Default)]
pub(super) struct Relays {
    /// The requests of each relay that are not known to be committed, and when it was sent.
    sent: VecDeque<(Time, Vec<RequestKey>)>,
    /// No relay before this moment, unless it is full.
    pause: Time,
}

impl Raft {
    /// Takes in a client's request. Whatever the client complains of, in the Raft modes the leader
    /// is trusted and the request waits its turn.
    pub(super) fn on_submit(&mut self, now: Now, request: &Request) {
        if let Err(refusal) = self.take_in(now, request) {
            self.outbox.push(Output::Refused {
                key: request.key(),
                refusal,
            });
        }
    }

    /// Takes in what a peer relayed, if this node leads. Otherwise the peer will learn who does;
    /// if there is no room it will relay again.
    pub(super) fn on_relayed(&mut self, now: Now, requests: &[Request]) {
        if self.is_leader() {
            for request in requests {
                let _ = self.take_in(now, request);
            }
        }
    }

    fn take_in(&mut self, now: Now, request: &Request) -> Result<(), Refusal> {
        let in_chain = self.keys.index_of(&request.key(), request.payload());
        if in_chain.is_some_and(|index| index <= self.commit.index) {
            return Ok(());
        }
        self.pending.insert(now.monotonic, request).map(|_| ())
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
        while self.pending.unproposed() >= limits::RELAYED_REQUESTS
            || (self.pending.unproposed() > 0 && now.monotonic >= self.relays.pause)
        {
            let batch = self.pending.propose();
            if batch.is_empty() {
                return;
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

    /// Puts requests back into the queue that were relayed too long ago.
    pub(super) fn relay_again(&mut self, now: Now) {
        while let Some((sent, keys)) = self.relays.sent.front() {
            if sent.after(limits::RELAY_AGAIN) > now.monotonic {
                break;
            }
            self.pending.requeue(keys);
            self.relays.sent.pop_front();
        }
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
        let first = (self.pending.unproposed() > 0).then_some(self.relays.pause);
        let again = self.relays.sent.front();
        let again = again.map(|(sent, _)| sent.after(limits::RELAY_AGAIN));
        first.into_iter().chain(again).min()
    }
}
