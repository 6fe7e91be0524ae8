//! `harness run`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use consensus::FaultModel;
use keys::{Mode, data_directory};
use serde_json::json;
use terminal::{Output, exit::Code, explained, parse_span, show_span};
use testnet::{
    failure::{Failure, Outcome},
    interrupt::Interrupts,
};

use crate::{
    cluster::{Shape, Unavailable},
    nemesis::{Machine, Need, Nemesis, all},
    run::{self, Plan, Report, Skipped},
};

pub const NOTES: &str = "\
What is broken, whom it hits and what clients do is drawn from the seed. Real processes never run
twice exactly alike, so a seed repeats a schedule, not every message.

With root each node gets a network namespace of its own; otherwise all share the loopback
interface. What the machine or the mode does not allow is named and left out.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Where {
    /// Namespaces where they are to be had
    Auto,
    /// The loopback interface
    Loopback,
    /// A network namespace for each node
    Namespaces,
}

#[derive(Args, Clone)]
pub struct Common {
    /// What is broken: names that `list` gives, separated by commas, or all
    #[arg(
        long,
        value_name = "NAMES",
        default_value = "all",
        value_delimiter = ','
    )]
    pub nemesis: Vec<String>,
    /// How many nodes
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=16))]
    pub nodes: u16,
    /// Where the nodes run
    #[arg(long, value_enum, default_value = "auto")]
    pub hosts: Where,
    /// Also do what the mode does not tolerate: something may not hold then
    #[arg(long)]
    pub untolerated: bool,
    /// Keep the folder of every run
    #[arg(long)]
    pub keep: bool,
    /// Where runs are kept that find something [default: harness in the testnet's usual folder]
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    /// How the nodes agree: raft, raft-signed or byzantine
    #[arg(long, default_value = "byzantine")]
    mode: Mode,
    /// For how long things are broken, such as 60s or 5m
    #[arg(long, default_value = "60s", value_parser = parse_span)]
    duration: Duration,
    /// What everything is drawn from; by default another number each time
    #[arg(long)]
    seed: Option<u64>,
}

impl Common {
    /// Where runs lie.
    fn folder(&self) -> PathBuf {
        let usual = || data_directory(None).join("harness");
        self.folder.clone().unwrap_or_else(usual)
    }

    /// The nemeses that were asked for by name.
    ///
    /// # Errors
    /// If there is none of a name.
    fn chosen(&self) -> Outcome<Vec<&'static Nemesis>> {
        if self.nemesis.iter().any(|name| name == "all") {
            return Ok(all());
        }
        let find = |name: &String| {
            all()
                .into_iter()
                .find(|nemesis| nemesis.name == name)
                .ok_or_else(|| {
                    Failure::usage(format!("there is no nemesis {name:?}"))
                        .next("To see them all: cargo harness list")
                })
        };
        self.nemesis.iter().map(find).collect()
    }

    /// What a run with these words is, and what is left out of it.
    ///
    /// # Errors
    /// If nothing is left, or namespaces were asked for and cannot be had.
    pub fn plan(
        &self,
        mode: Mode,
        seed: u64,
        duration: Duration,
        machine: &Machine,
    ) -> Outcome<(Plan, Vec<Skipped>)> {
        let namespaces = match (self.hosts, &machine.namespaces) {
            (Where::Loopback, _) | (Where::Auto, Err(_)) => false,
            (_, Ok(())) => true,
            (Where::Namespaces, Err(why)) => {
                return Err(Failure::system("make network namespaces", why));
            }
        };
        let mut machine = machine.clone();
        if self.hosts == Where::Loopback {
            let why = Unavailable::Namespaces("--hosts loopback".to_owned());
            machine.namespaces = Err(why);
        }
        let nodes = usize::from(self.nodes);
        let sizes = FaultModel::new(consensus_mode(mode), nodes)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let (mut nemeses, mut skipped) = (Vec::new(), Vec::new());
        for nemesis in self.chosen()? {
            match nemesis.check(mode, sizes.faulty(), &machine) {
                Ok(()) => nemeses.push(nemesis),
                Err(Unavailable::Mode(_)) if self.untolerated && sizes.faulty() > 0 => {
                    nemeses.push(nemesis);
                }
                Err(reason) => skipped.push(Skipped {
                    nemesis: nemesis.name,
                    explanation: reason.to_string(),
                    reason,
                }),
            }
        }
        if nemeses.is_empty() {
            let reasons: Vec<String> = skipped
                .iter()
                .map(|skipped| format!("{}: {}", skipped.nemesis, skipped.explanation))
                .collect();
            return Err(Failure::usage(format!(
                "nothing of what is asked for can be done here: {}",
                reasons.join("; ")
            )));
        }
        let folder = self
            .folder()
            .join(format!("{mode}-{seed}-{}", std::process::id()));
        let shape = Shape {
            mode,
            nodes,
            namespaces,
            disks: Need::disks(nemeses.iter().flat_map(|nemesis| nemesis.needs)),
        };
        let plan = Plan {
            shape,
            duration,
            nemeses,
            seed,
            folder,
            keep: self.keep,
        };
        Ok((plan, skipped))
    }
}

