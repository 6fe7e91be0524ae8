//! How far a node is with its start. A long log takes long to replay, and whoever waits must be able
//! to tell that from a node that is stuck.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// A start that took no longer than this is not worth lines in the log.
const QUIET: Duration = Duration::from_secs(1);

/// What a starting node does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It reads its stream; counted in segments.
    #[default]
    Reading,
    /// It executes committed entries again; counted in entries.
    Replaying,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starting {
    /// With what.
    pub stage: Stage,
    /// How much of it is done.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

impl Starting {
    /// The same in hundredths, rounded down.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let done = self.done.min(self.total);
        done.saturating_mul(100)
            .checked_div(self.total)
            .unwrap_or(0)
    }
}

impl fmt::Display for Starting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.stage {
            Stage::Reading => "reading its data",
            Stage::Replaying => "replaying",
        };
        write!(formatter, "{what}, {} %", self.percent())
    }
}

/// Kept up by a node that starts, and read by whoever answers for it meanwhile.
#[derive(Debug)]
pub struct StartProgress(Mutex<State>);

#[derive(Debug)]
struct State {
    now: Starting,
    begun: Instant,
    logged: u64,
}

impl Default for StartProgress {
    fn default() -> Self {
        Self(Mutex::new(State {
            now: Starting::default(),
            begun: Instant::now(),
            logged: 0,
        }))
    }
}

impl StartProgress {
    /// How far the node is.
    #[must_use]
    pub fn now(&self) -> Starting {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    pub(crate) fn set(&self, stage: Stage, done: u64, total: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.now.stage != stage {
            state.logged = 0;
        }
        state.now = Starting { stage, done, total };
        let tenths = state.now.percent() / 10;
        if tenths > state.logged && state.begun.elapsed() >= QUIET {
            state.logged = tenths;
            tracing::info!(done, total, "{}", state.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_in_hundredths_of_what_there_is() {
        let progress = StartProgress::default();
        assert_eq!(progress.now().to_string(), "reading its data, 0 %");
        progress.set(Stage::Replaying, 2, 5);
        assert_eq!(progress.now().to_string(), "replaying, 40 %");
        progress.set(Stage::Replaying, 7, 5);
        assert_eq!(progress.now().percent(), 100);
        progress.set(Stage::Replaying, 0, 0);
        assert_eq!(progress.now().percent(), 0);
    }
}
