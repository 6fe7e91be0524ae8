//! Runs that are bounded by time instead of seeds: every mode and size in turn; attacks, twins and
//! runs that are taken through the model between them. What fails is made small and written down.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Args;
use consensus::Mode;
use simulator::{
    bounds::{self, Case, Measuring},
    conformance, plan,
    run::{self, Adversaries, Options, Outcome},
    scenario,
    shrink::{self, Budget},
    trace::Trace,
    twins::{self, Enumeration, Reach, Shape},
};
use terminal::exit::Code;

use super::report::{Network, Report};

/// The networks that take turns: mode, nodes, seeds a turn. Turns are short, so that a run of two
/// minutes gets round several times.
const NETWORKS: [(Mode, usize, u64); 8] = [
    (Mode::Byzantine, 4, 10),
    (Mode::Byzantine, 5, 4),
    (Mode::Byzantine, 6, 4),
    (Mode::Byzantine, 7, 4),
    (Mode::Byzantine, 10, 2),
    (Mode::Raft, 3, 6),
    (Mode::Raft, 5, 4),
    (Mode::RaftSigned, 4, 4),
];
/// Runs that are taken through the model each turn: nodes, seeds.
const REPLAYS: [(usize, u64); 5] = [(4, 40), (5, 10), (6, 10), (7, 10), (10, 4)];
/// What a run that is taken through the model lasts and asks, as for `cargo sim conform`.
const REPLAYED: (u64, u32) = (30, 5);
/// Simulated seconds a seed.
const SECONDS: u64 = 60;
/// Requests a simulated second.
const RATE: u32 = 20;
/// Schedules that are drawn each turn: nodes, rounds, schedules.
const TWINS: [(usize, usize, u64); 2] = [(4, 8, 200), (7, 8, 40)];
/// Adversaries and pairs of them whose slowest request is measured each turn: nodes, cases.
const MEASURED: [(usize, usize); 3] = [(4, 8), (7, 3), (10, 1)];
/// From one to the next: a prime, so that all have their turn.
const STEP: usize = 7_919;
/// Simulated seconds of each.
const MEASURED_SECONDS: u64 = 8;
/// How long making a failure small may take.
const SHRINKING: Duration = Duration::from_secs(20);

