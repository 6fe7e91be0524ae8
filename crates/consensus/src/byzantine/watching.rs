//! Which requests this node watches over, for whom, and what waits to be watched over (P6.2, P6.3).
//!
//! Each validator that hands complaints on has a share of the slots, and in it one slot of each
//! account. What finds no slot waits in its validator's queue, first in first out. So no validator
//! takes from another's share, and none can have an account's slot used up but its own.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    limits,
    request::{Request, RequestKey},
    types::{Index, NodeId, Time},
};

/// A request that is watched over.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) request: Request,
    /// When the leader is suspected for it.
    pub(super) deadline: Time,
    /// The commit point when the timer began: all of it must be applied before it ends.
    pub(super) began: Index,
    /// When it is judged and handed on next.
    pub(super) look: Time,
    /// Whether its timer ran while another one under its key was committed: a leader that knew no
    /// more held it back for that, and gets one timer more.
    pub(super) twin: bool,
    /// Whether it got it.
    pub(super) prolonged: bool,
}

#[derive(Clone, Debug, Default)]
struct Share {
    running: Vec<Watch>,
    queue: VecDeque<Request>,
}

/// The watches of one node.
#[derive(Clone, Debug)]
pub(super) struct Watches {
    slots: usize,
    bytes: usize,
    of: BTreeMap<NodeId, Share>,
}

/// What became of a complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// It is watched over, or will be.
    Taken,
    /// Too many of that validator wait.
    Full,
}

fn bytes_of<'a>(requests: impl Iterator<Item = &'a Request>) -> usize {
    requests.map(|request| request.payload().len()).sum()
}

impl Share {
    fn holds(&self, key: &RequestKey) -> bool {
        self.watches(key) || self.queue.iter().any(|waiting| waiting.key() == *key)
    }

    fn watches(&self, key: &RequestKey) -> bool {
        let mut running = self.running.iter();
        running.any(|watch| watch.request.key() == *key)
    }

    /// Lets the account with the most places in the queue give up its last one, if it has more than
    /// one: places are shared out by account.
    fn make_place(&mut self) {
        let mut places: BTreeMap<[u8; 32], (usize, usize)> = BTreeMap::new();
        for (position, waiting) in self.queue.iter().enumerate() {
            let (count, last) = places.entry(waiting.key().account).or_default();
            (*count, *last) = (*count + 1, position);
        }
        let most = places.values().max_by_key(|(count, _)| *count);
        if let Some(&(_, last)) = most.filter(|(count, _)| *count > 1) {
            self.queue.remove(last);
        }
    }

    /// The first in the queue that finds a slot.
    fn next(&mut self, slots: usize, bytes: usize) -> Option<Request> {
        if self.running.len() >= slots {
            return None;
        }
        let taken = bytes_of(self.running.iter().map(|watch| &watch.request));
        let finds_slot = |waiting: &Request| {
            let account = waiting.key().account;
            let mut running = self.running.iter();
            running.all(|watch| watch.request.key().account != account)
        };
        let position = self.queue.iter().position(finds_slot)?;
        // Whatever is first in line waits for room; a smaller one does not overtake it for ever.
        let fits = taken + self.queue[position].payload().len() <= bytes;
        fits.then(|| self.queue.remove(position)).flatten()
    }
}

impl Watches {
    pub(super) const fn new(validators: usize) -> Self {
        Self {
            slots: limits::watched_requests(validators) / validators,
            bytes: limits::watched_bytes(validators) / validators,
            of: BTreeMap::new(),
        }
    }

    /// Puts a complaint that `by` handed on in its line.
    pub(super) fn offer(&mut self, by: NodeId, request: &Request) -> Offered {
        let key = request.key();
        let share = self.of.entry(by).or_default();
        if share.holds(&key) {
            return Offered::Taken;
        }
        let of_account = share
            .queue
            .iter()
            .filter(|waiting| waiting.key().account == key.account)
            .count();
        let queued = bytes_of(share.queue.iter()) + request.payload().len();
        if of_account >= limits::QUEUED_PER_ACCOUNT
            || queued > limits::QUEUED_BYTES.max(limits::PAYLOAD_BYTES)
        {
            return Offered::Full;
        }
        if share.queue.len() >= limits::QUEUED_COMPLAINTS {
            share.make_place();
            if share.queue.len() >= limits::QUEUED_COMPLAINTS {
                return Offered::Full;
            }
        }
        share.queue.push_back(request.clone());
        Offered::Taken
    }

    /// Starts every watch that finds a slot, and says which.
    pub(super) fn start(
        &mut self,
        (deadline, look): (Time, Time),
        began: Index,
        twin: impl Fn(&RequestKey) -> bool,
    ) -> Vec<(NodeId, Request)> {
        let mut started = Vec::new();
        for (&by, share) in &mut self.of {
            while let Some(request) = share.next(self.slots, self.bytes) {
                started.push((by, request.clone()));
                let twin = twin(&request.key());
                share.running.push(Watch {
                    request,
                    deadline,
                    began,
                    look,
                    twin,
                    prolonged: false,
                });
            }
        }
        started
    }

    /// What is watched over, with the validator that handed it on.
    pub(super) fn running(&self) -> impl Iterator<Item = (NodeId, &Watch)> {
        let of = self.of.iter();
        of.flat_map(|(&by, share)| share.running.iter().map(move |watch| (by, watch)))
    }

    pub(super) fn running_mut(&mut self) -> impl Iterator<Item = &mut Watch> {
        let shares = self.of.values_mut();
        shares.flat_map(|share| share.running.iter_mut())
    }

