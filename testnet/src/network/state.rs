//! What this program remembers of a network beside what genesis says.

use serde::{Deserialize, Serialize};

use super::{file, layout::Layout};
use crate::failure::Outcome;

/// The one format that is read and written.
const FORMAT: u32 = 1;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    format: u32,
    /// The seed that all keys were made from, if one was given.
    pub seed: Option<u64>,
    /// Whether the network was started and not taken down since. Single nodes may be down.
    pub running: bool,
}

impl State {
    /// That of a new network.
    #[must_use]
    pub const fn new(seed: Option<u64>) -> Self {
        Self {
            format: FORMAT,
            seed,
            running: false,
        }
    }

    /// Reads it; that of a new network, if there is none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn load(layout: &Layout) -> Outcome<Self> {
        Ok(file::read(&layout.state())?.unwrap_or(Self::new(None)))
    }

    /// Keeps it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn store(&self, layout: &Layout) -> Outcome {
        file::write(&layout.state(), self)
    }
}
