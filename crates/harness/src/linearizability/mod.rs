//! Whether a history of concurrent operations is linearizable: whether each operation can be
//! placed at one moment between its call and its return so that all results follow from executing
//! them one after another (Herlihy and Wing 1990).
//!
//! The search is that of Wing and Gong (1993) with the memory of Lowe (2017): operations are
//! linearized one by one, and a position that was already found to lead nowhere is not searched
//! again. A position is the set of linearized operations and the state; since operations that
//! returned are taken nearly in the order of their calls, the set is written down as a prefix and
//! the few beyond it, so that long histories stay cheap.
//!
//! # Unknown outcomes
//! An operation without a return may take effect at any moment after its call, or never. It can be
//! linearized anywhere after its call and need not be linearized at all.
//!
//! # Objects
//! Linearizability is local: a history is linearizable exactly if, for each object, the operations
//! on it are. The caller splits a history by objects that no operation spans, and has each part
//! checked alone, which is what keeps the search small.

mod bank;
mod search;

pub use bank::{Bank, Call};
pub use search::check;

use std::{fmt::Debug, hash::Hash};

/// A sequential object.
pub trait Model {
    /// Its state.
    type State: Clone + Eq + Hash + Debug;
    /// An operation, with the result that was observed.
    type Operation;

    /// The state after the operation; `None` if it cannot have that result in this state.
    fn step(&self, state: &Self::State, operation: &Self::Operation) -> Option<Self::State>;
}

/// An operation, and when it was called and returned, on any clock that never goes back.
#[derive(Clone, Debug)]
pub struct Interval<O> {
    /// When it was called.
    pub invoked: u64,
    /// When it returned; `None` if nobody knows what became of it.
    pub returned: Option<u64>,
    /// What was asked, and what came back.
    pub operation: O,
}

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order that explains all results.
    Linearizable {
        /// Positions searched.
        steps: u64,
    },
    /// There is none.
    Violation(Contradiction),
    /// The search was given up: nothing is known.
    Undecided {
        /// Positions searched.
        steps: u64,
    },
}

/// How far the search came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The most operations with a known result that could be explained, of how many.
    pub explained: (usize, usize),
    /// The state then, for people.
    pub state: String,
    /// The positions in the history of the operations that came next, none of which fits.
    pub stuck: Vec<usize>,
}
