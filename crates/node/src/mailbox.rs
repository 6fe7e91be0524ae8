//! Where everything waits for the replica's thread.
//!
//! Bounded on every side: what peers bring holds permits of the peer until it is handled, clients
//! are refused beyond [`CLIENT_INBOX`], and completions of the disk and the application are one
//! value each, as a later one includes the earlier.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use consensus::{Event, Status, WriteId, message::Applied};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use transport::Origin;

use crate::{
    behaviour::Behaviour,
    limits::{CLIENT_BATCH, CLIENT_INBOX, STRANGERS_PART},
};

/// Something for the replica's thread.
pub(crate) enum Input {
    /// For the replica.
    Event(Box<Event>),
    /// A client's linearizable read.
    Read {
        /// The client's connection.
        session: u64,
        /// Its name for the read.
        id: u64,
    },
    /// How is the replica, and which misbehaviour is set?
    Status(oneshot::Sender<(Status, Option<&'static str>)>),
    /// Misbehave from now on, or no longer.
    SetBehaviour(Option<Box<dyn Behaviour>>),
}

/// An input with what it holds until it is handled.
pub(crate) struct Item {
    pub(crate) input: Input,
    pub(crate) _permit: Option<OwnedSemaphorePermit>,
}

impl From<Event> for Item {
    fn from(event: Event) -> Self {
        Self {
            input: Input::Event(Box::new(event)),
            _permit: None,
        }
    }
}

impl From<Input> for Item {
    fn from(input: Input) -> Self {
        Self {
            input,
            _permit: None,
        }
    }
}

/// How urgent an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Votes, heartbeats, elections, control.
    Urgent,
    /// Entries.
    Bulk,
}

/// What the replica's thread took.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) written: Option<WriteId>,
    pub(crate) applied: Option<Applied>,
    pub(crate) items: Vec<Item>,
}

#[derive(Default)]
struct State {
    written: Option<WriteId>,
    applied: Option<Applied>,
    urgent: VecDeque<Item>,
    bulk: VecDeque<Item>,
    client: VecDeque<Item>,
    stranger: VecDeque<Item>,
    waiting: bool,
    closed: bool,
}

impl State {
    fn is_empty(&self) -> bool {
        self.written.is_none()
            && self.applied.is_none()
            && self.urgent.is_empty()
            && self.bulk.is_empty()
            && self.client.is_empty()
            && self.stranger.is_empty()
    }
}

/// The queue of the replica's thread.
#[derive(Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    filled: Condvar,
}

impl Mailbox {
    /// Adds what a peer or this node itself brings; the caller bounds how much.
    pub(crate) fn push(&self, urgency: Urgency, items: impl IntoIterator<Item = Item>) {
        let mut state = self.lock();
        match urgency {
            Urgency::Urgent => state.urgent.extend(items),
            Urgency::Bulk => state.bulk.extend(items),
        }
        self.wake(state);
    }

    /// Adds what a client brings. What there is no room for is given back. Strangers have a smaller
    /// queue of their own, so that they never keep members waiting (P12.2).
    pub(crate) fn push_client(&self, origin: &Origin, mut items: Vec<Item>) -> Vec<Item> {
        let mut state = self.lock();
        let (queue, most) = if origin.is_stranger() {
            (&mut state.stranger, CLIENT_INBOX / STRANGERS_PART)
        } else {
            (&mut state.client, CLIENT_INBOX)
        };
        let room = most.saturating_sub(queue.len());
        let rest = items.split_off(room.min(items.len()));
        queue.extend(items);
        self.wake(state);
        rest
    }

    /// Every write up to this one is durable.
    pub(crate) fn written(&self, id: WriteId) {
        let mut state = self.lock();
        state.written = state.written.max(Some(id));
        self.wake(state);
    }

    /// The application executed every entry up to here.
    pub(crate) fn applied(&self, applied: Applied) {
        let mut state = self.lock();
        state.applied = Some(applied);
        self.wake(state);
    }

