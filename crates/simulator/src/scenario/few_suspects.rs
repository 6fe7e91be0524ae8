//! One correct node cannot hear its leader, and f traitors suspect with it and would leave, for ever. The leader
//! serves everybody else, and stays.

use consensus::{
    Message, NodeId, Term, Time,
    event::Recipient,
    message::{Leave, Reason, Suspect},
};

use super::{
    Script,
    script::{Rules, stage},
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "few-suspects",
    rule: "P4.2, P4.3",
    summary: "a node that cannot hear the leader and a traitor suspect it for ever; it stays",
    published: "",
    play,
}];

const LEADER: NodeId = NodeId(0);
/// Hears nothing of the leader.
const DEAF: NodeId = NodeId(2);
const TRAITOR: NodeId = NodeId(3);

/// Suspects whoever leads.
struct Suspecting;

impl Adversary for Suspecting {
    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        let suspect = tools.sign(Suspect {
            epoch: tools.configuration().epoch(),
            term,
            commit: tools.configuration().opening(),
            uncommitted: None,
            reason: Reason::Silent,
        });
        tools.pass(Recipient::Others, &suspect);
        let leave = tools.sign(Leave {
            epoch: tools.configuration().epoch(),
            term,
            reason: Reason::Silent,
            followed: false,
        });
        tools.pass(Recipient::Others, &leave);
    }
}

fn play(trace: Trace) -> Result<String, String> {
    let rules = Rules(|_, from, to, _: &Message| from != LEADER || to != DEAF);
    let traitor = (TRAITOR, Box::new(Suspecting) as Box<dyn Adversary>);
    let mut simulation = stage(traitor, Box::new(rules), trace);
    let mut keys = Vec::new();
    for second in 1..=20_u64 {
        simulation.run_until(Time::from_millis(second * 1_000));
        keys.push(simulation.ask(NodeId(1), 0, 1, 1));
    }
    simulation.run_until(Time::from_millis(25_000));
    if let Some(violation) = simulation.violation() {
        return Err(violation.to_string());
    }
    let changes = simulation.world.leader_changes();
    if changes > 0 {
        return Err(format!(
            "{changes} leader changes, though f + 1 nodes only suspect"
        ));
    }
    if let Some(key) = keys
        .iter()
        .find(|key| simulation.outcome_at(DEAF, key).is_none())
    {
        return Err(format!("{DEAF} lacks request {}", key.nonce));
    }
    Ok(format!(
        "no leader change in 25 s, and {DEAF} has all {} requests",
        keys.len()
    ))
}
