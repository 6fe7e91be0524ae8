//! Bounded queue of frames on their way to one stream.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::budget::{Budget, Share};
use crate::fault::LinkPolicy;
use crate::limits::QueueLimit;
use crate::random::Random;

/// Bounds of one write: large enough to make few of them, small enough not to hold up a stream
/// of higher priority.
const BATCH_BYTES: usize = 256 * 1024;
const BATCH_FRAMES: usize = 1024;

/// What happens to a frame for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// The oldest frames make room.
    DropOldest,
    /// The new frame is refused.
    RefuseNew,
}

/// How a queue behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) limit: QueueLimit,
    pub(crate) overflow: Overflow,
    /// Frames held while there is no connection.
    pub(crate) offline_frames: usize,
    /// Room on top of `limit` while frames are delayed on purpose.
    pub(crate) delay_line: QueueLimit,
}

/// What a queue draws from a budget.
#[derive(Debug)]
struct Drawn {
    /// Bytes that the queue has for itself; only what is beyond them is drawn.
    own: usize,
    share: Share,
}

/// What became of a frame that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It is queued; so many older ones had to go.
    Queued { dropped: usize },
    /// The link's policy swallowed it.
    LostOnPurpose,
}

/// Why a frame was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Offline,
    Closed,
}

#[derive(Debug)]
pub(crate) struct FrameQueue {
    rules: Rules,
    state: Mutex<State>,
    readable: Notify,
    writable: Notify,
    closing: Notify,
}

#[derive(Debug)]
struct State {
    frames: VecDeque<Queued>,
    bytes: usize,
    drawn: Option<Drawn>,
    online: bool,
    closed: bool,
    policy: LinkPolicy,
    random: Random,
}

#[derive(Debug)]
struct Queued {
    frame: Bytes,
    /// Not to be sent before; only under a policy that delays.
    due: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Batch,
    Wait(Option<Instant>),
    End,
}

impl FrameQueue {
    pub(crate) fn new(rules: Rules, online: bool) -> Self {
        let state = State {
            frames: VecDeque::new(),
            bytes: 0,
            drawn: None,
            online,
            closed: false,
            policy: LinkPolicy::PASS,
            random: Random::from_system(),
        };
        Self {
            rules,
            state: Mutex::new(state),
            readable: Notify::new(),
            writable: Notify::new(),
            closing: Notify::new(),
        }
    }

    /// Shares memory with other queues: beyond `own` bytes it draws from `budget`, and what that
    /// does not give is refused.
    pub(crate) fn sharing(self, own: usize, budget: &Budget) -> Self {
        self.lock().drawn = Some(Drawn {
            own,
            share: budget.share(),
        });
        self
    }

    /// Queues a frame without waiting.
    pub(crate) fn push(&self, frame: Bytes) -> Result<Pushed, Refused> {
        let mut state = self.lock();
        let pushed = state.push(frame, &self.rules, Instant::now)?;
        let first = state.frames.len() == 1;
        drop(state);
        // The writer only sleeps when it found nothing to send; a frame behind others wakes nobody.
        if first {
            self.readable.notify_one();
        }
        Ok(pushed)
    }

    /// Queues a frame, waiting for room.
    pub(crate) async fn push_wait(&self, frame: Bytes) -> Result<(), Refused> {
        loop {
            let mut room = std::pin::pin!(self.writable.notified());
            // Listen before looking, or room made in between would go unnoticed.
            room.as_mut().enable();
            match self.push(frame.clone()) {
                Err(Refused::Full) => room.await,
                other => return other.map(|_| ()),
            }
        }
    }

