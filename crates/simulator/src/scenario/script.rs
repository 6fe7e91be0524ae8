//! What scripts need: a calm network whose messages are let through or lost one by one.

use std::sync::Arc;

use consensus::{
    Entry, EntryHeader, Message, NodeId, Term, Time,
    message::{Justification, PairReport, Report},
};

use super::faultless::Faultless;
use crate::{
    adversary::{Adversary, Tools},
    simulation::Simulation,
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
    stage_of(4, vec![traitor], director, trace)
}

/// As [`stage`], with so many nodes and traitors.
pub(super) fn stage_of(
    nodes: usize,
    traitors: Vec<(NodeId, Box<dyn Adversary>)>,
    director: Box<dyn Director>,
    trace: Trace,
) -> Simulation {
    let network = Faultless {
        nodes,
        traitors,
        director: Some(director),
        ..Faultless::FOUR
    };
    network.start(SEED, trace)
}

/// The report of a node that denies all it accepted.
pub(super) fn denial(tools: &Tools<'_>, truth: &Report) -> Report {
    Report {
        pair: PairReport {
            term: Term::ZERO,
            point: tools.configuration().opening(),
            headers: Vec::new(),
            justification: Justification::Opening,
        },
        accept: None,
        commit: None,
        ..truth.clone()
    }
}

/// The entry that stands beside one of the traitor's own: the same, a moment later.
pub(super) fn fork_of(tools: &Tools<'_>, entry: &Entry) -> Arc<Entry> {
    let header = EntryHeader {
        timestamp: entry.header().timestamp + 1,
        ..entry.header().clone()
    };
    tools.entry(header, entry.payloads.clone())
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