    pub(super) fn running_for(&mut self, by: NodeId, key: &RequestKey) -> Option<&mut Watch> {
        let share = self.of.get_mut(&by)?;
        let mut running = share.running.iter_mut();
        running.find(|watch| watch.request.key() == *key)
    }

    /// Whether a request is watched over, for whomever.
    pub(super) fn watches(&self, key: &RequestKey) -> bool {
        self.of.values().any(|share| share.watches(key))
    }

    /// Whether it is watched over for a validator.
    pub(super) fn watches_for(&self, by: NodeId, key: &RequestKey) -> bool {
        self.of.get(&by).is_some_and(|share| share.watches(key))
    }

    /// Forgets a request.
    pub(super) fn end(&mut self, key: &RequestKey) {
        for share in self.of.values_mut() {
            share.running.retain(|watch| watch.request.key() != *key);
            share.queue.retain(|waiting| waiting.key() != *key);
        }
        self.of
            .retain(|_, share| !(share.running.is_empty() && share.queue.is_empty()));
    }

    /// Forgets a request that is committed, though not another one under its key. Such a one does
    /// not end before that entry is applied, as long as its first timer runs.
    pub(super) fn committed(
        &mut self,
        (key, payload): (&RequestKey, &[u8]),
        index: Index,
        now: Time,
    ) {
        let same = |one: &Request| one.key() == *key && **one.payload() == *payload;
        for share in self.of.values_mut() {
            share.running.retain(|watch| !same(&watch.request));
            share.queue.retain(|waiting| !same(waiting));
            for watch in &mut share.running {
                if watch.request.key() == *key && watch.deadline > now && !watch.prolonged {
                    watch.began = watch.began.max(index);
                    watch.twin = true;
                }
            }
        }
        self.of
            .retain(|_, share| !(share.running.is_empty() && share.queue.is_empty()));
    }

    /// What is watched over, or waits to be.
    pub(super) fn all(&self) -> impl Iterator<Item = &Request> {
        self.of.values().flat_map(|share| {
            let running = share.running.iter().map(|watch| &watch.request);
            running.chain(&share.queue)
        })
    }

    /// When one of them is looked at next.
    pub(super) fn next_look(&self) -> Option<Time> {
        self.running().map(|(_, watch)| watch.look).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(account: u16, nonce: u64, bytes: usize) -> Request {
        let mut name = [0; 32];
        name[..2].copy_from_slice(&account.to_le_bytes());
        let key = RequestKey {
            account: name,
            nonce,
        };
        Request::waiting(key, vec![1; bytes].into())
    }

    fn start(watches: &mut Watches) -> usize {
        watches.start((Time(1), Time(1)), Index(0), |_| false).len()
    }

    /// A traitor has every account watched that it likes; the slots of the others stay theirs.
    #[test]
    fn one_slot_for_each_validator_and_account() {
        let mut watches = Watches::new(4);
        for account in 0..100 {
            watches.offer(NodeId(3), &request(account, 1, 10));
        }
        assert_eq!(start(&mut watches), limits::watched_requests(4) / 4);
        assert_eq!(watches.offer(NodeId(1), &request(0, 2, 10)), Offered::Taken);
        assert_eq!(start(&mut watches), 1);
        assert!(watches.watches_for(NodeId(1), &request(0, 2, 10).key()));
        assert!(!watches.watches_for(NodeId(3), &request(0, 2, 10).key()));
    }

    /// A complaint that finds the slot taken is not dropped.
    #[test]
    fn what_finds_its_slot_taken_follows_in_order() {
        let mut watches = Watches::new(4);
        for nonce in 0..3 {
            assert_eq!(
                watches.offer(NodeId(1), &request(5, nonce, 10)),
                Offered::Taken
            );
        }
        for nonce in 0..3 {
            assert_eq!(start(&mut watches), 1);
            assert!(watches.watches(&request(5, nonce, 10).key()));
            watches.end(&request(5, nonce, 10).key());
        }
        assert!(watches.of.is_empty());
    }

    #[test]
    fn a_full_queue_gives_places_to_accounts_that_have_none() {
        let mut watches = Watches::new(4);
        let accounts = limits::QUEUED_COMPLAINTS / limits::QUEUED_PER_ACCOUNT;
        for account in 0..u16::try_from(accounts).unwrap() {
            for nonce in 0..limits::QUEUED_PER_ACCOUNT as u64 {
                assert_eq!(
                    watches.offer(NodeId(1), &request(account, nonce, 10)),
                    Offered::Taken
                );
            }
            let more = request(account, 99, 10);
            assert_eq!(watches.offer(NodeId(1), &more), Offered::Full);
        }
        let late = request(60_000, 1, 10);
        assert_eq!(watches.offer(NodeId(1), &late), Offered::Taken);
        let queue = &watches.of[&NodeId(1)].queue;
        assert_eq!(queue.len(), limits::QUEUED_COMPLAINTS);
        assert!(watches.of[&NodeId(1)].holds(&late.key()));
    }

    /// The bound of bytes holds with the largest requests, and at every size one of them fits.
    #[test]
    fn bytes_are_bounded_and_one_of_any_size_fits() {
        for validators in [4, 7, 25, 64] {
            let mut watches = Watches::new(validators);
            for account in 0..100 {
                watches.offer(
                    NodeId(1),
                    &request(account, 1, crate::limits::PAYLOAD_BYTES),
                );
            }
            let started = start(&mut watches);
            assert!(started > 0, "{validators}");
            assert!(
                started * limits::PAYLOAD_BYTES * validators <= limits::watched_bytes(validators)
            );
        }
    }
}
