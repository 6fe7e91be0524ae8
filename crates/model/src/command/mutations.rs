//! Breaking the rules one by one, to see that the model notices.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Args;
use model::safety::{
    Variation,
    mutations::{Trial, attempt},
    walk::Course,
};
use serde_json::json;
use terminal::exit::Code;

use super::{code, cores, print_steps, rate, sizes};

/// Walks at a size where breaking the rule makes no difference.
const HARMLESS_WALKS: u64 = 5_000;

/// Breaks the rules one by one and looks for a fork at every size where that must give one.
///
/// Exit code 6: one went unnoticed, or one that is harmless at its size did harm.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// Which ones [default: all].
    #[arg(value_name = "NAME")]
    names: Vec<Variation>,
    /// At which sizes [default: where a fork is known; see --list].
    #[arg(long, value_delimiter = ',')]
    nodes: Option<Vec<usize>>,
    /// Walks until one counts as unnoticed.
    #[arg(long, default_value_t = 200_000)]
    walks: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Names them, with rule and sizes, and tries none.
    #[arg(long)]
    list: bool,
    /// Prints the steps to each fork.
    #[arg(long)]
    trace: bool,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Tries them and prints a table.
    ///
    /// # Errors
    /// Sizes that make no network.
    pub fn run(&self) -> Result<Code, String> {
        let chosen = if self.names.is_empty() {
            Variation::BROKEN.to_vec()
        } else {
            self.names.clone()
        };
        if self.list {
            list(&chosen, self.json);
            return Ok(Code::Ok);
        }
        let mut wanted = Vec::new();
        for variation in chosen {
            let at = match &self.nodes {
                // Who asks for all of them at some sizes wants those that fork there.
                Some(sizes) if self.names.is_empty() => sizes
                    .iter()
                    .copied()
                    .filter(|nodes| variation.harmful_at().contains(nodes))
                    .collect(),
                Some(sizes) => sizes.clone(),
                None if variation.harmful_at().is_empty() => variation.harmless_at().to_vec(),
                None => variation.harmful_at().to_vec(),
            };
            for nodes in at {
                sizes(nodes)?;
                wanted.push((variation, nodes));
            }
        }
        let started = Instant::now();
        let trials = self.attempts(&wanted);
        Ok(code(self.totals(&trials, started.elapsed())))
    }

    /// Tries them on all cores, and prints each in its turn.
    fn attempts(&self, wanted: &[(Variation, usize)]) -> Vec<Trial> {
        let next = AtomicUsize::new(0);
        let done: Mutex<(usize, BTreeMap<usize, Trial>)> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..cores() {
                scope.spawn(|| {
                    loop {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        let Some(&(variation, nodes)) = wanted.get(place) else {
                            break;
                        };
                        let Some(trial) = self.attempt(variation, nodes) else {
                            break;
                        };
                        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                        done.1.insert(place, trial);
                        while let Some(trial) = done.1.get(&done.0) {
                            self.print(trial);
                            done.0 += 1;
                        }
                    }
                });
            }
        });
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.1.into_values().collect()
    }

    fn attempt(&self, variation: Variation, nodes: usize) -> Option<Trial> {
        let course = Course {
            stop_signs: variation.needs_stop_signs(),
            ..Course::default()
        };
        // That nothing happens is no reason to wait for it as long.
        let walks = if variation.harmless_at().contains(&nodes) {
            self.walks.min(HARMLESS_WALKS)
        } else {
            self.walks
        };
        attempt(variation, nodes, course, self.seed, walks)
    }

    fn print(&self, trial: &Trial) {
        if self.json {
            return;
        }
        println!("{}", line(trial));
        if let (true, Some((_, found))) = (self.trace, &trial.counterexample) {
            print_steps(found);
        }
    }

    fn totals(&self, trials: &[Trial], elapsed: Duration) -> bool {
        let noticed = trials
            .iter()
            .filter(|trial| trial.counterexample.is_some())
            .count();
        let harmful = trials.iter().filter(|trial| !is_harmless(trial)).count();
        let holds = trials.iter().all(as_expected);
        if self.json {
            let trials: Vec<_> = trials
                .iter()
                .map(|trial| {
                    let found = trial.counterexample.as_ref();
                    json!({
                        "mutation": trial.variation.name(),
                        "rule": trial.variation.rule(),
                        "nodes": trial.nodes,
                        "harmless": is_harmless(trial),
                        "walks": trial.walks,
                        "steps": trial.steps,
                        "seconds": trial.elapsed.as_secs_f64(),
                        "seed": found.map(|(seed, _)| seed),
                        "violation": found.map(|(_, found)| found.name),
                        "trace": found.map(|(_, found)| &found.lines),
                    })
                })
                .collect();
            println!(
                "{}",
                json!({ "trials": trials, "noticed": noticed, "holds": holds })
            );
        } else {
            println!(
                "{noticed} of {harmful} noticed, {} harmless, {:.1} s: {}",
                trials.len() - harmful,
                elapsed.as_secs_f64(),
                if holds {
                    "as expected"
                } else {
                    "NOT as expected"
                }
            );
            if !self.trace && noticed > 0 {
                println!("next: cargo model mutations NAME --trace");
            }
        }
        holds
    }
}

fn is_harmless(trial: &Trial) -> bool {
    trial.variation.harmless_at().contains(&trial.nodes)
}

/// At sizes of which nothing is known either way, both outcomes are.
fn as_expected(trial: &Trial) -> bool {
    match trial.counterexample {
        Some(_) => !is_harmless(trial),
        None => !trial.variation.harmful_at().contains(&trial.nodes),
    }
}

fn line(trial: &Trial) -> String {
    let verdict = match &trial.counterexample {
        Some((seed, found)) => {
            format!("{} after {} steps, seed {seed}", found.name, found.steps())
        }
        None if is_harmless(trial) => "no harm".to_owned(),
        None if as_expected(trial) => "none found".to_owned(),
        None => "UNNOTICED".to_owned(),
    };
    format!(
        "{:<28} n = {:<2} {:>7} walks, {:>9} steps, {:>6.2} s, {:>7.0} a second: {verdict}",
        trial.variation.name(),
        trial.nodes,
        trial.walks,
        trial.steps,
        trial.elapsed.as_secs_f64(),
        rate(trial.steps, trial.elapsed),
    )
}

fn list(chosen: &[Variation], as_json: bool) {
    if as_json {
        let all: Vec<_> = chosen
            .iter()
            .map(|variation| {
                json!({
                    "mutation": variation.name(),
                    "rule": variation.rule(),
                    "summary": variation.summary(),
                    "harmful_at": variation.harmful_at(),
                    "harmless_at": variation.harmless_at(),
                })
            })
            .collect();
        println!("{}", json!({ "mutations": all }));
        return;
    }
    for variation in chosen {
        println!(
            "{:<28} {:<11} {}; forks at {:?}",
            variation.name(),
            variation.rule(),
            variation.summary(),
            variation.harmful_at()
        );
    }
}
