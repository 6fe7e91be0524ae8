//! Running a detector with the rule broken, and as far again with the rule whole.

use std::{
    num::NonZero,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use consensus::{
    Mode,
    mutation::{self, Mutation},
};

use super::{Detector, Entry, RATE, SECONDS, Seeds};
use crate::{
    adversary::Behaviour,
    conformance,
    run::{self, Adversaries, Options, Quiet},
    scenario, search,
    trace::Trace,
    twins::{self, Schedule},
};

/// What a detector reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// The seed, where there are seeds.
    pub seed: Option<u64>,
    /// How many seeds it took.
    pub after: u64,
    /// What happened.
    pub what: String,
}

/// What came of a detector.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What it reported while the rule was broken.
    pub caught: Option<Caught>,
    /// How long that took.
    pub elapsed: Duration,
    /// What it reported while the rule was whole: nothing, if all is well. It then tries at least
    /// the seeds that were tried before.
    pub false_alarm: Option<Caught>,
}

impl Attempt {
    /// Whether the detector told the broken rule from the whole one.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.caught.is_some() && self.false_alarm.is_none()
    }
}

/// Runs a detector for an entry, on as many threads as there are cores. `None`: it is a test of
/// some crate.
#[must_use]
pub fn attempt(entry: &Entry, detector: &Detector) -> Option<Attempt> {
    if detector.is_test() {
        return None;
    }
    let _quiet = Quiet::begin();
    let started = Instant::now();
    let caught = run(detector, Some(entry.mutation), u64::MAX);
    let elapsed = started.elapsed();
    let tried = caught.as_ref().map_or(u64::MAX, |caught| caught.after);
    let false_alarm = run(detector, None, tried);
    Some(Attempt {
        caught,
        elapsed,
        false_alarm,
    })
}

/// What a detector reports within its first `most` seeds.
fn run(detector: &Detector, mutation: Option<Mutation>, most: u64) -> Option<Caught> {
    match detector {
        Detector::Seeds(seeds) => {
            let options = options(seeds, mutation);
            first(&seeds.seeds, most, |seed| {
                run::caught(&options, seed, Trace::Off)
                    .unwrap_or_else(|error| panic!("{}: {error}", detector.describe()))
                    .violation
            })
        }
        Detector::Search { id, nodes, seeds } => {
            let search = search::find(id).unwrap_or_else(|| panic!("there is no search {id}"));
            first(seeds, most, |seed| {
                broken(mutation, || (search.run)(*nodes, seed))
            })
        }
        Detector::Scenario(id) => broken(mutation, || {
            let verdict = scenario::play(id, Trace::Off)
                .unwrap_or_else(|| panic!("there is no scenario {id}"));
            if verdict.holds {
                Ok(())
            } else {
                let line = verdict.lines.last().map_or("", |line| line);
                Err(line.strip_prefix("ours: ").unwrap_or(line).to_owned())
            }
        })
        .map(|what| Caught {
            seed: None,
            after: 1,
            what,
        }),
        Detector::Twins(text) => {
            let schedule: Schedule = text
                .parse()
                .unwrap_or_else(|error| panic!("twins {text}: {error}"));
            let violation = twins::play(&schedule, mutation, Trace::Off).violation;
            violation.map(|what| Caught {
                seed: None,
                after: 1,
                what,
            })
        }
        Detector::Replay(seeds) => {
            let options = Options {
                seconds: REPLAYED_SECONDS,
                rate: REPLAYED_RATE,
                ..options(&REPLAYED, mutation)
            };
            first(seeds, most, |seed| {
                let replayed = conformance::seed(&options, seed, Trace::Off)
                    .unwrap_or_else(|error| panic!("{}: {error}", detector.describe()));
                replayed.divergence.or(replayed.violation)
            })
        }
        Detector::Test { .. } => None,
    }
}

/// What `cargo sim conform` runs unless it is told otherwise.
const REPLAYED_SECONDS: u64 = 30;
const REPLAYED_RATE: u32 = 5;
const REPLAYED: Seeds = Seeds {
    mode: Mode::Byzantine,
    nodes: 4,
    adversary: "rotating",
    seeds: 0..0,
};

fn options(seeds: &Seeds, mutation: Option<Mutation>) -> Options {
    Options {
        mode: seeds.mode,
        nodes: seeds.nodes,
        seconds: SECONDS,
        rate: RATE,
        adversaries: match seeds.adversary {
            "none" => Adversaries::Nobody,
            "rotating" => Adversaries::Rotating,
            id => Adversaries::Of(
                Behaviour::find(id).unwrap_or_else(|| panic!("there is no adversary {id}")),
            ),
        },
        signatures: None,
        mutation,
    }
}

/// Does something while a rule is broken on this thread, and returns what went wrong.
fn broken(
    mutation: Option<Mutation>,
    action: impl FnOnce() -> Result<(), String>,
) -> Option<String> {
    let _broken = mutation::activate(mutation);
    match run::contained(action) {
        Ok(Ok(())) => None,
        Ok(Err(what)) => Some(what),
        Err(panic) => Some(format!("a panic: {panic}")),
    }
}

/// The lowest of the first `most` seeds at which something happens.
fn first(
    seeds: &Range<u64>,
    most: u64,
    happens: impl Fn(u64) -> Option<String> + Sync,
) -> Option<Caught> {
    let end = seeds.end.min(seeds.start.saturating_add(most));
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    let found: Mutex<Option<(u64, String)>> = Mutex::new(None);
    // Seeds are begun in order and ended once begun, so what is found lowest is the lowest.
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            let Some(what) = happens(seed) else { continue };
            stop.store(true, Ordering::Relaxed);
            let mut found = found.lock().expect("no thread panics while it holds this");
            if found.as_ref().is_none_or(|(lowest, _)| seed < *lowest) {
                *found = Some((seed, what));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    found
        .into_inner()
        .expect("no thread panics while it holds this")
        .map(|(seed, what)| Caught {
            seed: Some(seed),
            after: seed - seeds.start + 1,
            what,
        })
}