/// A run over every mode and several sizes until the time is up: seeds, attacks, twins, and runs
/// taken through the model. Ctrl-C ends it with its totals, too.
#[derive(Clone, Debug, Args)]
pub struct Night {
    /// How long, in hours.
    #[arg(long, default_value_t = 8.0)]
    hours: f64,
    /// The first seed of every network.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Where failures go, as scenario files for `cargo sim play`.
    #[arg(long, value_name = "DIRECTORY", default_value = "failures")]
    failures: PathBuf,
    /// How many seeds at a time [default: one for each core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

impl Night {
    /// Runs it and prints totals.
    ///
    /// # Errors
    /// A duration that is none.
    pub fn run(&self) -> Result<Code, String> {
        let limit = Duration::try_from_secs_f64(self.hours * 3600.0)
            .map_err(|error| format!("--hours {}: {error}", self.hours))?;
        let campaign = Campaign {
            name: "night",
            limit,
            from: self.from,
            failures: self.failures.clone(),
            most_files: 10,
            jobs: self.jobs.unwrap_or_else(cores),
            json: self.json,
        };
        campaign.run()
    }
}

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

/// A run that is bounded by time.
pub struct Campaign {
    /// The command.
    pub name: &'static str,
    /// How long.
    pub limit: Duration,
    /// The first seed of every network.
    pub from: u64,
    /// Where failures go.
    pub failures: PathBuf,
    /// The most failures that are made small.
    pub most_files: usize,
    /// How many threads.
    pub jobs: usize,
    /// Whether standard output is JSON.
    pub json: bool,
}

/// What the next seeds are run with.
fn options(mode: Mode, nodes: usize) -> Options {
    Options {
        mode,
        nodes,
        seconds: SECONDS,
        rate: RATE,
        adversaries: Adversaries::Rotating,
        signatures: None,
        mutation: None,
    }
}

impl Campaign {
    /// Runs it and prints totals.
    ///
    /// # Errors
    /// What the system cannot do.
    pub fn run(&self) -> Result<Code, String> {
        let interrupted = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&interrupted))
            .map_err(|error| format!("Ctrl-C cannot be caught: {error}"))?;
        let started = Instant::now();
        let is_over = || interrupted.load(Ordering::Relaxed) || started.elapsed() >= self.limit;
        let networks = NETWORKS.map(|(mode, nodes, _)| Network::new(mode, nodes));
        let mut report = Report::new(self.name, self.json, networks.into());
        self.play_attacks(&mut report, &is_over);
        // All twins of two rounds once, and then drawn ones.
        self.play_all_twins(&mut report, &is_over);
        let mut turn = 0;
        while !is_over() {
            for (position, (mode, nodes, seeds)) in NETWORKS.into_iter().enumerate() {
                if is_over() {
                    break;
                }
                let from = self.from.saturating_add(seeds * turn);
                let options = options(mode, nodes);
                let range = from..from.saturating_add(seeds);
                let begun = Instant::now();
                let totals = run::seeds(&options, range, self.jobs, &|_| {})
                    .map_err(|error| error.to_string())?;
                let spent = begun.elapsed();
                for outcome in &totals.violations {
                    self.write_down(&mut report, &options, outcome);
                }
                report.networks[position].add(totals, spent);
                report.progress(started.elapsed(), self.limit);
            }
            self.measure_bounds(&mut report, turn, &is_over)?;
            self.play_drawn_twins(&mut report, turn, &is_over);
            self.replay(&mut report, turn, &is_over)?;
            turn += 1;
        }
        report.clear_progress();
        report.print(started.elapsed());
        Ok(if report.has_failures() {
            Code::AssertionFailed
        } else if interrupted.load(Ordering::Relaxed) {
            Code::Interrupted
        } else {
            Code::Ok
        })
    }

    fn play_attacks(&self, report: &mut Report, is_over: &dyn Fn() -> bool) {
        for listed in scenario::list() {
            if is_over() {
                return;
            }
            let Some(verdict) = scenario::play(listed.id, Trace::Off) else {
                continue;
            };
            if !verdict.holds {
                let id = listed.id;
                let replay = format!("cargo sim --scenario {id}");
                report.failed(id, &verdict.to_string(), &replay);
            }
            report.attacks += 1;
        }
    }

    fn play_all_twins(&self, report: &mut Report, is_over: &(dyn Fn() -> bool + Sync)) {
        let all = Enumeration {
            nodes: 4,
            depth: 2,
            sets: 2,
            reach: Reach::Chosen,
            seed: self.from,
        };
        let totals = twins::run(all.schedules(), true, None, self.jobs, is_over, &|_| {});
        report.add_twins(totals);
    }

    fn play_drawn_twins(
        &self,
        report: &mut Report,
        turn: u64,
        is_over: &(dyn Fn() -> bool + Sync),
    ) {
        for (nodes, depth, schedules) in TWINS {
            let shape = Shape {
                nodes,
                depth,
                sets: 3,
            };
            let from = self.from.saturating_add(schedules * turn);
            let drawn = (from..from.saturating_add(schedules))
                .filter_map(move |seed| twins::sample(shape, seed));
            let totals = twins::run(drawn, false, None, self.jobs, is_over, &|_| {});
            report.add_twins(totals);
        }
    }

    /// How long requests take under a few adversaries and pairs of them, others each turn.
    fn measure_bounds(
        &self,
        report: &mut Report,
        turn: u64,
        is_over: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), String> {
        let measuring = Measuring {
            seeds: 1,
            from: self.from.saturating_add(turn),
            seconds: MEASURED_SECONDS,
            jobs: self.jobs,
        };
        for (nodes, count) in MEASURED {
            let all = bounds::cases(nodes, true).map_err(|error| error.to_string())?;
            let chosen: Vec<Case> = (0..count)
                .map(|place| {
                    let turn = usize::try_from(turn).unwrap_or(0);
                    let position = turn.wrapping_mul(count).wrapping_add(place);
                    all[position.wrapping_mul(STEP) % all.len()].clone()
                })
                .collect();
            for row in bounds::measure(&measuring, &chosen, is_over, &|_| {}) {
                if !row.holds() {
                    let (name, seed) = (&row.adversary, measuring.from);
                    let late = format!("a request took {} us", row.longest_micros);
                    let replay =
                        format!("cargo sim bounds --nodes {nodes} --pairs --from {seed} --seeds 1");
                    let story = row.violation.as_deref().unwrap_or(&late);
                    report.failed(&format!("{name}, {nodes} nodes"), story, &replay);
                }
            }
        }
        Ok(())
    }

    /// Takes runs through the model of the rules.
    fn replay(
        &self,
        report: &mut Report,
        turn: u64,
        is_over: &dyn Fn() -> bool,
    ) -> Result<(), String> {
        let (seconds, rate) = REPLAYED;
        for (nodes, seeds) in REPLAYS {
            if is_over() {
                return Ok(());
            }
            let from = self.from.saturating_add(seeds * turn);
            let options = Options {
                seconds,
                rate,
                ..options(Mode::Byzantine, nodes)
            };
            let range = from..from.saturating_add(seeds);
            let totals = conformance::seeds(&options, range, self.jobs, &|_| {})
                .map_err(|error| error.to_string())?;
            report.add_replays(nodes, totals);
        }
        Ok(())
    }

    /// Makes a failure small and writes it into a file.
    fn write_down(&self, report: &mut Report, options: &Options, outcome: &Outcome) {
        let Options { mode, nodes, .. } = options;
        let story = outcome.violation.as_deref().unwrap_or_default();
        let replay = format!(
            "cargo sim --mode {mode} --nodes {nodes} --seeds {} --seconds {SECONDS} --rate {RATE} \
             --trace",
            outcome.seed
        );
        let name = format!("{mode} {nodes} nodes, seed {}", outcome.seed);
        report.failed(&name, story, &replay);
        if report.files.len() >= self.most_files {
            return;
        }
        let budget = Budget {
            plays: u64::MAX,
            until: Some(Instant::now() + SHRINKING),
        };
        let file = format!("{mode}-{nodes}-{}.json", outcome.seed);
        let path = self.failures.join(file);
        let written = plan::record(options, outcome.seed, None)
            .map_err(|error| error.to_string())
            .and_then(|(plan, _)| {
                // A failure that the plan does not repeat is still worth its file.
                let plan = shrink::shrink(&plan, budget).map_or(plan, |shrunk| shrunk.plan);
                super::shrink::write(&path, &plan)
            });
        match written {
            Ok(()) => report.wrote(path),
            Err(error) => report.warn(&format!("no scenario file for {name}: {error}")),
        }
    }
}
