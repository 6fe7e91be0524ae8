//! The thread that judges bulk messages, one after the other, each on all cores.
//!
//! The same entries often come twice at about the same time, from the leader and in answer to a
//! fetch (P3.7): this way the second find their requests judged already, where side by side both
//! would be judged. Peers take turns, so that one that floods holds up the others by one message
//! at most.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use consensus::NodeId;

/// Judges one message and hands it on. What waits holds permits of its peer, so it is bounded.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// The messages that wait, by peer.
pub(crate) struct BulkJudge {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

struct Waiting {
    of_peer: Vec<VecDeque<Job>>,
    /// Whose turn it is.
    turn: usize,
    closed: bool,
}

impl BulkJudge {
    pub(crate) fn new(validators: usize) -> Self {
        let of_peer = (0..validators).map(|_| VecDeque::new()).collect();
        Self {
            waiting: Mutex::new(Waiting {
                of_peer,
                turn: 0,
                closed: false,
            }),
            filled: Condvar::new(),
        }
    }

    /// Queues a message of a peer.
    pub(crate) fn judge(&self, from: NodeId, job: Job) {
        let mut waiting = self.lock();
        if let Some(queue) = waiting.of_peer.get_mut(from.position()) {
            queue.push_back(job);
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Judges until closed.
    pub(crate) fn run(&self) {
        while let Some(job) = self.next() {
            job();
        }
    }

    /// Ends the thread after what it is doing.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(job) = waiting.take() {
                return Some(job);
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
    fn take(&mut self) -> Option<Job> {
        let peers = self.of_peer.len();
        for peer in (self.turn..self.turn + peers).map(|peer| peer % peers) {
            if let Some(job) = self.of_peer[peer].pop_front() {
                self.turn = peer + 1;
                return Some(job);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_flood_of_one_peer_holds_up_another_by_one_message() {
        let judge = BulkJudge::new(4);
        let judged = Arc::new(Mutex::new(Vec::new()));
        let push = |from: u16, name: u16| {
            let judged = Arc::clone(&judged);
            let job = move || judged.lock().unwrap().push(name);
            judge.judge(NodeId(from), Box::new(job));
        };
        (0..100).for_each(|name| push(1, name));
        push(3, 1000);
        push(0, 2000);
        for _ in 0..5 {
            judge.next().unwrap()();
        }
        assert_eq!(*judged.lock().unwrap(), [2000, 0, 1000, 1, 2]);
        judge.close();
        assert!(judge.next().is_none());
    }
}
