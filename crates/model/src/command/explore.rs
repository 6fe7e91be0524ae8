//! Random walks.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Args;
use model::safety::{
    Variation,
    check::Counterexample,
    walk::{Course, walk},
};
use serde_json::{Value, json};
use terminal::exit::Code;

use super::{code, cores, print_steps, rate, sizes};

/// Walks at random, seed after seed, led to where forks would be.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many nodes; more than one size, one after another.
    #[arg(long, value_delimiter = ',', default_value = "4,5,6,7,9,10")]
    nodes: Vec<usize>,
    /// Walks of each size.
    #[arg(long, default_value_t = 10_000)]
    walks: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Terms of a walk.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    terms: u16,
    /// Entries of one term beyond its base, at most.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=32))]
    entries: u32,
    /// Leaders also make stop signs, in every second walk.
    #[arg(long)]
    stop_signs: bool,
    /// Breaks a rule: a name of `cargo model mutations --list`.
    #[arg(long, default_value = "as-written", value_name = "NAME")]
    variation: Variation,
    /// How many threads [default: one for each core].
    #[arg(long)]
    threads: Option<usize>,
    /// Prints the steps to a violation.
    #[arg(long)]
    trace: bool,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What many walks of one size came to.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    pub nodes: usize,
    pub walks: u64,
    pub steps: u64,
    pub refused: u64,
    pub committed: u64,
    pub elected: u64,
    pub elapsed: Duration,
    /// The lowest seed that found a violation.
    pub counterexample: Option<(u64, Counterexample)>,
}

impl Explored {
    /// Takes in another turn of the same size.
    pub fn add(&mut self, other: Self) {
        self.walks += other.walks;
        self.steps += other.steps;
        self.refused += other.refused;
        self.committed += other.committed;
        self.elected += other.elected;
        self.elapsed += other.elapsed;
        if self.counterexample.is_none() {
            self.counterexample = other.counterexample;
        }
    }

    /// The totals in one line.
    pub fn line(&self) -> String {
        let verdict = self.counterexample.as_ref().map_or_else(
            || "no violation".to_owned(),
            |(seed, found)| format!("seed {seed}: {} after {} steps", found.name, found.steps()),
        );
        format!(
            "n = {}: {} walks, {} steps taken, {} refused, {} elections, {} points committed, \
             {:.1} s, {:.0} steps a second: {verdict}",
            self.nodes,
            self.walks,
            self.steps,
            self.refused,
            self.elected,
            self.committed,
            self.elapsed.as_secs_f64(),
            rate(self.steps, self.elapsed),
        )
    }

    /// The totals as JSON.
    pub fn json(&self) -> Value {
        let found = self.counterexample.as_ref();
        json!({
            "nodes": self.nodes,
            "walks": self.walks,
            "steps": self.steps,
            "refused": self.refused,
            "elections": self.elected,
            "committed": self.committed,
            "seconds": self.elapsed.as_secs_f64(),
            "steps_per_second": rate(self.steps, self.elapsed),
            "seed": found.map(|(seed, _)| seed),
            "violation": found.map(|(_, found)| found.name),
            "trace": found.map(|(_, found)| &found.lines),
        })
    }
}

impl Arguments {
    /// Walks and prints.
    ///
    /// # Errors
    /// Sizes that make no network.
    pub fn run(&self) -> Result<Code, String> {
        let mut results = Vec::new();
        for &nodes in &self.nodes {
            sizes(nodes)?;
            let course = Course {
                terms: self.terms,
                entries: self.entries as usize,
                stop_signs: self.stop_signs,
            };
            let threads = self.threads.unwrap_or_else(cores).max(1);
            let explored = walks(
                nodes,
                self.variation,
                course,
                self.seed,
                self.walks,
                threads,
            );
            if !self.json {
                println!("{}", explored.line());
                if let (true, Some((_, found))) = (self.trace, &explored.counterexample) {
                    print_steps(found);
                }
            }
            results.push(explored);
        }
        let holds = results.iter().all(|one| one.counterexample.is_none());
        if self.json {
            let sizes: Vec<_> = results.iter().map(Explored::json).collect();
            println!("{}", json!({ "sizes": sizes, "holds": holds }));
        } else if holds && self.variation == Variation::AsWritten {
            println!("next: cargo model mutations");
        } else if !holds && !self.trace {
            println!("next: the same with --trace");
        }
        Ok(code(holds))
    }
}

/// Walks seeds on several threads, until one finds a violation or all are done.
pub fn walks(
    nodes: usize,
    variation: Variation,
    course: Course,
    first: u64,
    count: u64,
    threads: usize,
) -> Explored {
    let started = Instant::now();
    let next = AtomicU64::new(0);
    let total = Mutex::new(Explored {
        nodes,
        ..Explored::default()
    });
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = Explored::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let seed = first.wrapping_add(number);
                    // Without stop signs more of a walk is left to fork.
                    let course = Course {
                        stop_signs: course.stop_signs && seed.is_multiple_of(2),
                        ..course
                    };
                    let Some(walked) = walk(nodes, variation, course, seed) else {
                        break;
                    };
                    own.walks += 1;
                    own.steps += walked.actions.len() as u64;
                    own.refused += walked.refused as u64;
                    own.committed += walked.committed as u64;
                    own.elected += walked.elected as u64 - 1;
                    if let Some(violation) = walked.violation {
                        next.store(count, Ordering::Relaxed);
                        let name = violation.name();
                        let found = Counterexample::new(&walked.protocol, &walked.actions, name);
                        own.counterexample = Some((seed, found));
                    }
                }
                if let Ok(mut total) = total.lock() {
                    total.add(own);
                }
            });
        }
    });
    let mut total = total.into_inner().unwrap_or_else(|held| held.into_inner());
    total.elapsed = started.elapsed();
    total
}
