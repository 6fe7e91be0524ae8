//! Breaking the rules one by one, to see that the model notices.

use std::time::Duration;

use clap::Args;
use keys::exit::Code;
use model::safety::{
    Variation,
    mutations::{Trial, attempt},
    walk::Course,
};
use serde_json::json;

use super::{code, print_steps, rate, sizes};

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
        let mut trials = Vec::new();
        for variation in chosen {
            let at = self
                .nodes
                .clone()
                .unwrap_or_else(|| variation.harmful_at().to_vec());
            for nodes in at {
                sizes(nodes)?;
                let course = Course {
                    stop_signs: variation.needs_stop_signs(),
                    ..Course::default()
                };
                let trial = attempt(variation, nodes, course, self.seed, self.walks)
                    .ok_or_else(|| format!("{nodes} nodes make no network"))?;
                if !self.json {
                    println!("{}", line(&trial));
                    if let (true, Some((_, found))) = (self.trace, &trial.counterexample) {
                        print_steps(found);
                    }
                }
                trials.push(trial);
            }
        }
        Ok(code(self.totals(&trials)))
    }

    fn totals(&self, trials: &[Trial]) -> bool {
        let noticed = trials
            .iter()
            .filter(|trial| trial.counterexample.is_some())
            .count();
        let holds = trials.iter().all(as_expected);
        let elapsed: Duration = trials.iter().map(|trial| trial.elapsed).sum();
        if self.json {
            let trials: Vec<_> = trials
                .iter()
                .map(|trial| {
                    let found = trial.counterexample.as_ref();
                    json!({
                        "mutation": trial.variation.name(),
                        "rule": trial.variation.rule(),
                        "nodes": trial.nodes,
                        "harmful": trial.variation.harmful_at().contains(&trial.nodes),
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
                "{noticed} of {} noticed in {:.1} s: {}",
                trials.len(),
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

fn as_expected(trial: &Trial) -> bool {
    trial.variation.harmful_at().contains(&trial.nodes) == trial.counterexample.is_some()
}

fn line(trial: &Trial) -> String {
    let verdict = match &trial.counterexample {
        Some((seed, found)) => {
            format!("{} after {} steps, seed {seed}", found.name, found.steps())
        }
        None if as_expected(trial) => "no harm".to_owned(),
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
                })
            })
            .collect();
        println!("{}", json!({ "mutations": all }));
        return;
    }
    for variation in chosen {
        println!(
            "{:<28} {:<11} {} {:?}",
            variation.name(),
            variation.rule(),
            variation.summary(),
            variation.harmful_at()
        );
    }
}
