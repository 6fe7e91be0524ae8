//! Networks in which nothing goes wrong but what a script does.

use consensus::{Mode, NodeId};

use crate::{
    adversary::Adversary,
    fault::Profile,
    network::Weather,
    signing::Signatures,
    simulation::{Blueprint, Simulation},
    trace::Trace,
    world::Director,
};

/// What a script may choose.
pub(super) struct Faultless {
    pub(super) mode: Mode,
    pub(super) nodes: usize,
    /// How messages travel.
    pub(super) weather: Weather,
    /// Requests a second, besides those of the script.
    pub(super) rate: u32,
    pub(super) traitors: Vec<(NodeId, Box<dyn Adversary>)>,
    /// Which messages are lost.
    pub(super) director: Option<Box<dyn Director>>,
}

impl Faultless {
    /// Four correct nodes in Byzantine mode that nobody asks for anything.
    pub(super) const FOUR: Self = Self {
        mode: Mode::Byzantine,
        nodes: 4,
        weather: Weather::TIMELY,
        rate: 0,
        traitors: Vec::new(),
        director: None,
    };

    /// Starts the network.
    pub(super) fn start(self, seed: u64, trace: Trace) -> Simulation {
        let blueprint = Blueprint {
            mode: self.mode,
            nodes: self.nodes,
            signatures: Signatures::Real,
            rate: self.rate,
            profile: Profile {
                weather: self.weather,
                kinds: Vec::new(),
                drift: 0,
            },
            traitors: self.traitors,
            trace,
        };
        let mut simulation = Simulation::new(blueprint, seed).expect("the mode allows the size");
        simulation.world.director = self.director;
        simulation
    }
}

/// Ends the script: whatever is lost so far, from now on the network is whole, and everything that
/// was asked must be done in time, with no rule broken.
pub(super) fn settled(simulation: &mut Simulation) -> Result<(), String> {
    simulation.heal();
    simulation.settle();
    match simulation.violation() {
        Some(violation) => Err(violation.to_string()),
        None => Ok(()),
    }
}
