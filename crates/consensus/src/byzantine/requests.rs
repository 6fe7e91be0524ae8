//! Client requests: kept, relayed, watched over (§ 6).
//!
//! Whoever drives the replica hands in only what the application admits. What it says may be out of
//! date by the time a request is handed on, or missed, so it is asked again then
//! ([`Output::Judge`]): a request that is over, or not admitted any more, is dropped, and nobody is
//! suspected for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Byzantine,
    watching::{Offered, Watch, Watches},
};
use crate::{
    entry::Entry,
    event::{Output, Recipient, Refusal},
    limits,
    message::{Reason, Relay},
    mutation::{self, Mutation},
    pending::Pending,
    request::{Admittance, Request, RequestKey},
    types::{Index, NodeId, Time},
};

/// What waits, and what is watched over.
pub(super) struct Requests {
    pub(super) pending: Pending,
    /// What is watched over, for whom (P6.2).
    pub(super) watches: Watches,
    /// What each validator handed on to this node, as leader, as watched over, with its length: it
    /// finds room and goes first (P6.3).
    urgent: BTreeMap<NodeId, BTreeMap<RequestKey, usize>>,
    /// Requests of committed entries that are not applied yet, by key: the application does not
    /// know of them.
    unapplied: BTreeMap<RequestKey, BTreeMap<Arc<[u8]>, Index>>,
    /// Those entries.
    unapplied_entries: BTreeMap<Index, Arc<Entry>>,
    /// Requests to relay to the leader once more at the end of this event.
    again: Vec<Request>,
    /// Those among them that this node watches over.
    watched: Vec<Request>,
    /// When what waits for long is judged next.
    sweep: Time,
    /// When the application answered last.
    judged: Time,
}

impl Requests {
    pub(super) const fn new(me: NodeId, validators: usize) -> Self {
        Self {
            pending: Pending::new(me, validators),
            watches: Watches::new(validators),
            urgent: BTreeMap::new(),
            unapplied: BTreeMap::new(),
            unapplied_entries: BTreeMap::new(),
            again: Vec::new(),
            watched: Vec::new(),
            sweep: Time(0),
            judged: Time(0),
        }
    }

    /// Whether this very request is in a committed entry that is not applied.
    fn is_settled(&self, request: &Request) -> bool {
        let under_key = self.unapplied.get(&request.key());
        under_key.is_some_and(|payloads| payloads.contains_key(request.payload()))
            && !mutation::active(Mutation::UnappliedForgotten)
    }

    /// Whether some request under the key is in such an entry. It may settle the nonce, or not: it
    /// may have expired (P6.5).
    pub(super) fn may_be_settled(&self, key: &RequestKey) -> bool {
        self.unapplied.contains_key(key) && !mutation::active(Mutation::UnappliedForgotten)
    }

    /// Whether all that waits is under such keys: the leader may know already that it is over.
    fn all_may_be_settled(&self) -> bool {
        let mut unapplied = self.unapplied.keys();
        let first = unapplied.find(|key| self.pending.contains(key));
        let twins = unapplied.filter(|key| self.pending.contains(key)).count();
        first.is_some() && 1 + twins == self.pending.len()
    }

    /// An entry is committed.
    pub(super) fn committed(&mut self, entry: &Arc<Entry>) {
        for (key, payload) in entry.keys().iter().zip(&entry.payloads) {
            let under_key = self.unapplied.entry(*key).or_default();
            under_key.insert(Arc::clone(payload), entry.index());
        }
        self.unapplied_entries
            .insert(entry.index(), Arc::clone(entry));
    }

    /// The application has executed so far: from here on it knows itself. Says what waits under a
    /// key that was among it, to be judged.
    pub(super) fn applied(&mut self, index: Index) -> Vec<Request> {
        let mut keys = BTreeSet::new();
        while let Some(oldest) = self.unapplied_entries.first_entry()
            && *oldest.key() <= index
        {
            let (at, entry) = oldest.remove_entry();
            for (key, payload) in entry.keys().iter().zip(&entry.payloads) {
                if let Some(under_key) = self.unapplied.get_mut(key) {
                    if under_key.get(payload) == Some(&at) {
                        under_key.remove(payload);
                    }
                    if under_key.is_empty() {
                        self.unapplied.remove(key);
                    }
                }
                keys.insert(*key);
            }
        }
        let waiting = keys.iter().filter_map(|key| self.pending.get(key));
        let mut twins: Vec<Request> = waiting.collect();
        let watched = self.watches.all();
        let others = watched.filter(|one| {
            keys.contains(&one.key()) && !self.pending.holds(&one.key(), one.payload())
        });
        twins.extend(others.cloned());
        twins
    }

