//! What correct clients get done under an attack, beside what they get done undisturbed: same seed,
//! same load, virtual time.

use consensus::{FaultModel, Mode, Time};
use serde::Serialize;

use super::{Means, all};
use crate::{
    adversary::Strategy,
    fault::Profile,
    network::Weather,
    random::Random,
    signing::Signatures,
    simulation::{Blueprint, Simulation},
    trace::Trace,
};

/// Requests of each account that are under way at any time.
const EACH: u16 = 1;

/// The share that correct clients keep at least, unless a reason is given.
pub const SHARE: f64 = 0.5;

/// Attacks that may take more than half, and why: none at present.
static REASONS: &[(&str, &str)] = &[];

/// The throughput under one attack.
#[derive(Clone, Debug, Serialize)]
pub struct Throughput {
    /// What the Byzantine nodes do, as `--adversary` reads it.
    pub adversary: String,
    /// How many nodes.
    pub nodes: usize,
    /// Requests answered a simulated second, undisturbed.
    pub undisturbed: f64,
    /// Requests answered a simulated second, under attack.
    pub attacked: f64,
    /// Their ratio over all seeds.
    pub ratio: f64,
    /// The smallest ratio of a seed.
    pub worst: f64,
    /// Leader changes under attack, over all seeds.
    pub leader_changes: u64,
    /// Why less than [`SHARE`] is to be expected, if it is.
    pub reason: Option<&'static str>,
    /// A broken rule.
    pub violation: Option<String>,
}

impl Throughput {
    /// Whether correct clients keep their share, or there is a reason why not.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violation.is_none() && (self.ratio >= SHARE || self.reason.is_some())
    }
}

struct Measured {
    answered: u64,
    leader_changes: u64,
    violation: Option<String>,
}

fn measure(nodes: usize, strategies: &[Strategy], seconds: u64, seed: u64) -> Measured {
    let sizes = FaultModel::new(Mode::Byzantine, nodes).expect("attacks have enough nodes");
    let mut random = Random::new(seed ^ 0x7a);
    // The worst places: they lead the first f terms.
    let traitors = sizes
        .nodes()
        .take(sizes.faulty())
        .zip(strategies.iter().cycle())
        .map(|(node, strategy)| (node, strategy.instance(&mut random)))
        .collect();
    let blueprint = Blueprint {
        mode: Mode::Byzantine,
        nodes,
        signatures: Signatures::StandIn,
        rate: 0,
        profile: Profile {
            weather: Weather::TIMELY,
            kinds: Vec::new(),
            drift: 0,
        },
        traitors,
        trace: Trace::Off,
    };
    let mut simulation = Simulation::new(blueprint, seed).expect("attacks have enough nodes");
    simulation.saturate(EACH);
    simulation.run_until(Time(seconds * 1_000_000));
    Measured {
        answered: simulation.world.clients.answered,
        leader_changes: simulation.world.leader_changes(),
        violation: simulation.violation().map(ToString::to_string),
    }
}

/// Every set of behaviours that an attack names, once.
fn sets() -> Vec<(usize, &'static str)> {
    let mut sets = Vec::new();
    for attack in all() {
        for means in attack.means {
            if let Means::Behave(nodes, behaviours) = *means
                && !sets.contains(&(nodes, behaviours))
            {
                sets.push((nodes, behaviours));
            }
        }
    }
    sets.sort_unstable();
    sets
}

/// Measures every attack that is made of behaviours, and tells each result as it comes.
///
/// # Panics
/// If an attack names a behaviour that does not exist.
pub fn throughput(seconds: u64, seeds: u64, tell: &mut dyn FnMut(&Throughput)) -> Vec<Throughput> {
    let mut results: Vec<Throughput> = Vec::new();
    let mut undisturbed: Vec<u64> = Vec::new();
    let mut size = 0;
    for (nodes, behaviours) in sets() {
        if nodes != size {
            size = nodes;
            undisturbed = (0..seeds)
                .map(|seed| measure(nodes, &[], seconds, seed).answered)
                .collect();
        }
        let strategies = Strategy::read_list(behaviours).expect("the list names behaviours");
        let attacked: Vec<Measured> = (0..seeds)
            .map(|seed| measure(nodes, &strategies, seconds, seed))
            .collect();
        let result = compare(nodes, behaviours, seconds, &undisturbed, &attacked);
        tell(&result);
        results.push(result);
    }
    results
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are far below 2^52"
)]
fn compare(
    nodes: usize,
    behaviours: &str,
    seconds: u64,
    undisturbed: &[u64],
    attacked: &[Measured],
) -> Throughput {
    let share = |attacked: u64, whole: u64| attacked as f64 / (whole.max(1)) as f64;
    let whole: u64 = undisturbed.iter().sum();
    let answered: u64 = attacked.iter().map(|one| one.answered).sum();
    let span = (seconds * undisturbed.len() as u64) as f64;
    let worst = attacked
        .iter()
        .zip(undisturbed)
        .map(|(one, &whole)| share(one.answered, whole))
        .fold(f64::INFINITY, f64::min);
    let reason = REASONS.iter().find(|(name, _)| *name == behaviours);
    Throughput {
        adversary: behaviours.to_owned(),
        nodes,
        undisturbed: whole as f64 / span,
        attacked: answered as f64 / span,
        ratio: share(answered, whole),
        worst,
        leader_changes: attacked.iter().map(|one| one.leader_changes).sum(),
        reason: reason.map(|(_, reason)| *reason),
        violation: attacked.iter().find_map(|one| one.violation.clone()),
    }
}
