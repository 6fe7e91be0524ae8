//! Runs an attack against ours.

use std::{env, process::Command};

use consensus::{Mode, Time};
use serde::Serialize;

use super::{Attack, Means};
use crate::{
    adversary::Strategy,
    fault::{Fault, Kind, Profile},
    network::Weather,
    run::{self, Adversaries, Options},
    scenario,
    signing::Signatures,
    simulation::{Blueprint, Simulation},
    trace::Trace,
    world::Happening,
};

/// How attacks are run.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// Seeds of everything that is drawn.
    pub seeds: u64,
    /// Simulated seconds a seed.
    pub seconds: u64,
    /// Whether tests of other crates are run too; takes `cargo`.
    pub tests: bool,
    /// Threads.
    pub jobs: usize,
}

/// What came of an attack.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The attack.
    pub id: &'static str,
    /// Whether it stayed harmless in every way it was run.
    pub holds: bool,
    /// Whether something was left out: tests of other crates.
    pub complete: bool,
    /// Seeds run.
    pub seeds: u64,
    /// Scripts played.
    pub scripts: u64,
    /// Tests of other crates run.
    pub tests: u64,
    /// What happened, a line for each way of running it.
    pub lines: Vec<String>,
}

/// The requests a second of every seed.
const RATE: u32 = 20;

impl Running {
    /// Runs an attack in every way there is.
    #[must_use]
    pub fn run(&self, attack: &Attack) -> Report {
        let mut report = Report {
            id: attack.id,
            holds: true,
            complete: true,
            seeds: 0,
            scripts: 0,
            tests: 0,
            lines: Vec::new(),
        };
        for means in attack.means {
            let result = match *means {
                Means::Script(id) => {
                    report.scripts += 1;
                    script(id)
                }
                Means::Behave(nodes, behaviours) => {
                    report.seeds += self.seeds;
                    self.behave(nodes, behaviours)
                }
                Means::Break(kinds) => {
                    report.seeds += self.seeds * Mode::ALL.len() as u64;
                    self.broken(kinds)
                }
                Means::Test(package, target, name) if self.tests => {
                    report.tests += 1;
                    test(package, target, name)
                }
                Means::Test(package, target, name) => {
                    report.complete = false;
                    Ok(format!(
                        "not run: cargo test -p {package} {target} -- {name}"
                    ))
                }
            };
            match result {
                Ok(line) => report.lines.push(line),
                Err(line) => {
                    report.holds = false;
                    report.lines.push(format!("FAILED {line}"));
                }
            }
        }
        report
    }

    fn behave(&self, nodes: usize, behaviours: &str) -> Result<String, String> {
        let mode = Mode::Byzantine;
        let options = Options {
            mode,
            nodes,
            seconds: self.seconds,
            rate: RATE,
            // Read once for each attack of a list that never changes.
            adversaries: Adversaries::Each(Strategy::read_list(behaviours)?.leak()),
            signatures: None,
            mutation: None,
        };
        let totals = run::seeds(&options, 0..self.seeds, self.jobs, &|_| {})
            .map_err(|error| error.to_string())?;
        let name = format!("{behaviours}, {nodes} nodes");
        if let Some(broken) = totals.violations.first() {
            return Err(format!(
                "{name}: {}\n  replay: cargo sim --nodes {nodes} --adversary {behaviours} --seconds {} --seeds {} --trace",
                broken.violation.as_deref().unwrap_or_default(),
                self.seconds,
                broken.seed
            ));
        }
        Ok(format!(
            "{name}: {} seeds, {} requests answered, {} leader changes, slowest after the faults {:.1} s",
            totals.seeds,
            totals.answered,
            totals.leader_changes,
            seconds(totals.longest_wait_micros)
        ))
    }

    /// Nothing but these faults, in every mode.
    fn broken(&self, kinds: &[Kind]) -> Result<String, String> {
        let (mut answered, mut slowest) = (0, 0);
        for mode in Mode::ALL {
            for seed in 0..self.seeds {
                let profile = Profile {
                    weather: Weather::TIMELY,
                    kinds: kinds
                        .iter()
                        .map(|&kind| (kind, Time::from_millis(2_500)))
                        .collect(),
                    drift: 200,
                };
                let blueprint = Blueprint {
                    mode,
                    nodes: 4,
                    signatures: Signatures::StandIn,
                    rate: RATE,
                    profile,
                    traitors: Vec::new(),
                    trace: Trace::Off,
                };
                let mut simulation =
                    Simulation::new(blueprint, seed).map_err(|error| error.to_string())?;
                let end = Time(self.seconds * 1_000_000);
                simulation
                    .world
                    .at(Time(end.0 / 4 * 3), Happening::Fault(Fault::Heal));
                simulation.run_until(end);
                simulation.settle();
                if let Some(violation) = simulation.violation() {
                    return Err(format!(
                        "{kinds:?} in mode {mode}, seed {seed}: {violation}"
                    ));
                }
                answered += simulation.world.clients.answered;
                slowest = slowest.max(simulation.world.clients.longest_wait.0);
            }
        }
        Ok(format!(
            "{kinds:?}: {} seeds of each mode, {answered} requests answered, slowest after the faults {:.1} s",
            self.seeds,
            seconds(slowest)
        ))
    }
}

fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}

fn script(id: &str) -> Result<String, String> {
    let verdict = scenario::play(id, Trace::Off).ok_or_else(|| format!("no script {id}"))?;
    let ours = verdict.lines.last().cloned().unwrap_or_default();
    let line = format!("script {id}: {}", ours.trim_start_matches("ours: "));
    if verdict.holds {
        Ok(line)
    } else {
        Err(format!(
            "{line}\n  replay: cargo sim --scenario {id} --trace"
        ))
    }
}

fn test(package: &str, target: &str, name: &str) -> Result<String, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let line = format!("cargo test -p {package} {target} -- {name}");
    // It may have to be built first, which takes minutes.
    eprintln!("running {line} …");
    let output = Command::new(cargo)
        .args(["test", "--quiet", "-p", package])
        .args(target.split(' '))
        .args(["--", name])
        .output()
        .map_err(|error| format!("{line}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stdout);
    // No test of that name is no success.
    let ran = told.contains("test result: ok. ") && !told.contains("test result: ok. 0 passed");
    if output.status.success() && ran {
        Ok(line)
    } else {
        Err(line)
    }
}