    /// Makes room at the leader for what a validator watches over: as much as a node watches over at
    /// most. Whether there is.
    fn reserve(&mut self, by: NodeId, request: &Request, validators: usize) -> bool {
        let pending = &self.pending;
        let urgent = self.urgent.entry(by).or_default();
        urgent.retain(|key, _| pending.contains(key));
        if urgent.contains_key(&request.key()) {
            return true;
        }
        let bytes = request.payload().len();
        let taken: usize = urgent.values().sum();
        let may = urgent.len() < limits::watched_requests(validators)
            && taken + bytes <= limits::watched_bytes(validators)
            && !mutation::active(Mutation::NoReserve);
        if may {
            urgent.insert(request.key(), bytes);
        }
        may
    }

    /// What goes first into an entry: what this node watches over, then of each validator in turn
    /// what it hands on as watched over (P6.3).
    pub(super) fn first(&self) -> Vec<RequestKey> {
        let watched = self.watches.running().map(|(_, watch)| watch.request.key());
        let mut first: Vec<RequestKey> = watched.collect();
        let mut lines: Vec<_> = self.urgent.values().map(BTreeMap::keys).collect();
        while !lines.is_empty() {
            lines.retain_mut(|line| {
                let next = line.next();
                first.extend(next.copied());
                next.is_some()
            });
        }
        first
    }
}

impl Byzantine {
    fn validators(&self) -> usize {
        self.configuration().sizes().validators()
    }

    /// P6.1: a client of this node asks; the leader gets to know.
    pub(super) fn submit(&mut self, request: &Request) {
        if self.requests.is_settled(request) {
            return;
        }
        if let Err(refusal) = self.take_in(request, self.me()) {
            self.refuse(request.key(), refusal);
        }
    }

    fn take_in(&mut self, request: &Request, by: NodeId) -> Result<(), Refusal> {
        let now = self.now.monotonic;
        let new = self.requests.pending.insert(now, request, by)?;
        self.note_waiting();
        if new && !self.is_leader() {
            self.request_waits(request.key());
        }
        Ok(())
    }

    fn refuse(&mut self, key: RequestKey, refusal: Refusal) {
        self.out.push(Output::Refused { key, refusal });
    }

    /// P6.2: a client of this node complains. Everybody gets the request and watches it.
    pub(super) fn complain(&mut self, request: &Request) {
        let (key, me) = (request.key(), self.me());
        if self.requests.is_settled(request) {
            return;
        }
        // Until there is a slot for it, it waits like any other.
        let taken_in = self.take_in(request, me);
        let repeated = self.requests.watches.watches_for(me, &key);
        let offered = self.requests.watches.offer(me, request);
        if let (Err(refusal), Offered::Full) = (taken_in, offered) {
            return self.refuse(key, refusal);
        }
        self.start_watches();
        // A complaint that is repeated goes out again: the relay may have been lost.
        if repeated {
            self.hand_on(me, request);
        }
    }

    pub(super) fn relayed(&mut self, from: NodeId, complained: bool, requests: &[Request]) {
        let leads = self.leads_term();
        if from == self.me() || (!complained && !self.is_leader()) {
            return;
        }
        for request in requests {
            if self.requests.is_settled(request) {
                continue;
            }
            let now = self.now.monotonic;
            if complained {
                let validators = self.validators();
                if leads && self.requests.reserve(from, request, validators) {
                    self.requests.pending.insert_reserved(now, request, from);
                }
                // The validator hands it on again if there is no slot for it now.
                self.requests.watches.offer(from, request);
            }
            if leads {
                // The validator keeps it and hands it on again; a refusal for want of room is no
                // starvation (P6.3).
                let _ = self.requests.pending.insert(now, request, from);
            }
        }
        if complained {
            self.start_watches();
        }
        self.note_waiting();
    }

    /// Starts the watches that there are slots for.
    fn start_watches(&mut self) {
        let (deadline, look) = self.watch_times();
        let began = self.commit.index;
        let Requests {
            watches, unapplied, ..
        } = &mut self.requests;
        let twin = |key: &RequestKey| unapplied.contains_key(key);
        let started = watches.start((deadline, look), began, twin);
        for (by, request) in started {
            // A leader has room for what others watch over, its own clients' included.
            let now = self.now.monotonic;
            self.requests.pending.insert_reserved(now, &request, by);
            self.note_waiting();
            self.hand_on(by, &request);
        }
    }

