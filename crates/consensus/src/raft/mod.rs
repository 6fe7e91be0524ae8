//! Raft as in Ongaro's dissertation and the extended paper's Figure 2 (P10.1).

use crate::{
    event::{Event, Output, Status},
    record::Restored,
    replica::Setup,
    types::{Now, Time},
};

/// A Raft replica, signed or not.
pub struct Raft {}

impl Raft {
    pub(crate) fn new(_: Setup, _: Option<Restored>, _: Now) -> Self {
        unreachable!()
    }
    pub(crate) fn handle(&mut self, _: Now, _: Event) {}
    pub(crate) fn next_output(&mut self) -> Option<Output> {
        None
    }
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        None
    }
    pub(crate) fn status(&self) -> Status {
        unreachable!()
    }
}
