//! Plays one schedule.

use consensus::{Mode, NodeId, Time, mutation::Mutation};
use serde::Serialize;

use super::schedule::{Round, Schedule};
use crate::{
    fault::Profile,
    network::Weather,
    signing::Signatures,
    simulation::{Blueprint, Simulation},
    trace::Trace,
};

/// How long a round lasts: long enough for one change of leaders, and not for two.
pub const ROUND: Time = Time::from_millis(2_500);
/// When clients ask in a round: of the leader that it begins with, and of the next.
const ASKED: [Time; 2] = [Time::from_millis(10), Time::from_millis(1_600)];

/// What came of a schedule.
#[derive(Clone, Debug, Serialize)]
pub struct Played {
    /// The schedule, as a text.
    pub schedule: String,
    /// The highest term of a correct node at the end of the rounds.
    pub term: u64,
    /// Whether a correct node holds evidence against a twin.
    pub accused: bool,
    /// Entries committed.
    pub commits: u64,
    /// Simulated microseconds.
    pub simulated_micros: u64,
    /// How many things happened.
    pub events: u64,
    /// The broken rule, if one was.
    pub violation: Option<String>,
}

/// Plays a schedule; `mutation` breaks a rule of the core, which takes the feature `mutations`.
#[must_use]
pub fn play(schedule: &Schedule, mutation: Option<Mutation>, trace: Trace) -> Played {
    #[cfg(feature = "mutations")]
    let _broken = consensus::mutation::activate(mutation);
    #[cfg(not(feature = "mutations"))]
    let _ = mutation;
    let blueprint = Blueprint {
        mode: Mode::Byzantine,
        nodes: schedule.nodes,
        signatures: Signatures::StandIn,
        rate: 0,
        profile: Profile {
            weather: Weather::TIMELY,
            kinds: Vec::new(),
            drift: 0,
        },
        traitors: Vec::new(),
        trace,
    };
    let mut simulation = Simulation::with_twins(blueprint, &schedule.twins, schedule.seed)
        .expect("a schedule's size is good");
    let mut payer = 0;
    for (number, round) in (0..).zip(&schedule.rounds) {
        let begin = Time(ROUND.0 * number);
        play_round(&mut simulation, round, begin, &mut payer);
    }
    let correct = |node: &NodeId| !schedule.twins.contains(node);
    let term = simulation
        .hosts
        .iter()
        .filter(|host| correct(&host.id()))
        .filter_map(|host| host.status())
        .map(|status| status.term.0)
        .max();
    simulation.unreached.clear();
    simulation.heal();
    let everybody: Vec<usize> = (0..simulation.hosts.len()).collect();
    simulation.ask_at(&everybody, 6, 7, 1);
    simulation.settle();
    let accused = &simulation.world.accused;
    let wronged: Vec<String> = accused
        .iter()
        .filter(|node| correct(node))
        .map(ToString::to_string)
        .collect();
    let violation = match simulation.violation() {
        Some(violation) => Some(violation.to_string()),
        None if !wronged.is_empty() => Some(format!(
            "nobody but the twins is accused (P7.3): {} is",
            wronged.join(", ")
        )),
        None => None,
    };
    Played {
        schedule: schedule.to_string(),
        term: term.unwrap_or_default(),
        accused: !accused.is_empty(),
        commits: simulation.world.oracle.committed().0,
        simulated_micros: simulation.world.now.0,
        events: simulation.events,
        violation,
    }
}

/// Clients ask each set that they reach for a payment of its own, so that two leaders with one key
/// have different things to propose.
fn play_round(simulation: &mut Simulation, round: &Round, begin: Time, payer: &mut u16) {
    simulation.world.network.divide(&round.sets);
    let reached = |set: &usize| round.reached[*set];
    simulation.unreached = (0..round.reached.len())
        .filter(|set| !reached(set))
        .flat_map(|set| round.seats(set))
        .collect();
    for asked in ASKED {
        simulation.run_until(begin.after(asked));
        for set in (0..round.reached.len()).filter(reached) {
            simulation.ask_at(&round.seats(set), *payer % 6, (*payer + 1) % 6, 1);
            *payer += 1;
        }
    }
    simulation.run_until(begin.after(ROUND));
}
