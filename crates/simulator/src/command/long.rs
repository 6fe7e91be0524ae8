//! Runs that are bounded by time instead of seeds.

use std::time::{Duration, Instant};

use clap::Args;
use consensus::Mode;
use keys::exit::Code;
use simulator::run::{self, Adversaries, Options, Totals};

/// The networks that take turns: mode, nodes, seeds a turn.
const NETWORKS: [(Mode, usize, u64); 8] = [
    (Mode::Byzantine, 4, 200),
    (Mode::Byzantine, 5, 60),
    (Mode::Byzantine, 6, 40),
    (Mode::Byzantine, 7, 60),
    (Mode::Byzantine, 10, 10),
    (Mode::Raft, 3, 60),
    (Mode::Raft, 5, 60),
    (Mode::RaftSigned, 4, 30),
];

/// How many threads run unless it is said otherwise.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// How a command ends that found a broken rule, or did not.
pub const fn code(holds: bool) -> Code {
    if holds {
        Code::Ok
    } else {
        Code::AssertionFailed
    }
}

/// A run over every mode and several sizes until the time is up.
#[derive(Clone, Debug, Args)]
pub struct Night {
    /// How long, in hours.
    #[arg(long, default_value_t = 8.0)]
    hours: f64,
    /// The first seed of every network.
    #[arg(long, default_value_t = 0)]
    from: u64,
}

impl Night {
    /// Runs it and prints the totals of each network.
    ///
    /// # Errors
    /// A duration that is none.
    pub fn run(&self) -> Result<Code, String> {
        let limit = Duration::try_from_secs_f64(self.hours * 3600.0)
            .map_err(|error| format!("--hours {}: {error}", self.hours))?;
        let started = Instant::now();
        let mut totals: Vec<Totals> = NETWORKS.iter().map(|_| Totals::default()).collect();
        let mut from = self.from;
        'night: loop {
            for (&(mode, nodes, seeds), sum) in NETWORKS.iter().zip(&mut totals) {
                if started.elapsed() >= limit {
                    break 'night;
                }
                let options = Options {
                    mode,
                    nodes,
                    seconds: 60,
                    rate: 20,
                    adversaries: Adversaries::Rotating,
                    signatures: None,
                    mutation: None,
                };
                let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
                let turn = run::seeds(&options, from..from.saturating_add(seeds), jobs, &|_| {})
                    .map_err(|error| error.to_string())?;
                for outcome in &turn.violations {
                    eprintln!(
                        "{mode} {nodes} nodes, seed {}: {}\n  replay: cargo sim --mode {mode} --nodes {nodes} --seeds {} --trace",
                        outcome.seed,
                        outcome.violation.as_deref().unwrap_or_default(),
                        outcome.seed
                    );
                }
                sum.join(turn);
            }
            from = from.saturating_add(200);
        }
        for (&(mode, nodes, _), sum) in NETWORKS.iter().zip(&totals) {
            println!(
                "{mode}, {nodes} nodes: {}",
                crate::output::line(sum, started.elapsed())
            );
        }
        let broken = totals.iter().any(|sum| !sum.violations.is_empty());
        Ok(if broken {
            Code::AssertionFailed
        } else {
            Code::Ok
        })
    }
}
