//! Runs of whole seeds: a faulty phase, then a liveness phase.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ops::Range,
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use consensus::{Mode, NodeId, Time, mode::SizeError, mutation::Mutation};
use serde::Serialize;

use crate::{
    adversary::{BEHAVIOURS, Behaviour, Strategy},
    fault::{Fault, Profile},
    random::{Random, mix},
    signing::Signatures,
    simulation::{Blueprint, Simulation},
    trace::Trace,
    world::Happening,
};

/// Seeds with failures after which no further seed is begun.
const MOST_FAILURES: usize = 10;

/// Who is Byzantine.
#[derive(Clone, Copy)]
pub enum Adversaries {
    /// Nobody.
    Nobody,
    /// f nodes of another behaviour with each seed, now and then of two at once, and nobody every
    /// so often. In the Raft modes nobody.
    Rotating,
    /// f nodes of this behaviour.
    Of(&'static Behaviour),
    /// f nodes, each with another of these, from the first again when there are more nodes.
    Each(&'static [Strategy]),
}

/// What to run for each seed.
#[derive(Clone, Copy)]
pub struct Options {
    /// The mode.
    pub mode: Mode,
    /// How many nodes.
    pub nodes: usize,
    /// Simulated seconds until the clients stop; faults end after three quarters of them.
    pub seconds: u64,
    /// Requests a second.
    pub rate: u32,
    /// Who is Byzantine.
    pub adversaries: Adversaries,
    /// Which signatures; by default real ones for every twentieth seed.
    pub signatures: Option<Signatures>,
    /// The rule that the core breaks, to see that it is noticed; takes the feature `mutations`.
    pub mutation: Option<Mutation>,
}

/// What came of a seed.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The strategies of the Byzantine nodes.
    pub adversaries: Vec<String>,
    /// How many things happened.
    pub events: u64,
    /// Simulated microseconds.
    pub simulated_micros: u64,
    /// Entries committed.
    pub commits: u64,
    /// Requests answered.
    pub answered: u64,
    /// Terms with a leader, after the first.
    pub leader_changes: u64,
    /// Simulated microseconds that the slowest request took after the faults.
    pub longest_wait_micros: u64,
    /// The broken rule, if one was.
    pub violation: Option<String>,
}

/// Totals of many seeds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// How many seeds ran.
    pub seeds: u64,
    /// How many things happened.
    pub events: u64,
    /// Simulated microseconds.
    pub simulated_micros: u64,
    /// Entries committed.
    pub commits: u64,
    /// Requests answered.
    pub answered: u64,
    /// Leader changes.
    pub leader_changes: u64,
    /// Simulated microseconds that the slowest request of all took after the faults.
    pub longest_wait_micros: u64,
    /// In how many seeds each strategy was tried.
    pub adversaries: BTreeMap<String, u64>,
    /// Seeds in which a rule was broken, lowest first.
    pub violations: Vec<Outcome>,
}

impl Totals {
    /// Adds what came of a seed.
    pub fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        for name in &outcome.adversaries {
            *self.adversaries.entry(name.clone()).or_default() += 1;
        }
        self.events += outcome.events;
        self.simulated_micros += outcome.simulated_micros;
        self.commits += outcome.commits;
        self.answered += outcome.answered;
        self.leader_changes += outcome.leader_changes;
        self.longest_wait_micros = self.longest_wait_micros.max(outcome.longest_wait_micros);
        if outcome.violation.is_some() {
            self.violations.push(outcome);
            self.violations.sort_by_key(|one| one.seed);
        }
    }
}

impl Totals {
    /// Adds the totals of other seeds.
    pub fn join(&mut self, other: Self) {
        self.seeds += other.seeds;
        for (name, seeds) in other.adversaries {
            *self.adversaries.entry(name).or_default() += seeds;
        }
        self.events += other.events;
        self.simulated_micros += other.simulated_micros;
        self.commits += other.commits;
        self.answered += other.answered;
        self.leader_changes += other.leader_changes;
        self.longest_wait_micros = self.longest_wait_micros.max(other.longest_wait_micros);
        self.violations.extend(other.violations);
    }
}

