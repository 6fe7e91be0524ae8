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
    /// The sizes at which breaking the rule forks the ledger, as far as is known.
    #[must_use]
    pub const fn harmful_at(self) -> &'static [usize] {
        match self {
            Self::AsWritten | Self::LeaveByFewLeaves => &[],
            // n = 5 has slack: n > 3f + 2t − 1.
            Self::ThresholdLower => &[4, 6, 7, 9, 10],
            // Elsewhere as many reports as others are needed, so m is always the same.
            Self::ThresholdConstant
            // Where Q = F, an accept certificate is a commit in one round (P3.5).
            | Self::CertificateIgnored
            | Self::OneRoundWithQuorum
            | Self::LockForgotten => &[7, 9, 10],
            // It takes a threshold that the reports of the highest term alone can miss.
            Self::StartBelowBase => &[7, 10],
            Self::VotesOfAnyTerm => &[4, 5, 6, 7],
            _ => &[4, 5, 6, 7, 9, 10],
        }
    }

    /// The sizes at which breaking the rule makes no difference to safety.
    #[must_use]
    pub const fn harmless_at(self) -> &'static [usize] {
        match self {
            Self::AsWritten | Self::LeaveByFewLeaves => &[4, 5, 6, 7, 9, 10],
            Self::ThresholdLower => &[5],
            Self::ThresholdConstant | Self::OneRoundWithQuorum | Self::LockForgotten => &[4, 5, 6],
            _ => &[],
        }
    }

    /// Whether it takes stop signs to see it.
    #[must_use]
    pub const fn needs_stop_signs(self) -> bool {
        matches!(self, Self::StopSignFollowed | Self::StopSignUnchecked)
    }

    /// Whether it does nothing until a node restarts.
    #[must_use]
    pub const fn shows_at_restart(self) -> bool {
        matches!(
            self,
            Self::VoteBeforeWrite | Self::PairForgotten | Self::LockForgotten
        )
    }
}
