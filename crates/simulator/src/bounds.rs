//! How long a request takes at most under every adversary and pair of them, in a timely network, beside
//! the bound that it may take ([`liveness_bound`]).

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use consensus::{FaultModel, Mode, Time, Timers, mode::SizeError};
use serde::Serialize;

use crate::{
    adversary::{BEHAVIOURS, Strategy},
    fault::Profile,
    network::Weather,
    random::Random,
    run::{Quiet, contained},
    signing::Signatures,
    simulation::{Blueprint, Simulation, liveness_bound},
    trace::Trace,
};

/// Requests a second, from all clients together.
const RATE: u32 = 20;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Measuring {
    /// How many seeds of each.
    pub seeds: u64,
    /// The first of them.
    pub from: u64,
    /// Simulated seconds a seed, until clients stop.
    pub seconds: u64,
    /// Threads.
    pub jobs: usize,
}

/// An adversary, or a pair of them, in a network.
#[derive(Clone)]
pub struct Case {
    /// How many nodes.
    pub nodes: usize,
    /// What the Byzantine nodes do, one after the other, from the first again.
    pub strategies: Vec<Strategy>,
}

impl Case {
    /// What the Byzantine nodes do, as `--adversary` reads it.
    #[must_use]
    pub fn adversary(&self) -> String {
        let names: Vec<String> = self.strategies.iter().map(ToString::to_string).collect();
        names.join(",")
    }
}

/// What came of a case.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What the Byzantine nodes do.
    pub adversary: String,
    /// How many nodes.
    pub nodes: usize,
    /// How many seeds.
    pub seeds: u64,
    /// Simulated microseconds that the slowest request took.
    pub longest_micros: u64,
    /// How many it may take.
    pub bound_micros: u64,
    /// Leader changes, over all seeds.
    pub leader_changes: u64,
    /// A broken rule, with its seed.
    pub violation: Option<String>,
}

impl Row {
    /// Whether everything was answered in time, and nothing else went wrong.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.violation.is_none() && self.longest_micros <= self.bound_micros
    }
}

/// Every adversary alone at f nodes, and if asked for every pair: in one node where there is only one
/// traitor, else in turns.
///
/// # Errors
/// [`SizeError`] if the Byzantine mode cannot work with so many nodes.
pub fn cases(nodes: usize, pairs: bool) -> Result<Vec<Case>, SizeError> {
    let faulty = FaultModel::new(Mode::Byzantine, nodes)?.faulty();
    let mut cases: Vec<Case> = BEHAVIOURS
        .iter()
        .map(|behaviour| Case {
            nodes,
            strategies: vec![Strategy::from(behaviour)],
        })
        .collect();
    if pairs {
        for (place, first) in BEHAVIOURS.iter().enumerate() {
            for second in &BEHAVIOURS[place + 1..] {
                let strategies = match faulty {
                    1 => vec![Strategy::pair(first, second)],
                    _ => vec![Strategy::from(first), Strategy::from(second)],
                };
                cases.push(Case { nodes, strategies });
            }
        }
    }
    Ok(cases)
}

struct Measured {
    longest: Time,
    leader_changes: u64,
    violation: Option<String>,
}

fn play(case: &Case, seconds: u64, seed: u64) -> Measured {
    let sizes = FaultModel::new(Mode::Byzantine, case.nodes).expect("the size was checked");
    let mut random = Random::new(seed ^ 0xb0);
    // The worst places: they lead the first f terms.
    let traitors = sizes
        .nodes()
        .take(sizes.faulty())
        .zip(case.strategies.iter().cycle())
        .map(|(node, strategy)| (node, strategy.instance(&mut random)))
        .collect();
    let blueprint = Blueprint {
        mode: Mode::Byzantine,
        nodes: case.nodes,
        signatures: Signatures::StandIn,
        rate: RATE,
        profile: Profile {
            weather: Weather::TIMELY,
            kinds: Vec::new(),
            drift: 0,
        },
        traitors,
        trace: Trace::Off,
    };
    let mut simulation = Simulation::new(blueprint, seed).expect("the size was checked");
    simulation.heal();
    simulation.run_until(Time(seconds * 1_000_000));
    simulation.settle();
    Measured {
        longest: simulation.world.clients.longest_wait,
        leader_changes: simulation.world.leader_changes(),
        violation: simulation.violation().map(ToString::to_string),
    }
}

fn row(measuring: &Measuring, case: &Case) -> Row {
    let sizes = FaultModel::new(Mode::Byzantine, case.nodes).expect("the size was checked");
    let mut row = Row {
        adversary: case.adversary(),
        nodes: case.nodes,
        seeds: 0,
        longest_micros: 0,
        bound_micros: liveness_bound(sizes, &Timers::DEFAULT, 0).0,
        leader_changes: 0,
        violation: None,
    };
    for seed in measuring.from..measuring.from.saturating_add(measuring.seeds) {
        row.seeds += 1;
        match contained(|| play(case, measuring.seconds, seed)) {
            Ok(measured) => {
                row.longest_micros = row.longest_micros.max(measured.longest.0);
                row.leader_changes += measured.leader_changes;
                let broken = measured
                    .violation
                    .map(|what| format!("seed {seed}: {what}"));
                row.violation = row.violation.or(broken);
            }
            Err(panic) => row.violation = Some(format!("seed {seed}: nothing panics: {panic}")),
        }
        if row.violation.is_some() {
            break;
        }
    }
    row
}

/// Measures cases and tells each result as it comes; `is_over` ends it before the next case. Returns
/// them in the order of the cases.
///
/// # Panics
/// If a size is none of the Byzantine mode.
pub fn measure(
    measuring: &Measuring,
    cases: &[Case],
    is_over: &(dyn Fn() -> bool + Sync),
    tell: &(dyn Fn(&Row) + Sync),
) -> Vec<Row> {
    let _quiet = Quiet::begin();
    let next = AtomicUsize::new(0);
    let rows: Mutex<Vec<(usize, Row)>> = Mutex::new(Vec::new());
    let work = || {
        while !is_over() {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(place) else { break };
            let row = row(measuring, case);
            tell(&row);
            let mut rows = rows.lock().expect("no thread panics while it holds this");
            rows.push((place, row));
        }
    };
    thread::scope(|scope| {
        for _ in 0..measuring.jobs.max(1) {
            scope.spawn(work);
        }
    });
    let mut rows = rows
        .into_inner()
        .expect("no thread panics while it holds this");
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_a_case() {
        let count = BEHAVIOURS.len();
        for (nodes, together) in [(4, true), (7, false)] {
            let cases = cases(nodes, true).unwrap();
            assert_eq!(cases.len(), count + count * (count - 1) / 2);
            assert_eq!(cases[count].adversary().contains('+'), together);
        }
        assert!(cases(3, false).is_err());
    }

    #[test]
    fn a_silent_leader_costs_time_within_the_bound() {
        let measuring = Measuring {
            seeds: 1,
            from: 0,
            seconds: 4,
            jobs: 1,
        };
        let silent = Strategy::read("silent").unwrap();
        let case = Case {
            nodes: 4,
            strategies: vec![silent],
        };
        let rows = measure(&measuring, &[case], &|| false, &|_| {});
        assert!(rows[0].holds(), "{:?}", rows[0]);
        assert!(rows[0].longest_micros > 500_000, "{:?}", rows[0]);
        let late = Row {
            longest_micros: rows[0].bound_micros + 1,
            ..rows[0].clone()
        };
        assert!(!late.holds());
    }
}
