//! The Byzantine rules, §§ 3–7 of the protocol.

use crate::{
    event::{Event, Output, Status},
    record::Restored,
    replica::Setup,
    types::{Now, Time},
};

/// A replica of Byzantine mode.
pub struct Byzantine {}

impl Byzantine {
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
