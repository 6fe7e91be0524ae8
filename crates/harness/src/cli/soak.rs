//! `harness soak`.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use clap::Args;
use keys::Mode;
use serde::Serialize;
use terminal::{Output, exit::Code, parse_span};
use testnet::{failure::Outcome, interrupt::Interrupts};

use super::run::{Common, run_one, say_skipped, some_seed};
use crate::{
    checks::{Checked, Violation},
    nemesis::Machine,
    run::Report,
    workload::Tally,
};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    /// For how many hours; a fraction will do
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
    /// The modes, one after another: raft, raft-signed, byzantine
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "byzantine,raft,raft-signed"
    )]
    mode: Vec<Mode>,
    /// For how long things are broken in each run
    #[arg(long, default_value = "60s", value_parser = parse_span)]
    duration: Duration,
    /// The seed of the first run; each further one has the next
    #[arg(long)]
    seed: Option<u64>,
}

/// Of all runs together.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Runs.
    pub runs: u64,
    /// Seconds in which nemeses were at work.
    pub seconds: f64,
    /// How often each was.
    pub nemeses: BTreeMap<&'static str, u64>,
    /// Nodes killed and started again.
    pub kills: u64,
    /// How operations ended.
    pub operations: Tally,
    /// What was checked.
    pub checked: Checked,
    /// The longest wait for progress after everything was mended.
    pub slowest_recovery_seconds: f64,
    /// What did not hold, with the run's seed and mode.
    pub violations: Vec<(u64, Mode, Violation)>,
}

impl Totals {
    fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.seconds += report.seconds;
        for (name, count) in &report.nemeses {
            *self.nemeses.entry(name).or_insert(0) += count;
        }
        self.kills += report.kills;
        let (sum, part) = (&mut self.operations, &report.operations);
        sum.applied += part.applied;
        sum.rejected += part.rejected;
        sum.unknown += part.unknown;
        sum.reads += part.reads;
        sum.reads_unanswered += part.reads_unanswered;
        sum.repeats += part.repeats;
        let (sum, part) = (&mut self.checked, &report.checked);
        sum.operations += part.operations;
        sum.steps += part.steps;
        sum.entries += part.entries;
        sum.receipts += part.receipts;
        sum.balanced += part.balanced;
        sum.evidence += part.evidence;
        self.slowest_recovery_seconds = self
            .slowest_recovery_seconds
            .max(report.recovered_after_seconds);
        let found = report.violations.iter().cloned();
        let found = found.map(|violation| (report.seed, report.mode, violation));
        self.violations.extend(found);
    }

    fn in_words(&self) -> String {
        let operations = &self.operations;
        let mut text = format!(
            "runs                     {}\n\
             seconds of faults        {:.0}\n\
             nodes killed and started {}\n\
             transfers applied        {}\n\
             transfers refused        {}\n\
             transfers unknown        {}\n\
             transfers sent twice     {}\n\
             reads                    {}, {} more without an answer\n\
             linearizable operations  {}\n\
             entries compared         {}\n\
             receipts that hold       {}\n\
             evidence, all deserved   {}\n\
             slowest recovery         {:.1} s\n\
             violations               {}\n",
            self.runs,
            self.seconds,
            self.kills,
            operations.applied,
            operations.rejected,
            operations.unknown,
            operations.repeats,
            operations.reads,
            operations.reads_unanswered,
            self.checked.operations,
            self.checked.entries,
            self.checked.receipts,
            self.checked.evidence,
            self.slowest_recovery_seconds,
            self.violations.len(),
        );
        for (name, count) in &self.nemeses {
            text.push_str(&format!("  {name:<22} {count}\n"));
        }
        for (seed, mode, violation) in &self.violations {
            text.push_str(&format!(
                "violated, mode {mode}, seed {seed}: {violation}\n"
            ));
        }
        text.trim_end().to_owned()
    }
}

pub fn run(arguments: &Arguments, output: &Output) -> Outcome<Code> {
    let machine = Machine::probe();
    let interrupts = Interrupts::count()?;
    let first = arguments.seed.unwrap_or_else(some_seed);
    let end =
        Instant::now() + Duration::from_secs_f64(arguments.hours.clamp(0.0, 1_000.0) * 3600.0);
    let mut totals = Totals::default();
    let mut told = Vec::new();
    let mut interrupted = false;
    let seeds = first..;
    for (seed, &mode) in seeds.zip(arguments.mode.iter().cycle()) {
        let common = &arguments.common;
        let (plan, skipped) = common.plan(mode, seed, arguments.duration, &machine)?;
        if !told.contains(&mode) {
            output.aside(&format!("mode {mode}:"));
            say_skipped(&skipped, output);
            told.push(mode);
        }
        match run_one(common, &plan, &interrupts, output) {
            Ok(report) => totals.add(&report),
            Err(failure) if failure.code == Code::Interrupted => interrupted = true,
            Err(failure) => return Err(failure),
        }
        if interrupted || Instant::now() >= end {
            break;
        }
        output.aside(&format!(
            "so far: {} runs, {} kills, {} operations, {} violations",
            totals.runs,
            totals.kills,
            totals.checked.operations,
            totals.violations.len()
        ));
    }
    output.result(&totals, &totals.in_words());
    Ok(match (totals.violations.is_empty(), interrupted) {
        (false, _) => Code::AssertionFailed,
        (true, true) => Code::Interrupted,
        (true, false) => Code::Ok,
    })
}
