//! A9, A10, A11, A12, A16: complaints against a good leader, a starved node, a deposed leader that
//! does not know it, uneven batches.

use std::sync::Arc;

use consensus::{Message, NodeId, Term, Time, event::Recipient};

use super::{
    Script,
    checks::{all_hold, ask_often, nobody_left, pass},
    faultless::{Faultless, settled},
    script::Rules,
};
use crate::{
    adversary::{Adversary, Behaviour, Tools},
    random::Random,
    trace::Trace,
    world::Happening,
};

pub(super) static SCRIPTS: &[Script] = &[
    Script {
        id: "complaint-abuse",
        rule: "P6.2, P6.3",
        summary: "clients complain of every request at once, a node echoes all complaints, and the leader serves them",
        published: "A9",
        play: complaint_abuse,
    },
    Script {
        id: "starved-node",
        rule: "P3.7, P4.3",
        summary: "the leader shuns one node for long and then falls silent; the node must be neither behind nor ahead",
        published: "A10",
        play: starved_node,
    },
    Script {
        id: "deposed-leader",
        rule: "P3.4, P4.3",
        summary: "an honest leader goes on in a term that the others have left, hearing nobody",
        published: "A11",
        play: deposed_leader,
    },
    Script {
        id: "uneven-batches",
        rule: "P2.6, P3.7",
        summary: "one node is silent, and two others never get the same entry messages",
        published: "A12",
        play: uneven_batches,
    },
];

fn complaint_abuse(trace: Trace) -> Result<String, String> {
    let flooder = Behaviour::find("complaint-flooder").ok_or("no such behaviour")?;
    let mut simulation = Faultless {
        traitors: vec![(NodeId(3), flooder.instance(&mut Random::new(9)))],
        ..Faultless::FOUR
    }
    .start(9, trace);
    let mut requests = Vec::new();
    for number in 0..100 {
        pass(&mut simulation, 100);
        let request = simulation.ask(NodeId(number % 3), number % 8, 1, 1);
        requests.push(request);
        // The complaint comes before the leader had any chance, at every node.
        simulation
            .world
            .after(Time(1), Happening::AskAgain(request));
    }
    pass(&mut simulation, 500);
    nobody_left(&simulation, Term::ZERO)?;
    all_hold(&simulation, &requests)?;
    settled(&mut simulation)?;
    Ok("100 complaints, and as many from the flooder each second, depose nobody".to_owned())
}

/// Leads, serves everybody but n2, and stops after ten seconds.
struct Shunning;

const STOPS: Time = Time::from_millis(10_000);
const SHUNNED: NodeId = NodeId(2);

impl Adversary for Shunning {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        if tools.now >= STOPS {
            return;
        }
        for node in tools.recipients(to) {
            if node != SHUNNED {
                tools.send(node, Arc::clone(message));
            }
        }
    }
}

fn starved_node(trace: Trace) -> Result<String, String> {
    let mut simulation = Faultless {
        traitors: vec![(NodeId(0), Box::new(Shunning))],
        ..Faultless::FOUR
    }
    .start(10, trace);
    let mut requests = ask_often(&mut simulation, NodeId(1), 95, 100);
    simulation.run_until(STOPS);
    nobody_left(&simulation, Term::ZERO)?;
    all_hold(&simulation, &requests)?;
    requests.extend(ask_often(&mut simulation, NodeId(1), 1, 10));
    // A second of silence, the leader change, and the request has a leader again.
    pass(&mut simulation, 3_000);
    all_hold(&simulation, &requests)?;
    settled(&mut simulation)?;
    Ok(format!(
        "the shunned node keeps up in term 0 for ten seconds; {} leader change within three seconds of silence",
        simulation.world.leader_changes()
    ))
}

fn deposed_leader(trace: Trace) -> Result<String, String> {
    let deaf = |now: Time, _: NodeId, to: NodeId, _: &Message| {
        to != NodeId(0) || !(1_000..8_000).contains(&(now.0 / 1_000))
    };
    let mut simulation = Faultless {
        director: Some(Box::new(Rules(deaf))),
        ..Faultless::FOUR
    }
    .start(11, trace);
    let mut requests = ask_often(&mut simulation, NodeId(0), 30, 100);
    requests.extend(ask_often(&mut simulation, NodeId(1), 10, 400));
    pass(&mut simulation, 2_000);
    settled(&mut simulation)?;
    if simulation.world.leader_changes() == 0 {
        return Err("the script failed: the leader was not deposed".to_owned());
    }
    all_hold(&simulation, &requests)?;
    let accused = simulation
        .hosts
        .iter()
        .any(|host| host.status().is_some_and(|status| status.evidence > 0));
    if accused {
        return Err("somebody is accused, and everybody is honest".to_owned());
    }
    Ok("the deposed leader gave no cause for evidence, and its requests were not lost".to_owned())
}

/// Says nothing.
struct Mute;

impl Adversary for Mute {
    fn sends(&mut self, _: &mut Tools<'_>, _: Recipient, _: &Arc<Message>) {}
}

fn uneven_batches(trace: Trace) -> Result<String, String> {
    let mut number = 0_u64;
    let uneven = move |_: Time, _: NodeId, to: NodeId, message: &Message| {
        if !matches!(message, Message::AppendEntries(_)) || to == NodeId(3) {
            return true;
        }
        // Each message goes to n1 and n2, one after the other: one of the two gets it.
        let ordinal = number / 2;
        number += 1;
        (ordinal + u64::from(to.0)).is_multiple_of(2)
    };
    let mut simulation = Faultless {
        traitors: vec![(NodeId(3), Box::new(Mute))],
        director: Some(Box::new(Rules(uneven))),
        ..Faultless::FOUR
    }
    .start(12, trace);
    let requests = ask_often(&mut simulation, NodeId(1), 50, 40);
    pass(&mut simulation, 400);
    nobody_left(&simulation, Term::ZERO)?;
    all_hold(&simulation, &requests)?;
    settled(&mut simulation)?;
    Ok("50 of 50 requests commit though no entry message reaches both".to_owned())
}