    /// When a watch that starts now ends, and when it is looked at first: every quarter of its timer
    /// it is handed on again, as a relay may be lost, or find no room for a moment.
    fn watch_times(&self) -> (Time, Time) {
        let now = self.now.monotonic;
        (now.after(self.starvation()), now.after(self.quarter()))
    }

    fn starvation(&self) -> Time {
        let timers = &self.out.setup.timers;
        timers.grown(timers.starvation, self.timer.level)
    }

    fn quarter(&self) -> Time {
        Time(self.starvation().0 / 4)
    }

    /// Hands on a watched request: that of an own client to everybody, so that all watch over it;
    /// that of another node to the leader, whom the other may have left out.
    fn hand_on(&mut self, by: NodeId, request: &Request) {
        if by == self.me() {
            let relay = self.relay(vec![Arc::clone(request.payload())], true);
            self.out.send(Recipient::Others, relay, None);
        } else if !self.leads_term() {
            self.requests.watched.push(request.clone());
        }
    }

    /// Has what is watched over judged, where it is time to hand it on again or to suspect for it;
    /// and what else waits for long.
    pub(super) fn check_watches(&mut self) {
        let (now, quarter) = (self.now.monotonic, self.quarter());
        let mut due = Vec::new();
        for watch in self.requests.watches.running_mut() {
            if watch.look <= now {
                watch.look = now.after(quarter);
                if watch.deadline > now {
                    watch.look = watch.look.min(watch.deadline);
                }
                due.push(watch.request.clone());
            }
        }
        if self.requests.sweep <= now {
            self.requests.sweep = now.after(limits::RELAY_AGAIN);
            let old = self.requests.pending.waiting_since(now);
            due.extend(old);
        }
        self.judge(due);
    }

    /// Whether what has waited for a silence timer is an entry, or requests that the application
    /// admits: it is asked when the timer ends.
    pub(super) fn waits_for_good_reason(&mut self, silence: Time) -> bool {
        let end = self.timer.stalled_since.map(|since| since.after(silence));
        if self.log.last() != self.commit || end.is_none_or(|end| self.requests.judged >= end) {
            if self.log.last() == self.commit && self.requests.all_may_be_settled() {
                // Once that is applied, the leader has as long again.
                self.timer.stalled_since = Some(self.now.monotonic);
                return false;
            }
            return true;
        }
        self.judge_oldest();
        false
    }

    /// The requests that have waited longest are handed on again, once they are judged.
    pub(super) fn judge_oldest(&mut self) {
        let oldest = self.requests.pending.oldest(limits::RELAYED_REQUESTS);
        self.judge(oldest);
    }

    pub(super) fn judge(&mut self, requests: Vec<Request>) {
        if !requests.is_empty() {
            self.out.push(Output::Judge(requests));
        }
    }

    /// When [`Byzantine::check_watches`] has something to do next.
    pub(super) fn watch_deadline(&self) -> Time {
        let never = Time(u64::MAX);
        let sweep = match self.requests.pending.is_empty() {
            true => never,
            false => self.requests.sweep,
        };
        self.requests
            .watches
            .next_look()
            .map_or(sweep, |look| look.min(sweep))
    }

    /// The application's answer about requests that wait: what is over, or not admitted any more, is
    /// dropped; the others are handed on again, or the leader is suspected for them.
    pub(super) fn judged(&mut self, as_of: Index, verdicts: &[(RequestKey, Admittance)]) {
        self.requests.judged = self.now.monotonic;
        for (key, admission) in verdicts {
            let refused = *admission != Admittance::Admitted;
            if refused && !mutation::active(Mutation::RefusedWatched) {
                self.drop_request(key);
                continue;
            }
            let Some(request) = self.requests.pending.get(key) else {
                // It expired here, or was committed meanwhile.
                self.requests.watches.end(key);
                continue;
            };
            let watches = self.requests.watches.running();
            let watched: Vec<(NodeId, Watch)> = watches
                .filter(|(_, watch)| watch.request.key() == *key)
                .map(|(by, watch)| (by, watch.clone()))
                .collect();
            // A leader left it out of an entry for the sake of another one under its key.
            if self.leads_term() && !self.in_chain.contains(key) {
                self.requests.pending.requeue(key);
            }
            if watched.is_empty() && !self.leads_term() {
                self.requests.again.push(request.clone());
            }
            for (by, watch) in watched {
                if !mutation::active(Mutation::HandedOnOnce) {
                    self.hand_on(by, &watch.request);
                }
                // What was committed when the timer began may have settled the request, or changed
                // whether it is admitted: the leader may know that already.
                let knows = as_of >= watch.began || mutation::active(Mutation::UnappliedForgotten);
                if watch.deadline > self.now.monotonic || !knows || self.leads_term() {
                    continue;
                }
                if watch.twin && !watch.prolonged {
                    self.prolong(by, key);
                } else {
                    self.suspect(Reason::Starved(*key));
                }
            }
        }
        self.start_watches();
    }