    /// Ends the replica's thread after what it is doing.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(state);
    }

    /// Waits until there is something or `deadline` has passed, and takes what there is, the more
    /// urgent first. `false` once closed.
    pub(crate) fn take(&self, taken: &mut Taken, deadline: Option<Instant>) -> bool {
        let mut state = self.lock();
        while state.is_empty() && !state.closed {
            state.waiting = true;
            let now = Instant::now();
            state = match deadline {
                Some(deadline) if deadline <= now => break,
                Some(deadline) => {
                    let waited = self.filled.wait_timeout(state, deadline - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .filled
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
        state.waiting = false;
        if state.closed {
            return false;
        }
        taken.written = state.written.take();
        taken.applied = state.applied.take();
        taken.items.extend(state.urgent.drain(..));
        taken.items.extend(state.bulk.drain(..));
        let clients = state.client.len().min(CLIENT_BATCH);
        taken.items.extend(state.client.drain(..clients));
        let strangers = state.stranger.len().min(CLIENT_BATCH / STRANGERS_PART);
        taken.items.extend(state.stranger.drain(..strangers));
        true
    }

    fn wake(&self, state: MutexGuard<'_, State>) {
        let waiting = state.waiting;
        drop(state);
        if waiting {
            self.filled.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBER: Origin = Origin::Key([1; 32]);
    const STRANGER: Origin = Origin::V4(std::net::Ipv4Addr::LOCALHOST);

    fn read(id: u64) -> Item {
        Input::Read { session: 0, id }.into()
    }

    fn ids(taken: &Taken) -> Vec<u64> {
        taken
            .items
            .iter()
            .map(|item| match item.input {
                Input::Read { id, .. } => id,
                _ => unreachable!("only reads are put in"),
            })
            .collect()
    }

    #[test]
    fn urgent_things_come_first_and_clients_a_batch_at_a_time() {
        let mailbox = Mailbox::default();
        assert!(
            mailbox
                .push_client(
                    &MEMBER,
                    (100..100 + CLIENT_BATCH as u64 + 1).map(read).collect()
                )
                .is_empty()
        );
        mailbox.push(Urgency::Bulk, [read(2)]);
        mailbox.push(Urgency::Urgent, [read(1)]);
        let mut taken = Taken::default();
        assert!(mailbox.take(&mut taken, None));
        assert_eq!(ids(&taken)[..3], [1, 2, 100]);
        assert_eq!(taken.items.len(), 2 + CLIENT_BATCH);
        taken.items.clear();
        assert!(mailbox.take(&mut taken, None));
        assert_eq!(ids(&taken), [100 + CLIENT_BATCH as u64]);
    }

    #[test]
    fn clients_are_refused_beyond_the_bound() {
        let mailbox = Mailbox::default();
        let rest = mailbox.push_client(&MEMBER, (0..CLIENT_INBOX as u64 + 5).map(read).collect());
        assert_eq!(rest.len(), 5);
        assert_eq!(mailbox.push_client(&MEMBER, vec![read(0)]).len(), 1);
    }

    #[test]
    fn strangers_take_nothing_of_the_members_room_and_wait_behind_them() {
        let mailbox = Mailbox::default();
        let flood = (0..CLIENT_INBOX as u64).map(read).collect();
        let rest = mailbox.push_client(&STRANGER, flood);
        assert_eq!(rest.len(), CLIENT_INBOX - CLIENT_INBOX / STRANGERS_PART);
        assert!(
            mailbox
                .push_client(&MEMBER, vec![read(u64::MAX)])
                .is_empty()
        );
        let mut taken = Taken::default();
        assert!(mailbox.take(&mut taken, None));
        assert_eq!(ids(&taken)[..2], [u64::MAX, 0]);
        assert_eq!(taken.items.len(), 1 + CLIENT_BATCH / STRANGERS_PART);
    }

    #[test]
    fn of_several_completions_the_last_counts() {
        let mailbox = Mailbox::default();
        mailbox.written(WriteId(3));
        mailbox.written(WriteId(5));
        let mut taken = Taken::default();
        assert!(mailbox.take(&mut taken, None));
        assert_eq!(taken.written, Some(WriteId(5)));
        mailbox.close();
        assert!(!mailbox.take(&mut taken, None));
    }

    #[test]
    fn a_passed_deadline_does_not_wait() {
        let mut taken = Taken::default();
        assert!(Mailbox::default().take(&mut taken, Some(Instant::now())));
        assert!(taken.items.is_empty());
    }
}
