//! `testnet compare`.

use std::{fs, path::PathBuf, time::Duration};

use clap::Args;
use keys::{ClientChecks, Mode};
use terminal::{Output, counted, parse_span, show_span};

use super::Common;
use crate::{
    compare::{self, Comparison, conclusion, environment::Environment, plan},
    failure::{Failure, Outcome},
    interrupt::Interrupts,
    report,
};

pub const NOTES: &str = "\
Each row is a network of real processes of its own, with syncs on, run several times in turn
with the others. A transfer counts when f + 1 nodes say the same (one in the Raft modes). After
each run all nodes must hold one ledger, money must be conserved and every acknowledged
transfer be in it; without that no figure is shown.

Without --client-checks, raft is measured twice: with the leader alone checking clients'
signatures, as it usually is, and with every node checking, as byzantine mode must.

Examples:
  cargo testnet compare
  cargo testnet compare --modes raft,byzantine --duration 3s --repeat 1
  cargo testnet compare --fault-budget 1 --report report";

#[derive(Args)]
pub struct Arguments {
    /// The modes
    #[arg(long, value_delimiter = ',', default_values_t = Mode::ALL)]
    modes: Vec<Mode>,
    /// Who checks clients' signatures in the Raft modes: leader, all, or both
    #[arg(long, value_delimiter = ',', value_name = "WHO")]
    client_checks: Option<Vec<ClientChecks>>,
    /// How many nodes each network has
    #[arg(long, default_value_t = 4)]
    nodes: usize,
    /// Also compare networks that tolerate so many faults, with as few nodes as that takes
    #[arg(long, value_name = "F")]
    fault_budget: Option<usize>,
    /// How long each network is saturated, such as 10s
    #[arg(long, value_parser = parse_span, default_value = "10s")]
    duration: Duration,
    /// How often each row is run
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// How many clients there are, each with its own connections
    #[arg(long, default_value_t = 4)]
    clients: usize,
    /// How many transfers are under way when a network is saturated, of all clients together
    #[arg(long, default_value_t = 1024)]
    outstanding: usize,
    /// Transfers a second of the run at low load
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Where the HTML report is written [default: compare in the data directory]
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// Most transfers under way: the nodes' own bound on waiting requests.
const MOST_OUTSTANDING: usize = consensus::limits::PENDING_REQUESTS;
/// Most clients: a node's bound on connections is far above.
const MOST_CLIENTS: usize = 64;

pub fn run(common: &Common, arguments: &Arguments, output: &Output) -> Outcome {
    if cfg!(debug_assertions) {
        return Err(Failure::usage(
            "this is a debug build, and what it measures says nothing about the real one",
        )
        .next("Use the release build: cargo testnet compare"));
    }
    let plan = plan_of(arguments)?;
    let folder = arguments
        .report
        .clone()
        .unwrap_or_else(|| common.layout().report());
    report::make_room(&folder)?;
    let root = common.layout().root().to_owned();
    let work = root.join(format!("compare-{}", std::process::id()));
    fs::create_dir_all(&work)
        .map_err(|error| Failure::system(format!("make the folder {}", work.display()), error))?;
    let result = measure(common, arguments, &plan, &work, output);
    // What is left in it was said to be left; an empty folder is of no use to anybody.
    let _ = fs::remove_dir(&work);
    let comparison = result?;
    // What was measured is worth more than the page about it.
    output.result(&comparison, &text(&comparison, output));
    let page = report::write(&folder, &comparison)?;
    output.remark(&format!("\nReport with plots: {}", page.display()));
    Ok(())
}

fn plan_of(arguments: &Arguments) -> Outcome<plan::Plan> {
    let configurations = plan::configurations(
        &arguments.modes,
        arguments.client_checks.as_deref(),
        arguments.nodes,
        arguments.fault_budget,
    )?;
    let within = |what: &str, value: usize, most: usize| match value {
        0 => Err(Failure::usage(format!("--{what} must be at least 1"))),
        value if value > most => Err(Failure::usage(format!("--{what} can be {most} at most"))),
        value => Ok(value),
    };
    if arguments.duration < Duration::from_secs(1) {
        return Err(Failure::usage("--duration must be at least 1s"));
    }
    Ok(plan::Plan {
        configurations,
        repeats: within("repeat", arguments.repeat, 1000)?,
        duration: arguments.duration,
        clients: within("clients", arguments.clients, MOST_CLIENTS)?,
        outstanding: within("outstanding", arguments.outstanding, MOST_OUTSTANDING)?,
        rate: u32::try_from(within("rate", arguments.rate as usize, 100_000)?).unwrap_or(1),
    })
}

fn measure(
    common: &Common,
    arguments: &Arguments,
    plan: &plan::Plan,
    work: &std::path::Path,
    output: &Output,
) -> Outcome<Comparison> {
    let environment = Environment::look(work, command(common, arguments));
    output.aside(&format!(
        "{}, {} each: this takes about {}.",
        counted(plan.configurations.len(), "row"),
        counted(plan.repeats, "run"),
        minutes(plan.expected())
    ));
    output.aside(&format!(
        "On {}, {} cores; {}.",
        environment.processor, environment.cores, environment.file_system
    ));
    let interrupts = Interrupts::count()?;
    compare::compare(plan, work, environment, &interrupts, output)
}

fn minutes(span: Duration) -> String {
    match span.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

/// The command that measures the same again.
fn command(common: &Common, arguments: &Arguments) -> String {
    let list = |values: Vec<&str>| values.join(",");
    let modes = arguments.modes.iter().map(|mode| mode.as_str()).collect();
    let mut words = format!("compare --modes {}", list(modes));
    if let Some(checks) = &arguments.client_checks {
        let checks = checks.iter().map(|checks| checks.as_str()).collect();
        words.push_str(&format!(" --client-checks {}", list(checks)));
    }
    words.push_str(&format!(" --nodes {}", arguments.nodes));
    if let Some(budget) = arguments.fault_budget {
        words.push_str(&format!(" --fault-budget {budget}"));
    }
    words.push_str(&format!(
        " --duration {} --repeat {} --clients {} --outstanding {} --rate {}",
        show_span(arguments.duration),
        arguments.repeat,
        arguments.clients,
        arguments.outstanding,
        arguments.rate
    ));
    common.command("testnet", &words)
}

fn text(comparison: &Comparison, output: &Output) -> String {
    let mut text = format!(
        "\n{}\n\n{}",
        conclusion::text_table(&comparison.results),
        output.bold(&comparison.conclusion)
    );
    if let Some(caution) = &comparison.caution {
        text.push_str(&format!("\n{caution}"));
    }
    text
}
