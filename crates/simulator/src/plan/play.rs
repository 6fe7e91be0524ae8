//! Plays plans, and writes down what a seed plays.

use consensus::{Time, mode::SizeError};
use serde::Serialize;

use super::{Plan, PlanError, TraitorPlan, VERSION};
use crate::{
    fault::{Fault, Profile},
    random::Random,
    run::{self, Options, contained},
    signing::Signatures,
    simulation::{Blueprint, Simulation},
    trace::Trace,
    world::Happening,
};

/// The invariant that a panic breaks.
const NO_PANIC: &str = "nothing panics";

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The invariant.
    pub invariant: String,
    /// When, in simulated microseconds. `None` for a panic.
    pub at_micros: Option<u64>,
    /// What happened.
    pub story: String,
}

/// What came of a plan.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Played {
    /// How many things happened.
    pub events: u64,
    /// Simulated microseconds.
    pub simulated_micros: u64,
    /// Entries committed.
    pub commits: u64,
    /// Requests answered.
    pub answered: u64,
    /// The broken rule, if one was.
    pub broken: Option<Broken>,
}

fn outcome(simulation: &Simulation) -> Played {
    let broken = simulation.violation().map(|violation| Broken {
        invariant: violation.invariant.to_owned(),
        at_micros: Some(violation.at.0),
        story: violation.to_string(),
    });
    Played {
        events: simulation.events,
        simulated_micros: simulation.world.now.0,
        commits: simulation.world.oracle.committed().0,
        answered: simulation.world.clients.answered,
        broken,
    }
}

fn panicked(message: String) -> Played {
    Played {
        broken: Some(Broken {
            invariant: NO_PANIC.to_owned(),
            at_micros: None,
            story: format!("{NO_PANIC} (§ 12): {message}"),
        }),
        ..Played::default()
    }
}

/// Plays a plan. A panic is a broken rule like any other.
///
/// # Errors
/// [`PlanError`], if the plan cannot be played.
pub fn play(plan: &Plan, trace: Trace) -> Result<Played, PlanError> {
    let _quiet = run::Quiet::begin();
    play_quietly(plan, trace)
}

pub(crate) fn play_quietly(plan: &Plan, trace: Trace) -> Result<Played, PlanError> {
    let cast = plan.cast()?;
    let result = contained(|| {
        #[cfg(feature = "mutations")]
        let _broken = consensus::mutation::activate(cast.mutation);
        #[cfg(not(feature = "mutations"))]
        let _ = cast.mutation;
        let blueprint = Blueprint {
            mode: cast.mode,
            nodes: plan.nodes,
            signatures: cast.signatures,
            rate: plan.rate,
            profile: Profile {
                weather: plan.weather.into(),
                kinds: Vec::new(),
                drift: plan.drift,
            },
            traitors: cast
                .traitors
                .into_iter()
                .map(|(node, strategy, mut random)| (node, strategy.instance(&mut random)))
                .collect(),
            trace,
        };
        let mut simulation = Simulation::planned(blueprint, plan).expect("the size was checked");
        if let Some(delays) = plan.delays {
            simulation.world.network.draw_from(Random::new(delays));
        }
        finish(
            &mut simulation,
            Time(plan.heal_micros),
            Time(plan.end_micros),
        );
        outcome(&simulation)
    });
    Ok(result.unwrap_or_else(panicked))
}

fn finish(simulation: &mut Simulation, heal: Time, end: Time) {
    simulation.world.at(heal, Happening::Fault(Fault::Heal));
    simulation.run_until(end);
    simulation.settle();
}

/// Runs a seed and writes down what it decided. `traitors`: how many nodes are Byzantine, if not f.
///
/// # Errors
/// [`SizeError`] if the mode cannot work with so many nodes.
pub fn record(
    options: &Options,
    seed: u64,
    traitors: Option<usize>,
) -> Result<(Plan, Played), SizeError> {
    let _quiet = run::Quiet::begin();
    #[cfg(feature = "mutations")]
    let _broken = consensus::mutation::activate(options.mutation);
    let cast = run::cast(options, traitors, seed)?;
    let blueprint = run::blueprint(options, seed, &cast, Trace::Off);
    let end = Time(options.seconds * 1_000_000);
    let heal = Time(end.0 / 4 * 3);
    let mut plan = Plan {
        version: VERSION,
        breaks: None,
        mutation: options.mutation.map(|mutation| format!("{mutation:?}")),
        mode: options.mode.as_str().to_owned(),
        nodes: options.nodes,
        seed,
        delays: None,
        real_signatures: blueprint.signatures == Signatures::Real,
        rate: options.rate,
        weather: blueprint.profile.weather.into(),
        drift: blueprint.profile.drift,
        traitors: cast
            .into_iter()
            .map(|(node, strategy, random)| TraitorPlan {
                node: node.0,
                strategy: strategy.to_string(),
                random,
            })
            .collect(),
        acts: Vec::new(),
        requests: Vec::new(),
        heal_micros: heal.0,
        end_micros: end.0,
    };
    let mut simulation = Simulation::new(blueprint, seed)?;
    simulation.recording = Some(super::Recording::default());
    let played = contained(|| {
        finish(&mut simulation, heal, end);
        outcome(&simulation)
    })
    .unwrap_or_else(panicked);
    let recording = simulation.recording.take().unwrap_or_default();
    plan.acts = recording.acts;
    plan.requests = recording.requests;
    plan.breaks = played
        .broken
        .as_ref()
        .map(|broken| broken.invariant.clone());
    Ok((plan, played))
}
