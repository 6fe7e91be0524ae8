//! The model and the code stay together: what correct nodes of Byzantine mode do is taken through
//! the rules of `crates/model` (`docs/model.md`), step for step. A step that the rules refuse, or
//! after which a node's promises are not what the rules make of it, is a divergence.

mod names;
mod promises;
mod records;
mod replay;
mod running;
mod telling;

use std::fmt;

use consensus::{NodeId, Time};

pub use replay::Replay;
pub use running::{Replayed, Totals, seed, seeds};

use crate::oracle::Violation;

/// Where the code and the model went different ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// When.
    pub at: Time,
    /// Whose step it was.
    pub node: NodeId,
    /// The step and the rule that refuses it, or what differs after it.
    pub what: String,
}

impl Divergence {
    /// As a broken rule of the run, which ends there.
    #[must_use]
    pub fn violation(&self) -> Violation {
        Violation {
            invariant: "the code follows the model",
            rule: "docs/model.md",
            at: self.at,
            node: Some(self.node),
            detail: self.what.clone(),
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.violation().fmt(f)
    }
}