    /// A watch runs for one more timer, for once.
    fn prolong(&mut self, by: NodeId, key: &RequestKey) {
        let (deadline, look) = self.watch_times();
        if let Some(watch) = self.requests.watches.running_for(by, key) {
            (watch.deadline, watch.look, watch.prolonged) = (deadline, look, true);
        }
    }

    fn drop_request(&mut self, key: &RequestKey) {
        self.requests.pending.remove(key);
        self.request_given_up(key);
        self.no_longer_starving(key);
        self.nothing_waits();
    }

    /// Takes up that another node suspects the leader for a request that waits here, too. The leader
    /// gets to know that it is watched over: the other may have told everybody else.
    pub(super) fn watch_with(&mut self, other: NodeId, key: RequestKey) {
        if let Some(request) = self.requests.pending.get(&key) {
            self.requests.watches.offer(other, &request);
            self.start_watches();
        }
    }

    /// How many of the waiting requests are watched over.
    pub(super) fn watched_requests(&self) -> usize {
        let running = self.requests.watches.running();
        let keys = running.map(|(_, watch)| watch.request.key());
        let keys: std::collections::BTreeSet<RequestKey> = keys.collect();
        let waiting = keys
            .iter()
            .filter(|key| self.requests.pending.contains(key));
        waiting.count()
    }

    /// A request that is watched over, if any is.
    pub(super) fn watched_request(&self) -> Option<RequestKey> {
        let mut running = self.requests.watches.running();
        running.next().map(|(_, watch)| watch.request.key())
    }

    /// A request is committed: it does not wait any more. Another one under its key does, until the
    /// application knows whether this one settled the nonce (P6.2).
    pub(super) fn request_committed(&mut self, key: &RequestKey, payload: &[u8], index: Index) {
        let now = self.now.monotonic;
        self.requests.watches.committed((key, payload), index, now);
        if self.requests.pending.holds(key, payload) {
            self.requests.pending.remove(key);
            self.request_served(key);
            // What is watched over waits, too.
            let mut running = self.requests.watches.running();
            let other = running.find(|(_, watch)| watch.request.key() == *key);
            if let Some((by, request)) = other.map(|(by, watch)| (by, watch.request.clone())) {
                self.requests.pending.insert_reserved(now, &request, by);
            }
        }
        if !self.requests.pending.contains(key) {
            self.starvation_ended(Reason::Starved(*key));
        }
    }

    /// A request is over, or not admitted any more: its timer stops (P6.2).
    pub(super) fn no_longer_starving(&mut self, key: &RequestKey) {
        self.requests.watches.end(key);
        self.starvation_ended(Reason::Starved(*key));
    }

    /// The timers start again by themselves in each term (P6.2).
    pub(super) fn restart_starvation(&mut self) {
        let (deadline, look) = self.watch_times();
        let began = self.commit.index;
        for watch in self.requests.watches.running_mut() {
            (watch.deadline, watch.look, watch.began) = (deadline, look, began);
            watch.prolonged = false;
        }
    }

    /// A term has a leader: it gets everything that waits here.
    pub(super) fn relay_all(&mut self) {
        if !self.leads_term() {
            let now = self.now.monotonic;
            self.requests.pending.restart(&Default::default());
            for watch in self.requests.watches.running_mut() {
                watch.look = now;
            }
        }
    }

    pub(super) fn flush_relays(&mut self) {
        let watched = std::mem::take(&mut self.requests.watched);
        let again = std::mem::take(&mut self.requests.again);
        if self.leads_term() {
            return;
        }
        let payload = |request: Request| Arc::clone(request.payload());
        self.relay_to_leader(watched.into_iter().map(payload), true);
        self.relay_to_leader(again.into_iter().map(payload), false);
        loop {
            let batch = self.requests.pending.next_relay();
            if batch.is_empty() {
                break;
            }
            let batch = batch
                .into_iter()
                .filter(|(key, _)| !self.requests.watches.watches(key));
            let batch: Vec<Arc<[u8]>> = batch.map(|(_, payload)| payload).collect();
            self.relay_to_leader(batch, false);
        }
    }

    fn relay_to_leader(&mut self, requests: impl IntoIterator<Item = Arc<[u8]>>, complained: bool) {
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
        for key in self.requests.pending.expire(now) {
            self.request_given_up(&key);
            self.no_longer_starving(&key);
        }
    }
}
