//! A leader that changes its mind: it shows one entry, and after the votes another in its place.

use std::sync::Arc;

use consensus::{
    EntryKind, Message, NodeId, Term, Time,
    event::Recipient,
    message::{AppendEntries, Vote},
};

use super::{
    Script,
    faultless::settled,
    script::{Rules, fork_of, stage},
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "second-branch",
    rule: "P3.4",
    summary: "a leader shows another entry to a node that voted for the first",
    published: "",
    play,
}];

/// Leads term 0, a traitor.
const LEADER: NodeId = NodeId(0);
/// Is shown the second entry only.
const LATE: NodeId = NodeId(1);
/// Hears the votes for the first entry.
const WITNESS: NodeId = NodeId(2);
/// Is shown both.
const UNDECIDED: NodeId = NodeId(3);

/// The term record is committed everywhere.
const ASKED: Time = Time::from_millis(300);
/// The first entry has its votes.
const VOTED: Time = Time::from_millis(330);
const MENDED: Time = Time::from_millis(10_000);

#[derive(Default)]
struct Fickle {
    second: Option<AppendEntries>,
}

impl Adversary for Fickle {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        if let Message::AppendEntries(signed) = &**message
            && let Some(entry) = signed
                .body
                .entries
                .first()
                .filter(|entry| entry.header().kind == EntryKind::Transactions)
        {
            if self.second.is_none() {
                let second = AppendEntries {
                    entries: vec![fork_of(tools, entry)],
                    ..signed.body.clone()
                };
                let later = tools.sign(second.clone());
                for node in [LATE, UNDECIDED] {
                    tools.send_later(node, Arc::clone(&later), Time(VOTED.0 - ASKED.0));
                }
                self.second = Some(second);
            }
            for node in [WITNESS, UNDECIDED] {
                tools.send(node, Arc::clone(message));
            }
            return;
        }
        tools.pass(to, message);
    }

    /// It votes for the second entry where it was asked to.
    fn receives(&mut self, tools: &mut Tools<'_>, from: NodeId, message: &Message) -> bool {
        if let (Message::Vote(vote), Some(second)) = (message, &self.second)
            && from == LATE
            && vote.body.accepted == second.entries.last().map(|entry| entry.point())
        {
            let echo = tools.sign(Vote {
                applied: None,
                ..vote.body.clone()
            });
            tools.send(LATE, echo);
        }
        true
    }
}

fn permits(now: Time, from: NodeId, to: NodeId, message: &Message) -> bool {
    if !(ASKED..MENDED).contains(&now) {
        return true;
    }
    // Until the first entry has its votes, the witness alone hears any.
    match message {
        Message::Vote(signed) if signed.body.term == Term::ZERO && now < VOTED => {
            to == WITNESS || from == LATE
        }
        _ => true,
    }
}

fn play(trace: Trace) -> Result<String, String> {
    let traitor = (LEADER, Box::new(Fickle::default()) as Box<dyn Adversary>);
    let mut simulation = stage(traitor, Box::new(Rules(permits)), trace);
    simulation.run_until(ASKED);
    let key = simulation.ask(LEADER, 0, 1, 10);
    simulation.run_until(VOTED);
    if simulation.outcome_at(WITNESS, &key).is_none() {
        return Err(format!(
            "the script failed: {WITNESS} should have committed"
        ));
    }
    simulation.run_until(MENDED);
    settled(&mut simulation)?;
    for node in [LATE, UNDECIDED] {
        if simulation.outcome_at(node, &key).is_none() {
            return Err(format!("{node} lacks what {WITNESS} committed"));
        }
    }
    Ok("no fork: who voted for the first entry accepts no other".to_owned())
}