const fn consensus_mode(mode: Mode) -> consensus::Mode {
    match mode {
        Mode::Raft => consensus::Mode::Raft,
        Mode::RaftSigned => consensus::Mode::RaftSigned,
        Mode::Byzantine => consensus::Mode::Byzantine,
    }
}

/// A number that is another one each time.
pub fn some_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // Short enough to be typed.
    RandomState::new().hash_one(std::process::id()) % 1_000_000
}

/// The command that runs the same schedule again.
fn again(arguments: &Common, mode: Mode, seed: u64, duration: Duration) -> String {
    let mut command = format!(
        "cargo harness run --mode {mode} --nodes {} --duration {} --nemesis {} --seed {seed}",
        arguments.nodes,
        show_span(duration),
        arguments.nemesis.join(",")
    );
    if arguments.hosts == Where::Loopback {
        command.push_str(" --hosts loopback");
    }
    if arguments.untolerated {
        command.push_str(" --untolerated");
    }
    command
}

/// Says what is left out.
pub fn say_skipped(skipped: &[Skipped], output: &Output) {
    for skipped in skipped {
        output.aside(&format!(
            "left out: {}: {}",
            skipped.nemesis, skipped.explanation
        ));
    }
}

/// Runs one, and says where it is kept if something did not hold.
pub fn run_one(
    common: &Common,
    plan: &Plan,
    interrupts: &Interrupts,
    output: &Output,
) -> Outcome<Report> {
    output.aside(&format!(
        "mode {}, {} nodes, seed {}, {}",
        plan.shape.mode,
        plan.shape.nodes,
        plan.seed,
        if plan.shape.namespaces {
            "a network namespace for each"
        } else {
            "loopback"
        }
    ));
    let report = run::run(plan, interrupts, &|text| output.aside(text))?;
    for violation in &report.violations {
        output.aside(&format!("{}: {violation}", output.bad("violated")));
    }
    if let Some(folder) = report
        .folder
        .as_ref()
        .filter(|_| !report.violations.is_empty())
    {
        let (mode, seed) = (plan.shape.mode, plan.seed);
        output.aside(&format!(
            "The history and the nodes' files are kept in {}.\nThe same schedule again: {}",
            folder.display(),
            again(common, mode, seed, plan.duration)
        ));
    }
    Ok(report)
}

pub fn run(arguments: &Arguments, output: &Output) -> Outcome<Code> {
    let machine = Machine::probe();
    let seed = arguments.seed.unwrap_or_else(some_seed);
    let common = &arguments.common;
    let (plan, skipped) = common.plan(arguments.mode, seed, arguments.duration, &machine)?;
    say_skipped(&skipped, output);
    let interrupts = Interrupts::count()?;
    let report = run_one(common, &plan, &interrupts, output)?;
    output.result(
        &json!({"report": report, "skipped": skipped}),
        &in_words(&report, output),
    );
    if report.violations.is_empty() {
        let next = again(common, arguments.mode, seed + 1, arguments.duration);
        output.next(&explained(&next, "another schedule"));
        Ok(Code::Ok)
    } else {
        Ok(Code::AssertionFailed)
    }
}

fn in_words(report: &Report, output: &Output) -> String {
    let operations = &report.operations;
    let used: Vec<String> = report
        .nemeses
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    let verdict = if report.violations.is_empty() {
        output.good("Everything held.")
    } else {
        output.bad(&format!("{} violations.", report.violations.len()))
    };
    format!(
        "Broken: {}; nodes killed and started again: {}.\n\
         Transfers: {} applied, {} refused for lack of money, {} unknown; {} sent twice. \
         Reads: {} answered, {} not.\n\
         Checked: {} operations linearizable, {} entries equal on all correct nodes, {} receipts \
         hold, {} nodes' accounts add up, {} pieces of evidence are deserved; every client went on \
         after {:.1} s.\n{verdict}",
        used.join(", "),
        report.kills,
        operations.applied,
        operations.rejected,
        operations.unknown,
        operations.repeats,
        operations.reads,
        operations.reads_unanswered,
        report.checked.operations,
        report.checked.entries,
        report.checked.receipts,
        report.checked.balanced,
        report.checked.evidence,
        report.recovered_after_seconds,
    )
}