/// Of a thousand Byzantine nodes of the rotation, so many do two things at once.
const PAIRS: u32 = 300;

/// A node that is Byzantine, and how.
type Traitor = (NodeId, Strategy);

fn traitors_of(options: &Options, faulty: usize, seed: u64) -> Vec<Traitor> {
    let mut random = Random::new(mix(seed) ^ 0xad);
    let main = match options.adversaries {
        Adversaries::Nobody => None,
        Adversaries::Of(behaviour) => Some(behaviour),
        Adversaries::Rotating if options.mode == Mode::Byzantine => {
            let choices = BEHAVIOURS.len() as u64 + 1;
            usize::try_from(seed % choices)
                .ok()
                .and_then(|choice| BEHAVIOURS.get(choice))
        }
        Adversaries::Each(strategies) => {
            let strategies = strategies.iter().copied().cycle();
            return nodes(&mut random, faulty, options.nodes, seed)
                .zip(strategies)
                .collect();
        }
        Adversaries::Rotating => None,
    };
    let Some(main) = main else {
        return Vec::new();
    };
    let rotating = matches!(options.adversaries, Adversaries::Rotating);
    nodes(&mut random, faulty, options.nodes, seed)
        .enumerate()
        .map(|(number, node)| {
            if !rotating {
                return (node, Strategy::from(main));
            }
            // Accomplices of another kind now and then.
            let other = number > 0 && random.chance(500);
            let drawn = random.pick(BEHAVIOURS).unwrap_or(main);
            let first = if other { drawn } else { main };
            let both = random.chance(PAIRS);
            let second = random.pick(BEHAVIOURS).filter(|_| both).unwrap_or(first);
            (node, Strategy::pair(first, second))
        })
        .collect()
}

/// Of a thousand seeds, in so many the Byzantine nodes lead one after the other.
const IN_A_ROW: u32 = 400;

/// `count` of `all` nodes.
fn nodes(
    random: &mut Random,
    count: usize,
    all: usize,
    seed: u64,
) -> impl Iterator<Item = NodeId> + use<> {
    let mut positions = random.sample(count, all);
    let mut row = Random::new(mix(seed) ^ 0x50);
    if count > 1 && row.chance(IN_A_ROW) {
        let first = row.position(all);
        positions = (first..first + count).map(|place| place % all).collect();
    }
    positions
        .into_iter()
        .map(|position| NodeId(u16::try_from(position).expect("few nodes")))
}

fn names(traitors: &[Traitor]) -> Vec<String> {
    let names = traitors.iter().map(|(_, strategy)| strategy.to_string());
    names.collect()
}

/// Who is Byzantine in a seed, and what each draws its particulars from. `count`: how many, if not
/// f.
pub(crate) fn cast(
    options: &Options,
    count: Option<usize>,
    seed: u64,
) -> Result<Vec<(NodeId, Strategy, Random)>, SizeError> {
    let sizes = consensus::FaultModel::new(options.mode, options.nodes)?;
    let count = count.unwrap_or(sizes.faulty()).min(options.nodes);
    let mut random = Random::new(mix(seed) ^ 0xbe);
    let cast = traitors_of(options, count, seed)
        .into_iter()
        .map(|(node, strategy)| {
            let before = random.clone();
            // What one draws, the next does not.
            drop(strategy.instance(&mut random));
            (node, strategy, before)
        });
    Ok(cast.collect())
}

/// The network of a seed.
pub(crate) fn blueprint(
    options: &Options,
    seed: u64,
    cast: &[(NodeId, Strategy, Random)],
    trace: Trace,
) -> Blueprint {
    let twentieth = seed % 20 == 19;
    Blueprint {
        mode: options.mode,
        nodes: options.nodes,
        signatures: options.signatures.unwrap_or(match twentieth {
            true => Signatures::Real,
            false => Signatures::StandIn,
        }),
        rate: options.rate,
        profile: Profile::draw(&mut Random::new(mix(seed) ^ 0xfa)),
        traitors: cast
            .iter()
            .map(|(node, strategy, random)| (*node, strategy.instance(&mut random.clone())))
            .collect(),
        trace,
    }
}

