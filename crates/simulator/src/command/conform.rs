//! `cargo sim conform`.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use clap::Args;
use consensus::{FaultModel, Mode, mutation::Mutation};
use serde_json::json;
use simulator::{
    conformance::{self, Totals},
    run::Options,
};
use terminal::exit::Code;

use crate::arguments::{Seeds, adversaries};

/// Takes what correct nodes do through the model, step for step: a step that the rules refuse, or
/// after which a node's promises are not what the rules make of it, is a divergence.
///
/// Exit code 6: a trace diverged, or broke another rule; the command that replays it is printed.
#[derive(Clone, Debug, Args)]
pub struct Conform {
    /// Which seeds: FROM..TO without TO, or a single one.
    #[arg(long, default_value = "0..100", value_name = "FROM..TO")]
    seeds: Seeds,
    /// How many nodes.
    #[arg(long, default_value_t = 4)]
    nodes: usize,
    /// What the f Byzantine nodes do, as for plain runs.
    #[arg(long, default_value = "rotating", value_name = "NAME")]
    adversary: String,
    /// Simulated seconds a seed; faults end after three quarters.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Requests a simulated second, from all clients together.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=50))]
    rate: u32,
    /// Breaks this rule of the code, to see that the model notices: an id of `cargo sim mutations
    /// --list`.
    #[cfg(feature = "mutations")]
    #[arg(long, value_name = "ID")]
    mutation: Option<String>,
    /// How many seeds at a time [default: one for each core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

impl Conform {
    /// Runs the seeds and prints totals.
    ///
    /// # Errors
    /// What cannot be run, and what could.
    pub fn run(&self) -> Result<Code, String> {
        let mode = Mode::Byzantine;
        FaultModel::new(mode, self.nodes).map_err(|error| error.to_string())?;
        let options = Options {
            mode,
            nodes: self.nodes,
            seconds: self.seconds,
            rate: self.rate,
            adversaries: adversaries(mode, &self.adversary)?,
            signatures: None,
            mutation: self.mutation()?,
        };
        let started = Instant::now();
        let live = std::io::stderr().is_terminal() && !self.json;
        let expected = self.seeds.0.end - self.seeds.0.start;
        let progress = |totals: &Totals| {
            if live {
                eprint!("\r\x1b[2K{}/{expected}: {}", totals.traces, line(totals));
            }
        };
        let jobs = self.jobs.unwrap_or_else(super::long::cores);
        let totals = conformance::seeds(&options, self.seeds.0.clone(), jobs, &progress)
            .map_err(|error| error.to_string())?;
        if live {
            eprint!("\r\x1b[2K");
        }
        self.print(&totals, started.elapsed());
        Ok(super::long::code(totals.failures.is_empty()))
    }

    #[cfg(feature = "mutations")]
    fn mutation(&self) -> Result<Option<Mutation>, String> {
        let find = |id: &String| {
            let entry = simulator::mutations::catalogue::find(id);
            entry.map(|entry| entry.mutation).ok_or_else(|| {
                format!("there is no mutation '{id}': cargo sim mutations --list names them")
            })
        };
        self.mutation.as_ref().map(find).transpose()
    }

    #[cfg(not(feature = "mutations"))]
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "it has both elsewhere"
    )]
    const fn mutation(&self) -> Result<Option<Mutation>, String> {
        Ok(None)
    }

    fn replay(&self, seed: u64) -> String {
        format!(
            "cargo sim conform --seeds {seed} --nodes {} --adversary {} --seconds {} --rate {}",
            self.nodes, self.adversary, self.seconds, self.rate
        )
    }

    fn print(&self, totals: &Totals, elapsed: Duration) {
        for failed in &totals.failures {
            let what = failed.divergence.as_ref().or(failed.violation.as_ref());
            eprintln!(
                "seed {}{}: {}\n  replay: {}",
                failed.seed,
                match failed.adversaries.len() {
                    0 => String::new(),
                    _ => format!(", with {}", failed.adversaries.join(" and ")),
                },
                what.map_or("", String::as_str),
                self.replay(failed.seed)
            );
        }
        if !self.json {
            println!("{}, {:.0} s", line(totals), elapsed.as_secs_f64());
            if totals.failures.is_empty() {
                println!("next: cargo model check, which visits every state of the same rules");
            }
            return;
        }
        let failures: Vec<_> = totals
            .failures
            .iter()
            .map(|failed| {
                json!({
                    "seed": failed.seed,
                    "adversaries": failed.adversaries,
                    "divergence": failed.divergence,
                    "violation": failed.violation,
                    "replay": self.replay(failed.seed),
                })
            })
            .collect();
        println!(
            "{}",
            json!({
                "nodes": self.nodes,
                "traces": totals.traces,
                "steps": totals.all_steps(),
                "steps_by_kind": totals.steps,
                "commits": totals.commits,
                "divergences": totals.divergences(),
                "failures": failures,
                "seconds": elapsed.as_secs_f64(),
            })
        );
    }
}

/// The totals in one line, without what was broken.
pub fn line(totals: &Totals) -> String {
    let kinds: Vec<_> = totals
        .steps
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let others = totals.failures.len() - totals.divergences();
    format!(
        "{} traces, {} steps ({}), {} commits, {} divergences, {others} other violations",
        totals.traces,
        totals.all_steps(),
        kinds.join(", "),
        totals.commits,
        totals.divergences(),
    )
}
