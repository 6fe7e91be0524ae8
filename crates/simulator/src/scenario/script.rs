//! What scripts need: a calm network whose messages are let through or lost one by one.

use consensus::{Message, Mode, NodeId, Time};

use crate::{
    adversary::Adversary,
    fault::Profile,
    network::Weather,
    signing::Signatures,
    simulation::{Blueprint, Simulation},
    trace::Trace,
    world::Director,
};

/// The seed of every script; nothing of interest depends on it.
const SEED: u64 = 0;

/// Four nodes in Byzantine mode, one of them a traitor, no clients but those of the script.
pub(super) fn stage(
    traitor: (NodeId, Box<dyn Adversary>),
    director: Box<dyn Director>,
    trace: Trace,
) -> Simulation {
    let blueprint = Blueprint {
        mode: Mode::Byzantine,
        nodes: 4,
        signatures: Signatures::Real,
        rate: 0,
        profile: Profile {
            weather: Weather::TIMELY,
            kinds: Vec::new(),
            drift: 0,
        },
        traitors: vec![traitor],
        trace,
    };
    let mut simulation = Simulation::new(blueprint, SEED).expect("four nodes are enough");
    simulation.world.director = Some(director);
    simulation
}

/// A director that is a function.
pub(super) struct Rules<F>(pub(super) F);

impl<F> Director for Rules<F>
where
    F: FnMut(Time, NodeId, NodeId, &Message) -> bool + Send,
{
    fn permits(&mut self, now: Time, from: NodeId, to: NodeId, message: &Message) -> bool {
        (self.0)(now, from, to, message)
    }
}