/// Runs one seed.
///
/// # Errors
/// [`SizeError`] if the mode cannot work with so many nodes.
pub fn seed(options: &Options, seed: u64, trace: Trace) -> Result<Outcome, SizeError> {
    #[cfg(feature = "mutations")]
    let _broken = consensus::mutation::activate(options.mutation);
    let cast = cast(options, None, seed)?;
    let blueprint = blueprint(options, seed, &cast, trace);
    let mut simulation = Simulation::new(blueprint, seed)?;
    let end = Time(options.seconds * 1_000_000);
    simulation
        .world
        .at(Time(end.0 / 4 * 3), Happening::Fault(Fault::Heal));
    simulation.run_until(end);
    simulation.settle();
    Ok(Outcome {
        seed,
        adversaries: cast
            .iter()
            .map(|(_, strategy, _)| strategy.to_string())
            .collect(),
        events: simulation.events,
        simulated_micros: simulation.world.now.0,
        commits: simulation.world.oracle.committed().0,
        answered: simulation.world.clients.answered,
        leader_changes: simulation.world.leader_changes(),
        longest_wait_micros: simulation.world.clients.longest_wait.0,
        violation: simulation.violation().map(ToString::to_string),
    })
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs one seed. A panic in it is a broken rule like any other.
///
/// # Errors
/// [`SizeError`] if the mode cannot work with so many nodes.
pub fn traced(options: &Options, number: u64, trace: Trace) -> Result<Outcome, SizeError> {
    let _quiet = Quiet::begin();
    caught(options, number, trace)
}

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Sync + Send>;

/// While this lives, panics are kept for the outcome and not printed.
pub(crate) struct Quiet(Option<Hook>);

impl Quiet {
    pub(crate) fn begin() -> Self {
        let before = panic::take_hook();
        panic::set_hook(Box::new(|info| {
            PANIC.set(Some(info.to_string().replace('\n', " ")));
        }));
        Self(Some(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            panic::set_hook(before);
        }
    }
}

/// Does something, and turns a panic in it into its message. Under [`Quiet`].
pub(crate) fn contained<R>(action: impl FnOnce() -> R) -> Result<R, String> {
    panic::catch_unwind(AssertUnwindSafe(action)).map_err(|_| PANIC.take().unwrap_or_default())
}

/// Runs one seed, with a panic as its violation. Under [`Quiet`].
pub(crate) fn caught(options: &Options, number: u64, trace: Trace) -> Result<Outcome, SizeError> {
    contained(|| seed(options, number, trace)).unwrap_or_else(|message| {
        let sizes = consensus::FaultModel::new(options.mode, options.nodes)?;
        Ok(Outcome {
            seed: number,
            adversaries: names(&traitors_of(options, sizes.faulty(), number)),
            events: 0,
            simulated_micros: 0,
            commits: 0,
            answered: 0,
            leader_changes: 0,
            longest_wait_micros: 0,
            violation: Some(format!("nothing panics (§ 12): {message}")),
        })
    })
}

/// Runs seeds on `jobs` threads and tells `progress` the totals a few times a second.
///
/// # Errors
/// [`SizeError`] if the mode cannot work with so many nodes.
pub fn seeds(
    options: &Options,
    range: Range<u64>,
    jobs: usize,
    progress: &(dyn Fn(&Totals) + Sync),
) -> Result<Totals, SizeError> {
    consensus::FaultModel::new(options.mode, options.nodes)?;
    let _quiet = Quiet::begin();
    let next = AtomicU64::new(range.start);
    let stop = AtomicBool::new(false);
    let state = Mutex::new((Totals::default(), Instant::now()));
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= range.end {
                break;
            }
            let outcome = caught(options, number, Trace::Off).expect("the size was checked");
            let mut state = state.lock().expect("no thread panics while it holds this");
            state.0.add(outcome);
            if state.0.violations.len() >= MOST_FAILURES {
                stop.store(true, Ordering::Relaxed);
            }
            if state.1.elapsed() > Duration::from_millis(200) {
                state.1 = Instant::now();
                progress(&state.0);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    Ok(state
        .into_inner()
        .expect("no thread panics while it holds this")
        .0)
}
