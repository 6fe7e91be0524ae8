//! A silent leader, and a node that gets an old commit certificate while it should suspect.
//!
//! The node missed what term 0 committed. In term 1, whose leader says nothing, it catches up: it
//! commits with a certificate of term 0. That says nothing about the leader of term 1. If it ended
//! the suspicion, two nodes alone would suspect, and the silent leader would stay.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

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
    id: "old-certificate",
    rule: "P4.2, P4.6",
    summary: "a node commits with an old certificate while the leader of its term is silent",
    published: "",
    play: catch_up_under_a_silent_leader,
}];

const FIRST_LEADER: NodeId = NodeId(0);
/// Leads term 1, and says nothing in it.
const TRAITOR: NodeId = NodeId(1);
const BEHIND: NodeId = NodeId(3);

/// The others committed; now the first leader is not heard any more, until all left its term.
const COMMITTED: Time = Time::from_millis(400);
const LONG: Time = Time::from_millis(20_000);

/// Correct in term 0, and silent from then on.
struct DesertsItsTerm;

impl Adversary for DesertsItsTerm {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        if tools.now < COMMITTED || message.term() == Some(Term::ZERO) {
            tools.pass(to, message);
        }
    }
}

fn catch_up_under_a_silent_leader(trace: Trace) -> Result<String, String> {
    let reported = Arc::new(AtomicBool::new(false));
    let rules = Rules(move |now, from: NodeId, to: NodeId, message: &Message| {
        if from == BEHIND && matches!(message, Message::Report(_)) {
            reported.store(true, Ordering::Relaxed);
        }
        if reported.load(Ordering::Relaxed) {
            return true;
        }
        let cut_off = now < COMMITTED && (from == BEHIND || to == BEHIND);
        let unheard = now >= COMMITTED && from == FIRST_LEADER;
        let catches_up = to == BEHIND && matches!(message, Message::FetchReply(_));
        !cut_off && !unheard && !catches_up
    });
    let mut simulation = Faultless {
        traitors: vec![(TRAITOR, Box::new(DesertsItsTerm))],
        director: Some(Box::new(rules)),
        ..Faultless::FOUR
    }
    .start(0, trace);
    let request = simulation.ask(FIRST_LEADER, 0, 1, 5);
    simulation.run_until(COMMITTED);
    if simulation.outcome_at(FIRST_LEADER, &request).is_none()
        || simulation.outcome_at(BEHIND, &request).is_some()
    {
        return Err("the script failed: all but one should have committed".to_owned());
    }
    simulation.run_until(LONG);
    let silent = simulation
        .hosts
        .iter()
        .filter(|host| !host.is_byzantine())
        .filter_map(|host| host.status())
        .any(|status| status.term <= Term(1));
    if silent {
        return Err("the silent leader of term 1 was never deposed".to_owned());
    }
    if simulation.outcome_at(BEHIND, &request).is_none() {
        return Err(format!("the script failed: {BEHIND} should have caught up"));
    }
    settled(&mut simulation)?;
    Ok(format!(
        "{BEHIND} committed with an old certificate and suspected all the same"
    ))
}
