//! Schedules that are drawn.

use consensus::{FaultModel, Mode, NodeId};

use super::schedule::{Round, Schedule};
use crate::random::{Random, mix};

/// What is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How many nodes. As many have twins as may be Byzantine.
    pub nodes: usize,
    /// The most rounds.
    pub depth: usize,
    /// The most sets of a round.
    pub sets: u8,
}

/// The schedule of a seed. `None`: no network of this size.
#[must_use]
pub fn sample(shape: Shape, seed: u64) -> Option<Schedule> {
    let sizes = FaultModel::new(Mode::Byzantine, shape.nodes).ok()?;
    let mut random = Random::new(mix(seed) ^ 0x7415);
    let twins: Vec<NodeId> = random
        .sample(sizes.faulty(), shape.nodes)
        .into_iter()
        .map(|node| NodeId(u16::try_from(node).expect("few nodes")))
        .collect();
    let seats = shape.nodes + twins.len();
    let depth = random.between(1, shape.depth.max(1) as u64);
    let rounds = (0..depth)
        .map(|_| {
            let sets = random.between(1, u64::from(shape.sets.max(1)));
            let sets: Vec<u8> = (0..seats)
                .map(|_| u8::try_from(random.below(sets)).expect("few sets"))
                .collect();
            let reached = random.number() | (1 << random.below(u64::from(shape.sets.max(1))));
            Round::new(&sets, |set| reached >> (set % 64) & 1 == 1)
        })
        .collect();
    Some(Schedule {
        nodes: shape.nodes,
        twins,
        rounds,
        seed,
    })
}
