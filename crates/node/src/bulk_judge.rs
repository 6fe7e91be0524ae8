//! The thread that judges bulk messages, one after the other, each on all cores.
//!
//! The same entries often come twice at about the same time, from the leader and in answer to a
//! fetch (P3.7): this way the second find their requests judged already, where side by side both
//! would be judged. Of the peers whose messages wait, the one goes first whose messages took the
//! least time so far: one that floods with what is dear to judge holds up the others by one message
//! at most, and has no larger share than each of them.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use consensus::NodeId;

/// Judges one message and hands it on. What waits holds permits of its peer, so it is bounded.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// The messages that wait, by peer.
pub(crate) struct BulkJudge {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Default)]
struct Peer {
    jobs: VecDeque<Job>,
    /// How long its messages took, and what it had not asked for while others had.
    spent: Duration,
}

struct Waiting {
    peers: Vec<Peer>,
    /// What the peer had spent whose message was begun last.
    spent: Duration,
    closed: bool,
}

impl BulkJudge {
    pub(crate) fn new(validators: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                peers: (0..validators).map(|_| Peer::default()).collect(),
                spent: Duration::ZERO,
                closed: false,
            }),
            filled: Condvar::new(),
        }
    }

    /// Queues a message of a peer.
    pub(crate) fn judge(&self, from: NodeId, job: Job) {
        self.lock().add(from.position(), job);
        self.filled.notify_one();
    }

    /// Judges until closed.
    pub(crate) fn run(&self) {
        while let Some((peer, job)) = self.next() {
            let begun = Instant::now();
            job();
            self.lock().charge(peer, begun.elapsed());
        }
    }

    /// Ends the thread after what it is doing.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    fn next(&self) -> Option<(usize, Job)> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(next) = waiting.take() {
                return Some(next);
            }
            waiting = self
                .filled
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here panics halfway through a change.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn add(&mut self, peer: usize, job: Job) {
        let now = self.spent;
        if let Some(peer) = self.peers.get_mut(peer) {
            if peer.jobs.is_empty() {
                // Nobody saves up for a flood.
                peer.spent = peer.spent.max(now);
            }
            peer.jobs.push_back(job);
        }
    }

    fn take(&mut self) -> Option<(usize, Job)> {
        let waiting = self.peers.iter_mut().enumerate();
        let (number, peer) = waiting
            .filter(|(_, peer)| !peer.jobs.is_empty())
            .min_by_key(|(_, peer)| peer.spent)?;
        self.spent = peer.spent;
        Some((number, peer.jobs.pop_front()?))
    }

    fn charge(&mut self, peer: usize, spent: Duration) {
        self.peers[peer].spent += spent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(jobs: &[(usize, usize)]) -> Waiting {
        let judge = BulkJudge::new(4);
        for &(peer, count) in jobs {
            (0..count).for_each(|_| judge.lock().add(peer, Box::new(|| {})));
        }
        judge.waiting.into_inner().unwrap()
    }

    /// Takes a number of messages, each of which takes as long as its peer's do.
    fn judged(waiting: &mut Waiting, count: usize, cost: [u64; 4]) -> Vec<usize> {
        let one = |_| {
            let (peer, _) = waiting.take().unwrap();
            waiting.charge(peer, Duration::from_millis(cost[peer]));
            peer
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn a_flood_of_one_peer_holds_up_another_by_one_message() {
        let mut waiting = waiting(&[(1, 100)]);
        assert_eq!(judged(&mut waiting, 3, [1; 4]), [1, 1, 1]);
        waiting.add(3, Box::new(|| {}));
        waiting.add(0, Box::new(|| {}));
        assert_eq!(judged(&mut waiting, 4, [1; 4]), [0, 3, 1, 1]);
    }

    #[test]
    fn what_is_dear_to_judge_takes_turns_by_its_time() {
        let mut waiting = waiting(&[(1, 100), (2, 100)]);
        let turns = judged(&mut waiting, 44, [0, 100, 10, 0]);
        let dear = turns.iter().filter(|peer| **peer == 1).count();
        assert_eq!(dear, 4, "{turns:?}");
    }

    #[test]
    fn a_peer_that_was_silent_has_nothing_saved_up() {
        let mut waiting = waiting(&[(1, 100)]);
        judged(&mut waiting, 50, [1; 4]);
        (0..100).for_each(|_| waiting.add(2, Box::new(|| {})));
        let turns = judged(&mut waiting, 20, [1; 4]);
        assert_eq!(turns.iter().filter(|peer| **peer == 2).count(), 10);
    }

    #[test]
    fn once_closed_nothing_is_judged() {
        let judge = BulkJudge::new(4);
        judge.judge(NodeId(1), Box::new(|| {}));
        judge.close();
        assert!(judge.next().is_none());
    }
}