    /// Waits for frames and moves a batch of them to `batch`; `false` once the queue is closed
    /// and everything in it has been taken.
    pub(crate) async fn next_batch(&self, batch: &mut Vec<Bytes>) -> bool {
        loop {
            let next = {
                let mut state = self.lock();
                let next = state.next(batch, Instant::now);
                state.give_back();
                next
            };
            match next {
                Next::Batch => {
                    self.writable.notify_waiters();
                    return true;
                }
                Next::End => return false,
                Next::Wait(None) => self.readable.notified().await,
                Next::Wait(Some(due)) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.readable.notified() => {}
                },
            }
        }
    }

    /// Says whether there is a connection. Without one, only the newest
    /// [`Rules::offline_frames`] are kept. Returns how many frames were given up.
    pub(crate) fn set_online(&self, online: bool) -> usize {
        let mut state = self.lock();
        state.online = online;
        let excess = match online {
            true => 0,
            false => state.frames.len().saturating_sub(self.rules.offline_frames),
        };
        state.drop_oldest(excess);
        state.give_back();
        excess
    }

    /// Applies a policy from the next frame on; a cut also swallows what is queued, and frames
    /// being delayed are released when the delay ends. Returns how many frames were swallowed.
    pub(crate) fn set_policy(&self, policy: LinkPolicy) -> usize {
        let mut state = self.lock();
        state.policy = policy.bounded();
        let swallowed = if policy.cut { state.frames.len() } else { 0 };
        state.drop_oldest(swallowed);
        state.give_back();
        if state.policy.delay.is_zero() {
            state.frames.iter_mut().for_each(|queued| queued.due = None);
        }
        drop(state);
        self.readable.notify_one();
        swallowed
    }

    /// Takes no more frames; those queued are still sent, delayed ones at once.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.readable.notify_one();
        self.writable.notify_waiters();
        self.closing.notify_waiters();
    }

    /// Waits until the queue is closed; frames may still be in it.
    pub(crate) async fn closed(&self) {
        let mut closing = std::pin::pin!(self.closing.notified());
        closing.as_mut().enable();
        if !self.lock().closed {
            closing.await;
        }
    }

    pub(crate) fn policy(&self) -> LinkPolicy {
        self.lock().policy
    }

    /// Closes and forgets what is queued. Returns how many frames were given up.
    pub(crate) fn abandon(&self) -> usize {
        let mut state = self.lock();
        let left = state.frames.len();
        state.drop_oldest(left);
        state.give_back();
        drop(state);
        self.close();
        left
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(
        &mut self,
        frame: Bytes,
        rules: &Rules,
        clock: impl Fn() -> Instant,
    ) -> Result<Pushed, Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        if self.policy.cut || (self.policy.loss > 0.0 && self.random.unit() < self.policy.loss) {
            return Ok(Pushed::LostOnPurpose);
        }
        let limit = self.limit(rules);
        if limit.frames == 0 {
            return Err(Refused::Offline);
        }
        let mut dropped = 0;
        while !self.fits(frame.len(), limit) {
            if rules.overflow == Overflow::RefuseNew {
                return Err(Refused::Full);
            }
            self.drop_oldest(1);
            dropped += 1;
        }
        let bytes = self.bytes + frame.len();
        if !self.draw(bytes) {
            return Err(Refused::Full);
        }
        let delay = self.policy.delay;
        let due = (!delay.is_zero()).then(|| clock() + delay);
        self.bytes = bytes;
        self.frames.push_back(Queued { frame, due });
        Ok(Pushed::Queued { dropped })
    }

    /// Has so much of the budget as that many queued bytes take; `false` if that is not to be had.
    fn draw(&mut self, bytes: usize) -> bool {
        self.drawn
            .as_mut()
            .is_none_or(|drawn| drawn.share.resize(bytes.saturating_sub(drawn.own)))
    }

    fn give_back(&mut self) {
        // Less can always be had.
        self.draw(self.bytes);
    }

    fn limit(&self, rules: &Rules) -> QueueLimit {
        let mut limit = rules.limit;
        if !self.online {
            limit.frames = limit.frames.min(rules.offline_frames);
        } else if !self.policy.delay.is_zero() {
            limit.frames += rules.delay_line.frames;
            limit.bytes += rules.delay_line.bytes;
        }
        limit
    }

    fn fits(&self, length: usize, limit: QueueLimit) -> bool {
        self.frames.is_empty()
            || (self.frames.len() < limit.frames && self.bytes + length <= limit.bytes)
    }

    fn drop_oldest(&mut self, count: usize) {
        let gone = self.frames.drain(..count);
        self.bytes -= gone.map(|queued| queued.frame.len()).sum::<usize>();
    }

    /// The clock is read only for frames that are delayed on purpose.
    fn next(&mut self, batch: &mut Vec<Bytes>, clock: impl Fn() -> Instant) -> Next {
        let mut now = None;
        let mut bytes = 0;
        while let Some(first) = self.frames.front() {
            if let Some(due) = first.due
                && !self.closed
                && due > *now.get_or_insert_with(&clock)
            {
                // Later frames wait behind this one, so the order stays even if the delay shrinks.
                return if batch.is_empty() {
                    Next::Wait(Some(due))
                } else {
                    Next::Batch
                };
            }
            let length = first.frame.len();
            let full = bytes + length > BATCH_BYTES || batch.len() >= BATCH_FRAMES;
            if full && !batch.is_empty() {
                return Next::Batch;
            }
            bytes += length;
            self.bytes -= length;
            batch.extend(self.frames.pop_front().map(|queued| queued.frame));
        }
        match (batch.is_empty(), self.closed) {
            (false, _) => Next::Batch,
            (true, true) => Next::End,
            (true, false) => Next::Wait(None),
        }
    }
}

#[cfg(test)]
mod tests;
