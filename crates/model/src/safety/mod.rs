//! The safety rules: what may be committed, and what every later leader must keep.
//!
//! A [`State`] is what correct nodes know and have said. Whatever was said stays said (P2.6), so
//! there are no messages: a correct node may act at any moment on any statement that exists.
//! Byzantine nodes have no state; each of their votes, locks, grants, Leaves and reports is
//! assumed to exist in every shape that their keys allow, so a certificate exists as soon as the
//! statements of correct nodes and f arbitrary ones make it up.
//!
//! [`Protocol::step`] says what follows from an [`Action`], or why the rules refuse it.

mod action;
mod certificates;
mod forest;
mod protocol;
mod reports;
mod select_base;
mod settle;
mod sizes;
mod state;
mod step;
mod variation;
mod violation;

pub mod check;
pub mod moves;
pub mod mutations;
pub mod shrink;
pub mod trace;
pub mod walk;

pub use action::{Action, Refused};
pub use forest::{Forest, Kind, Point};
pub use protocol::{Member, Protocol};
pub use sizes::Sizes;
pub use state::{Node, Report, Reported, State};
pub use variation::Variation;
pub use violation::Violation;

/// A term; terms are small here, also in replayed traces.
pub type Term = u16;
