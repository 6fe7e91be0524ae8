//! Makes a failure small: as few traitors, faults and requests, and as short, as still break the
//! same invariant.
//!
//! Whatever is taken away changes which delays the rest meets. A smaller plan that does not break
//! the rule as it is gets a few more draws of delays before it is given up.

mod list;

#[cfg(test)]
mod tests;

use std::time::Instant;

use serde::Serialize;

use crate::{
    network::Weather,
    plan::{Broken, Plan, PlanError, play_quietly},
    run::Quiet,
    trace::Trace,
};

/// How many draws of delays a smaller plan gets.
const DRAWS: u64 = 4;

/// How much may be spent.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The most plans that are played.
    pub plays: u64,
    /// When to stop.
    pub until: Option<Instant>,
}

/// How large a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Size {
    /// Byzantine nodes.
    pub traitors: usize,
    /// What breaks.
    pub acts: usize,
    /// What is asked for.
    pub requests: usize,
    /// How long it lasts, in simulated microseconds.
    pub micros: u64,
}

impl Size {
    /// That of a plan.
    #[must_use]
    pub const fn of(plan: &Plan) -> Self {
        Self {
            traitors: plan.traitors.len(),
            acts: plan.acts.len(),
            requests: plan.requests.len(),
            micros: plan.end_micros,
        }
    }
}

/// A plan that was made small.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The plan.
    pub plan: Plan,
    /// What it breaks.
    pub broken: Broken,
    /// How many plans were played on the way.
    pub plays: u64,
}

/// Why a plan cannot be made smaller.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    /// It cannot be played.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It breaks nothing.
    #[error("it breaks no rule: there is nothing to shrink")]
    Holds,
}

/// Makes a plan small that breaks a rule.
///
/// # Errors
/// [`ShrinkError`], if it breaks none or cannot be played.
pub fn shrink(plan: &Plan, budget: Budget) -> Result<Shrunk, ShrinkError> {
    let _quiet = Quiet::begin();
    let broken = play_quietly(plan, Trace::Off)?.broken;
    let broken = broken.ok_or(ShrinkError::Holds)?;
    let mut search = Search {
        best: plan.clone(),
        broken,
        plays: 1,
        budget,
    };
    search.best.breaks = Some(search.broken.invariant.clone());
    search.shorten();
    loop {
        let before = Size::of(&search.best);
        search.drop_traitors();
        search.drop_acts();
        search.drop_requests();
        search.calm();
        if Size::of(&search.best) == before {
            break;
        }
    }
    search.drop_places();
    Ok(Shrunk {
        plan: search.best,
        broken: search.broken,
        plays: search.plays,
    })
}

struct Search {
    best: Plan,
    broken: Broken,
    plays: u64,
    budget: Budget,
}

impl Search {
    fn is_over(&self) -> bool {
        let late = self
            .budget
            .until
            .is_some_and(|until| Instant::now() >= until);
        late || self.plays >= self.budget.plays
    }

    /// Whether a plan breaks the same invariant, with some draw of delays; then it is the best.
    fn try_plan(&mut self, candidate: Plan) -> bool {
        for draw in 0..DRAWS {
            if self.is_over() {
                return false;
            }
            let mut candidate = candidate.clone();
            if draw > 0 {
                candidate.delays = Some(draw);
            }
            self.plays += 1;
            let played = play_quietly(&candidate, Trace::Off);
            let broken = played.ok().and_then(|played| played.broken);
            if let Some(broken) = broken
                && broken.invariant == self.broken.invariant
            {
                self.broken = broken;
                self.best = candidate;
                self.shorten();
                return true;
            }
        }
        false
    }

    /// Cuts off what comes after the failure. That changes nothing before.
    fn shorten(&mut self) {
        let Some(at) = self.broken.at_micros else {
            return;
        };
        let early = |timed: u64| timed <= at;
        let Plan { acts, requests, .. } = &mut self.best;
        acts.retain(|timed| early(timed.at_micros));
        requests.retain(|timed| early(timed.at_micros));
        self.best.end_micros = self.best.end_micros.min(at + 1);
        if self.best.heal_micros > at {
            // The faults do not end before the run does.
            self.best.heal_micros = at + 1;
        }
    }

    fn drop_traitors(&mut self) {
        for position in (0..self.best.traitors.len()).rev() {
            let mut fewer = self.best.clone();
            fewer.traitors.remove(position);
            if self.try_plan(fewer) {
                continue;
            }
            let strategy = self.best.traitors[position].strategy.clone();
            for part in strategy.split('+').filter(|part| *part != strategy) {
                let mut simpler = self.best.clone();
                part.clone_into(&mut simpler.traitors[position].strategy);
                if self.try_plan(simpler) {
                    break;
                }
            }
        }
    }

    fn drop_acts(&mut self) {
        let acts = self.best.acts.clone();
        list::minimize(acts, |acts| {
            let mut fewer = self.best.clone();
            acts.clone_into(&mut fewer.acts);
            self.try_plan(fewer).then(|| self.best.acts.clone())
        });
    }

    fn drop_requests(&mut self) {
        let requests = self.best.requests.clone();
        list::minimize(requests, |requests| {
            let mut fewer = self.best.clone();
            requests.clone_into(&mut fewer.requests);
            self.try_plan(fewer).then(|| self.best.requests.clone())
        });
    }

    /// No places within microseconds, if that will do. They are seldom needed.
    fn drop_places(&mut self) {
        let mut simpler = self.best.clone();
        let acts = simpler.acts.iter_mut().map(|timed| &mut timed.after);
        let requests = simpler.requests.iter_mut().map(|timed| &mut timed.after);
        let mut placed = false;
        for after in acts.chain(requests) {
            placed |= *after > 0;
            *after = 0;
        }
        if placed {
            self.try_plan(simpler);
        }
    }

    /// A quiet network and true clocks, if that will do; and an earlier end of the faults.
    fn calm(&mut self) {
        if self.best.weather != Weather::TIMELY.into() {
            let mut calmer = self.best.clone();
            calmer.weather = Weather::TIMELY.into();
            self.try_plan(calmer);
        }
        if self.best.drift > 0 {
            let mut calmer = self.best.clone();
            calmer.drift = 0;
            self.try_plan(calmer);
        }
        let acts = self.best.acts.iter().map(|timed| timed.at_micros);
        let requests = self.best.requests.iter().map(|timed| timed.at_micros);
        let healed = acts.max().unwrap_or(0) + 1;
        let end = requests.max().unwrap_or(0).max(healed) + 1;
        if healed < self.best.heal_micros || end < self.best.end_micros {
            let mut sooner = self.best.clone();
            sooner.heal_micros = healed.min(self.best.heal_micros);
            sooner.end_micros = end.min(self.best.end_micros);
            self.try_plan(sooner);
        }
    }
}
