//! `cargo sim twins`.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use serde_json::json;
use simulator::{
    trace::Trace,
    twins::{self, Enumeration, Schedule, Shape, Totals},
};
use terminal::exit::Code;

/// Two unmodified copies of a node with one key: every schedule of a small depth, and a sample of
/// deeper ones.
///
/// A schedule says, round by round, who hears whom and whom clients reach. After the rounds the
/// network heals; then every invariant held, everything is answered in time, and nobody but the
/// twins is accused, or the exit code is 6 and the schedule is printed.
#[derive(Clone, Debug, Args)]
pub struct Twins {
    /// How many nodes: 4 for one pair of twins, 7 for two.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(4..=10))]
    nodes: u8,
    /// Plays every schedule of so many rounds with one pair of twins; 0 for none [default: 3 with
    /// 4 nodes, 0 with more].
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=8))]
    depth: Option<u8>,
    /// The most sets that a round divides the copies into.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=5))]
    sets: u8,
    /// Whom clients reach in the schedules that are enumerated.
    #[arg(long, value_enum, default_value_t = Reach::All)]
    reach: Reach,
    /// How many schedules are drawn.
    #[arg(long, default_value_t = 1_000)]
    sample: u64,
    /// The most rounds of a schedule that is drawn.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    sample_depth: u8,
    /// The first seed that is drawn from; each schedule has the next.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Plays this schedule alone.
    #[arg(long, value_name = "TEXT")]
    schedule: Option<Schedule>,
    /// Prints everything that happens to that schedule, on standard output.
    #[arg(long, requires = "schedule")]
    trace: bool,
    /// How many schedules at a time [default: one for each core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// Whom clients reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Reach {
    /// Every set in every round.
    All,
    /// Every set, or one of them, each round another choice.
    Chosen,
}

impl Twins {
    /// Plays them and prints totals.
    ///
    /// # Errors
    /// Too many schedules to enumerate.
    pub fn run(&self) -> Result<Code, String> {
        match &self.schedule {
            Some(schedule) => Ok(self.play(schedule)),
            None => self.run_many(),
        }
    }

    fn play(&self, schedule: &Schedule) -> Code {
        let trace = if self.trace {
            Trace::to_stdout()
        } else {
            Trace::Off
        };
        let played = twins::play(schedule, None, trace);
        if self.json {
            println!("{}", json!(played));
        } else {
            let came = played.violation.as_deref().unwrap_or("as it must be");
            let accused = if played.accused {
                "the twins"
            } else {
                "nobody"
            };
            let line = format!(
                "{}: term {} after the rounds, {} commits, {accused} accused: {came}",
                played.schedule, played.term, played.commits
            );
            if self.trace {
                eprintln!("{line}");
            } else {
                println!("{line}");
            }
        }
        super::long::code(played.violation.is_none())
    }

    fn run_many(&self) -> Result<Code, String> {
        let started = Instant::now();
        let depth = self.depth.unwrap_or(if self.nodes == 4 { 3 } else { 0 });
        let enumeration = Enumeration {
            nodes: self.nodes.into(),
            depth: depth.into(),
            sets: self.sets,
            reach: match self.reach {
                Reach::All => twins::Reach::All,
                Reach::Chosen => twins::Reach::Chosen,
            },
            seed: self.seed,
        };
        let mut enumerated = (0, 0);
        let mut totals = Totals::default();
        if depth > 0 {
            let size = enumeration
                .size()
                .filter(|size| *size <= 1 << 32)
                .ok_or_else(|| {
                    format!("{depth} rounds are too many to enumerate: use a smaller --depth")
                })?;
            let kinds: Vec<Schedule> = enumeration.schedules().collect();
            enumerated = (size, kinds.len());
            totals = self.play_all(kinds.into_iter(), true, started);
        }
        let drawn = self.play_all(self.drawn(), false, started);
        self.print(depth, enumerated, &totals, &drawn, started.elapsed());
        let broken = !totals.violations.is_empty() || !drawn.violations.is_empty();
        Ok(super::long::code(!broken))
    }

    fn drawn(&self) -> impl Iterator<Item = Schedule> + Send + use<> {
        let shape = Shape {
            nodes: self.nodes.into(),
            depth: self.sample_depth.into(),
            sets: self.sets.max(3),
        };
        (self.seed..self.seed.saturating_add(self.sample))
            .filter_map(move |seed| twins::sample(shape, seed))
    }

    fn play_all(
        &self,
        schedules: impl Iterator<Item = Schedule> + Send,
        expand: bool,
        started: Instant,
    ) -> Totals {
        let live = std::io::stderr().is_terminal() && !self.json;
        let progress = |totals: &Totals| {
            if live && totals.played.is_multiple_of(64) {
                let seconds = started.elapsed().as_secs();
                eprint!("\r\x1b[2K{} schedules, {seconds} s", totals.played);
            }
        };
        let jobs = self.jobs.unwrap_or_else(super::long::cores);
        let totals = twins::run(schedules, expand, None, jobs, &|| false, &progress);
        if live {
            eprint!("\r\x1b[2K");
        }
        failures(&totals);
        totals
    }

    fn print(
        &self,
        depth: u8,
        (size, kinds): (u64, usize),
        totals: &Totals,
        drawn: &Totals,
        elapsed: Duration,
    ) {
        if self.json {
            println!(
                "{}",
                json!({
                    "nodes": self.nodes,
                    "depth": depth,
                    "sets": self.sets,
                    "enumerated": size,
                    "after_symmetry": kinds,
                    "systematic": totals,
                    "sampled": drawn,
                    "seconds": elapsed.as_secs_f64(),
                })
            );
            return;
        }
        if depth > 0 {
            println!(
                "{} nodes, every schedule of {depth} rounds of at most {} sets: {size} before \
                 symmetry, {kinds} after; {}",
                self.nodes,
                self.sets,
                line(totals)
            );
        }
        if self.sample > 0 {
            println!(
                "{} nodes, drawn, up to {} rounds: {}",
                self.nodes,
                self.sample_depth,
                line(drawn)
            );
        }
        println!("took {:.1} s", elapsed.as_secs_f64());
    }
}

/// The totals in one line.
pub fn line(totals: &Totals) -> String {
    let again = match totals.renamed {
        0 => String::new(),
        renamed => format!(" ({renamed} of them for leading further than thought)"),
    };
    format!(
        "{} run{again}, up to term {}, {} commits, evidence against twins in {}, {} violations",
        totals.played,
        totals.highest_term,
        totals.commits,
        totals.convictions,
        totals.violations.len()
    )
}

/// The broken schedules, each with the command that replays it, on standard error.
pub fn failures(totals: &Totals) {
    for played in &totals.violations {
        eprintln!(
            "{}: {}\n  replay: cargo sim twins --schedule \"{}\" --trace",
            played.schedule,
            played.violation.as_deref().unwrap_or_default(),
            played.schedule
        );
    }
}
