//! A run that is bounded by time.

use std::time::{Duration, Instant};

use clap::Args;
use model::safety::{Term, Variation, check::Check, moves::Bounds, walk::Course};
use serde_json::json;
use terminal::exit::Code;

use super::{
    check::{self, traitors},
    code, cores,
    explore::{Explored, walks},
    rate, sizes,
};

/// Checks that grow: terms, entries, stop signs, detours. All at n = 4 with two branches.
const CHECKS: [(Term, u32, bool, bool); 8] = [
    (2, 1, true, true),
    (2, 2, false, false),
    (3, 1, false, false),
    (2, 2, true, true),
    (3, 1, false, true),
    (3, 1, true, true),
    (4, 1, false, false),
    (3, 2, false, false),
];

/// Steps after which a check gives up its place, which bounds its memory: it takes 10 to 20 bytes
/// for each state, of which there are fewer than a quarter as many.
const MOST_STEPS: usize = 2_000_000_000;

/// Walks of one turn, by size.
const WALKS: [(usize, u64); 6] = [
    (4, 60_000),
    (5, 60_000),
    (6, 40_000),
    (7, 40_000),
    (9, 20_000),
    (10, 20_000),
];

/// Exhaustive checks that grow, for two thirds of the time; then walks of every size.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How long, in hours.
    #[arg(long, default_value_t = 8.0)]
    hours: f64,
    /// The first seed of the walks.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Results as JSON on standard output, one object a line.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Runs until the time is up.
    ///
    /// # Errors
    /// A duration that is none.
    pub fn run(&self) -> Result<Code, String> {
        let limit = Duration::try_from_secs_f64(self.hours * 3600.0)
            .map_err(|error| format!("--hours {}: {error}", self.hours))?;
        let started = Instant::now();
        let (states, complete, sound) = self.checks(started + limit * 2 / 3)?;
        let checked = started.elapsed();
        let mut totals: Vec<Explored> = WALKS
            .iter()
            .map(|&(nodes, _)| Explored {
                nodes,
                ..Explored::default()
            })
            .collect();
        let course = Course {
            stop_signs: true,
            ..Course::default()
        };
        let mut first = self.seed;
        while started.elapsed() < limit {
            for (&(nodes, count), total) in WALKS.iter().zip(&mut totals) {
                if started.elapsed() < limit {
                    let turn = walks(nodes, Variation::AsWritten, course, first, count, cores());
                    total.add(turn);
                }
            }
            first = first.wrapping_add(60_000);
        }
        let holds = sound && totals.iter().all(|total| total.counterexample.is_none());
        for total in &totals {
            if self.json {
                println!("{}", total.json());
            } else {
                println!("{}", total.line());
            }
        }
        let steps: u64 = totals.iter().map(|total| total.steps).sum();
        if self.json {
            println!(
                "{}",
                json!({
                    "states": states,
                    "complete_checks": complete,
                    "states_per_second": rate(states, checked),
                    "walk_steps": steps,
                    "seconds": started.elapsed().as_secs_f64(),
                    "holds": holds,
                })
            );
        } else {
            println!(
                "{states} states in {:.0} s, {:.0} a second, {complete} checks complete; then {steps} \
                 steps of walks: {}",
                checked.as_secs_f64(),
                rate(states, checked),
                if holds { "no violation" } else { "VIOLATED" }
            );
        }
        Ok(code(holds))
    }

    /// Checks in growing bounds until `end`; the states seen, the checks completed, and whether
    /// all held.
    fn checks(&self, end: Instant) -> Result<(u64, usize, bool), String> {
        let (mut states, mut complete, mut holds) = (0, 0, true);
        for (terms, entries, stop_signs, detours) in CHECKS {
            for byzantine in traitors(4, sizes(4)?.faulty, terms) {
                let left = end.saturating_duration_since(Instant::now());
                if left < Duration::from_secs(1) {
                    return Ok((states, complete, holds));
                }
                let check = Check {
                    nodes: 4,
                    byzantine,
                    bounds: Bounds {
                        terms,
                        entries,
                        branches: 2,
                        stop_signs,
                        detours,
                    },
                    variation: Variation::AsWritten,
                    threads: cores(),
                    // None takes the time of all that come after it.
                    limit: Some(left / 2),
                    most_steps: Some(MOST_STEPS),
                };
                let checked = check.run().ok_or("four nodes make a network")?;
                states += checked.states as u64;
                complete += usize::from(checked.complete);
                holds &= checked.counterexample.is_none();
                if self.json {
                    println!("{}", check::json(&check, &checked));
                } else {
                    println!("{}", check::line(&check, &checked));
                }
            }
        }
        Ok((states, complete, holds))
    }
}
