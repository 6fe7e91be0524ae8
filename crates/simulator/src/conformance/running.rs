//! Seeds that are replayed.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use consensus::{Mode, Time, mode::SizeError};
use serde::Serialize;

use crate::{
    fault::Fault,
    run::{self, Options},
    simulation::Simulation,
    trace::Trace,
    world::Happening,
};

/// Seeds with failures after which no further seed is begun.
const MOST_FAILURES: usize = 10;

/// What came of a seed.
#[derive(Clone, Debug, Serialize)]
pub struct Replayed {
    /// The seed.
    pub seed: u64,
    /// The strategies of the Byzantine nodes.
    pub adversaries: Vec<String>,
    /// How many steps of each kind the model took.
    pub steps: BTreeMap<&'static str, u64>,
    /// How far the network committed.
    pub commits: u64,
    /// Where code and model went different ways.
    pub divergence: Option<String>,
    /// Another broken rule, which ended the run.
    pub violation: Option<String>,
}

/// Totals of many seeds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// How many traces were replayed.
    pub traces: u64,
    /// How many steps of each kind the model took.
    pub steps: BTreeMap<&'static str, u64>,
    /// Entries committed.
    pub commits: u64,
    /// Seeds that diverged or broke another rule, lowest first.
    pub failures: Vec<Replayed>,
}

impl Totals {
    /// Adds what came of a seed.
    pub fn add(&mut self, replayed: Replayed) {
        self.traces += 1;
        self.commits += replayed.commits;
        for (kind, count) in &replayed.steps {
            *self.steps.entry(kind).or_default() += count;
        }
        if replayed.divergence.is_some() || replayed.violation.is_some() {
            self.failures.push(replayed);
            self.failures.sort_by_key(|one| one.seed);
        }
    }

    /// Adds the totals of other seeds.
    pub fn join(&mut self, other: Self) {
        self.traces += other.traces;
        self.commits += other.commits;
        for (kind, count) in other.steps {
            *self.steps.entry(kind).or_default() += count;
        }
        self.failures.extend(other.failures);
    }

    /// All steps.
    #[must_use]
    pub fn all_steps(&self) -> u64 {
        self.steps.values().sum()
    }

    /// How many traces diverged.
    #[must_use]
    pub fn divergences(&self) -> usize {
        let diverged = |one: &&Replayed| one.divergence.is_some();
        self.failures.iter().filter(diverged).count()
    }
}

/// The f nodes whose steps the model does not follow: the traitors and, where there are fewer,
/// others, which change from seed to seed.
fn byzantine(nodes: usize, faulty: usize, traitors: &[usize], seed: u64) -> Vec<usize> {
    let mut chosen = traitors.to_vec();
    let first = usize::try_from(seed % nodes as u64).unwrap_or(0);
    for node in (first..nodes).chain(0..first) {
        if chosen.len() < faulty && !chosen.contains(&node) {
            chosen.push(node);
        }
    }
    chosen
}

/// Runs one seed beside the model.
///
/// # Errors
/// [`SizeError`] if Byzantine mode cannot work with so many nodes.
///
/// # Panics
/// If the options are for another mode.
pub fn seed(options: &Options, seed: u64, trace: Trace) -> Result<Replayed, SizeError> {
    assert_eq!(options.mode, Mode::Byzantine, "the model has no other mode");
    #[cfg(feature = "mutations")]
    let _broken = consensus::mutation::activate(options.mutation);
    let sizes = consensus::FaultModel::new(options.mode, options.nodes)?;
    let cast = run::cast(options, None, seed)?;
    let traitors: Vec<usize> = cast.iter().map(|(node, ..)| node.position()).collect();
    let byzantine = byzantine(options.nodes, sizes.faulty(), &traitors, seed);
    let blueprint = run::blueprint(options, seed, &cast, trace);
    let mut simulation = Simulation::replayed(blueprint, &byzantine, seed)?;
    let end = Time(options.seconds * 1_000_000);
    simulation
        .world
        .at(Time(end.0 / 4 * 3), Happening::Fault(Fault::Heal));
    simulation.run_until(end);
    simulation.settle();
    let replay = simulation.world.replay.take();
    let replay = replay.expect("f nodes were named");
    let divergence = replay.divergence().map(ToString::to_string);
    let violation = simulation.violation().map(ToString::to_string);
    Ok(Replayed {
        seed,
        adversaries: cast
            .iter()
            .map(|(_, strategy, _)| strategy.to_string())
            .collect(),
        steps: replay.steps().clone(),
        commits: simulation.world.oracle.committed().0,
        violation: violation.filter(|found| Some(found) != divergence.as_ref()),
        divergence,
    })
}

fn caught(options: &Options, number: u64) -> Result<Replayed, SizeError> {
    run::contained(|| seed(options, number, Trace::Off)).unwrap_or_else(|message| {
        Ok(Replayed {
            seed: number,
            adversaries: Vec::new(),
            steps: BTreeMap::new(),
            commits: 0,
            divergence: None,
            violation: Some(format!("nothing panics (§ 12): {message}")),
        })
    })
}

/// Runs seeds on `jobs` threads and tells `progress` the totals after each.
///
/// # Errors
/// [`SizeError`] if Byzantine mode cannot work with so many nodes.
///
/// # Panics
/// If the options are for another mode.
pub fn seeds(
    options: &Options,
    range: Range<u64>,
    jobs: usize,
    progress: &(dyn Fn(&Totals) + Sync),
) -> Result<Totals, SizeError> {
    consensus::FaultModel::new(options.mode, options.nodes)?;
    let _quiet = run::Quiet::begin();
    let next = AtomicU64::new(range.start);
    let stop = AtomicBool::new(false);
    let state = Mutex::new(Totals::default());
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= range.end {
                break;
            }
            let replayed = caught(options, number).expect("the size was checked");
            let mut state = state.lock().expect("no thread panics while it holds this");
            state.add(replayed);
            if state.failures.len() >= MOST_FAILURES {
                stop.store(true, Ordering::Relaxed);
            }
            progress(&state);
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    Ok(state
        .into_inner()
        .expect("no thread panics while it holds this"))
}
