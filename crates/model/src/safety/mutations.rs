//! Which broken rule is noticed at which size.

use std::time::{Duration, Instant};

use super::{
    Variation,
    check::Counterexample,
    walk::{Course, walk},
};

/// One broken rule at one size.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Which rule is broken.
    pub variation: Variation,
    /// n.
    pub nodes: usize,
    /// Walks until something was violated, or in all.
    pub walks: u64,
    /// Steps in them.
    pub steps: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// The seed that found it, and what it found.
    pub counterexample: Option<(u64, Counterexample)>,
}

/// Walks seeds from `first` on until a violation comes up.
#[must_use]
pub fn attempt(
    variation: Variation,
    nodes: usize,
    course: Course,
    first: u64,
    walks: u64,
) -> Option<Trial> {
    let started = Instant::now();
    let mut trial = Trial {
        variation,
        nodes,
        walks: 0,
        steps: 0,
        elapsed: Duration::ZERO,
        counterexample: None,
    };
    for seed in first..first.saturating_add(walks) {
        let walked = walk(nodes, variation, course, seed)?;
        trial.walks += 1;
        trial.steps += walked.actions.len() as u64;
        if let Some(violation) = walked.violation {
            let found = Counterexample::new(&walked.protocol, &walked.actions, violation.name());
            trial.counterexample = Some((seed, found));
            break;
        }
    }
    trial.elapsed = started.elapsed();
    Some(trial)
}

impl Variation {
    /// The sizes at which breaking the rule is known to do harm; `docs/model.md` says why not at
    /// others.
    #[must_use]
    pub const fn harmful_at(self) -> &'static [usize] {
        &[4, 5, 6, 7, 9, 10]
    }

    /// Whether it takes stop signs to see it.
    #[must_use]
    pub const fn needs_stop_signs(self) -> bool {
        matches!(self, Self::StopSignFollowed | Self::StopSignUnchecked)
    }
}
