//! A replica of any mode: events and time in, outputs out.

use crate::{
    byzantine,
    event::{Event, Output, Status},
    mode::Mode,
    outbox::Setup,
    raft,
    record::Restored,
    types::{Now, Time},
};

/// A replica. It does no IO, has no clock, draws no randomness: the same setup and events give the
/// same outputs.
pub enum Replica {
    /// In one of the Raft modes.
    Raft(Box<raft::Raft>),
    /// In Byzantine mode.
    Byzantine(Box<byzantine::Byzantine>),
}

impl Replica {
    /// A replica that starts, afresh or from what its disk holds.
    #[must_use]
    pub fn new(setup: Setup, restored: Option<Restored>, now: Now) -> Self {
        match setup.configuration.mode() {
            Mode::Raft | Mode::RaftSigned => {
                Self::Raft(Box::new(raft::Raft::new(setup, restored, now)))
            }
            Mode::Byzantine => {
                Self::Byzantine(Box::new(byzantine::Byzantine::new(setup, restored, now)))
            }
        }
    }

    /// Takes in an event. The outputs that follow wait in [`Replica::next_output`].
    pub fn handle(&mut self, now: Now, event: Event) {
        match self {
            Self::Raft(raft) => raft.handle(now, event),
            Self::Byzantine(byzantine) => byzantine.handle(now, event),
        }
    }

    /// The next thing to do, in order.
    pub fn next_output(&mut self) -> Option<Output> {
        match self {
            Self::Raft(raft) => raft.next_output(),
            Self::Byzantine(byzantine) => byzantine.next_output(),
        }
    }

    /// When to say [`Event::Timeout`] next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        match self {
            Self::Raft(raft) => raft.next_deadline(),
            Self::Byzantine(byzantine) => byzantine.next_deadline(),
        }
    }

    /// The state for people.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Raft(raft) => raft.status(),
            Self::Byzantine(byzantine) => byzantine.status(),
        }
    }
}
