//! As many nodes suspect the leader as may be wrong, and one node is silent.
//!
//! One node does not hear the leader and suspects it for as long as that lasts. With the silent
//! traitor, every vote of the others is needed: if the suspect stopped voting, the network would
//! stand still and depose a leader that did nothing wrong.

use std::sync::Arc;

use consensus::{Message, NodeId, Time, event::Recipient};

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
    id: "lone-suspect",
    rule: "P4.2, P3.7",
    summary: "one node never hears the leader and suspects it, while every vote is needed",
    published: "",
    play: suspect_alone,
}];

const LEADER: NodeId = NodeId(0);
const SUSPECT: NodeId = NodeId(2);
const TRAITOR: NodeId = NodeId(3);
/// How long that lasts.
const LONG: Time = Time::from_millis(20_000);

struct Mute;

impl Adversary for Mute {
    fn sends(&mut self, _: &mut Tools<'_>, _: Recipient, _: &Arc<Message>) {}
}

fn suspect_alone(trace: Trace) -> Result<String, String> {
    let suspicions = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let seen = Arc::clone(&suspicions);
    let rules = Rules(move |now, from: NodeId, to: NodeId, message: &Message| {
        if from == SUSPECT && matches!(message, Message::Suspect(_)) {
            seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        now >= LONG || (from, to) != (LEADER, SUSPECT)
    });
    let mut simulation = Faultless {
        rate: 10,
        traitors: vec![(TRAITOR, Box::new(Mute))],
        director: Some(Box::new(rules)),
        ..Faultless::FOUR
    }
    .start(0, trace);
    simulation.run_until(LONG);
    let changes = simulation.world.leader_changes();
    let suspicions = suspicions.load(std::sync::atomic::Ordering::Relaxed);
    settled(&mut simulation)?;
    if suspicions == 0 {
        return Err("the script failed: nobody suspects the leader".to_owned());
    }
    if changes > 0 {
        return Err(format!(
            "{SUSPECT} alone suspected the leader, and {changes} leaders were deposed"
        ));
    }
    Ok(format!(
        "{} requests answered under one leader, which {SUSPECT} suspected all the time",
        simulation.world.clients.answered
    ))
}
