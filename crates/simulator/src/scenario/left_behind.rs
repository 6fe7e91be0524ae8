//! The leader changes while one node is cut off, and afterwards nobody needs that node.
//!
//! The new leader is a traitor that serves everybody but the node that was cut off. Everybody else
//! is content and silent; the node suspects a leader that was deposed long ago. Only if it is
//! answered does it learn where the network is.

use std::sync::Arc;

use consensus::{Message, NodeId, Term, Time, event::Recipient};

use super::{
    Script,
    faultless::{Faultless, settled},
    script::Rules,
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "left-behind",
    rule: "P4.3, P3.7",
    summary: "a node misses a leader change, and the new leader shuns it in a network that is quiet",
    published: "",
    play: missed_change,
}];

const FIRST_LEADER: NodeId = NodeId(0);
/// Leads term 1.
const TRAITOR: NodeId = NodeId(1);
const LATE: NodeId = NodeId(3);

/// The others have a new leader.
const CHANGED: Time = Time::from_millis(3_000);
/// They committed a request and are quiet.
const QUIET: Time = Time::from_millis(6_000);

/// Serves everybody but one.
struct Shuns(NodeId);

impl Adversary for Shuns {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        for node in tools.recipients(to) {
            if node != self.0 {
                tools.send(node, Arc::clone(message));
            }
        }
    }
}

/// Term 0 commits nothing, and the late node is cut off for so long.
fn permits(now: Time, from: NodeId, to: NodeId, message: &Message) -> bool {
    let apart = now < QUIET && (from == LATE || to == LATE);
    let first_votes = matches!(message, Message::Vote(_)) && message.term() == Some(Term::ZERO);
    !apart && !first_votes
}

fn missed_change(trace: Trace) -> Result<String, String> {
    let mut simulation = Faultless {
        traitors: vec![(TRAITOR, Box::new(Shuns(LATE)))],
        director: Some(Box::new(Rules(permits))),
        ..Faultless::FOUR
    }
    .start(0, trace);
    simulation.run_until(CHANGED);
    let term_of = |simulation: &crate::simulation::Simulation, node: NodeId| {
        simulation.hosts[node.position()]
            .status()
            .map(|status| status.term)
    };
    let request = simulation.ask(FIRST_LEADER, 0, 1, 5);
    simulation.run_until(QUIET);
    if simulation.outcome_at(FIRST_LEADER, &request).is_none()
        || term_of(&simulation, FIRST_LEADER) == Some(Term::ZERO)
        || term_of(&simulation, LATE) != Some(Term::ZERO)
    {
        return Err("the script failed: the others should have gone on without it".to_owned());
    }
    settled(&mut simulation)?;
    if simulation.outcome_at(LATE, &request).is_none() {
        return Err(format!("{LATE} is still behind"));
    }
    Ok(format!(
        "{LATE} came from term 0 to the others' and holds what they committed"
    ))
}
