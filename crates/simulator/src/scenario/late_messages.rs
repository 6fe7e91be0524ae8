//! A7 and A13: old entries and old votes come late, or again.

use std::sync::Arc;

use consensus::{Message, NodeId, Term, Time, event::Recipient};

use super::{
    Script,
    checks::{Count, all_hold, ask_often, pass},
    faultless::{Faultless, settled},
    script::Rules,
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[
    Script {
        id: "replayed-appends",
        rule: "P3.2, P3.3",
        summary: "every entry message of the honest leader is sent again and again, over a leader change too",
        published: "A7",
        play: replayed_appends,
    },
    Script {
        id: "late-votes",
        rule: "P2.6, P4.8",
        summary: "votes that were held back arrive after the next leader committed",
        published: "A13",
        play: late_votes,
    },
];

/// Sends everything again that the leader ever sent.
#[derive(Default)]
struct Echo {
    kept: Vec<Arc<Message>>,
    echoes: Count,
}

impl Adversary for Echo {
    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if matches!(message, Message::AppendEntries(_)) && self.kept.len() < 100 {
            self.kept.push(Arc::new(message.clone()));
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, _: Term) {
        for message in &self.kept {
            tools.pass(Recipient::Others, message);
            self.echoes.add();
        }
    }
}

fn replayed_appends(trace: Trace) -> Result<String, String> {
    let echo = Echo::default();
    let echoes = echo.echoes.clone();
    let mut simulation = Faultless {
        traitors: vec![(NodeId(3), Box::new(echo))],
        ..Faultless::FOUR
    }
    .start(7, trace);
    let mut requests = ask_often(&mut simulation, NodeId(1), 20, 60);
    pass(&mut simulation, 60);
    if simulation.world.leader_changes() > 0 {
        return Err("replayed entries deposed a leader".to_owned());
    }
    simulation.hosts[0].crash();
    requests.extend(ask_often(&mut simulation, NodeId(1), 20, 200));
    settled(&mut simulation)?;
    all_hold(&simulation, &requests)?;
    Ok(format!(
        "{} messages sent again take nothing back",
        echoes.happened("message sent again")?
    ))
}

/// Leads term 0: shows its entries to n1 and n3 only, keeps all votes to itself, and hands them out
/// once the others went on without them.
#[derive(Default)]
struct Hoarder {
    votes: Vec<Arc<Message>>,
    late: Count,
}

const HANDED_OUT: Time = Time::from_millis(12_000);

impl Adversary for Hoarder {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::Vote(signed) if signed.body.term == Term::ZERO => {
                self.votes.push(Arc::clone(message));
            }
            Message::AppendEntries(signed) if signed.body.term == Term::ZERO => {
                for node in [NodeId(1), NodeId(3)] {
                    tools.send(node, Arc::clone(message));
                }
            }
            Message::Heartbeat(_) => {}
            _ => tools.pass(to, message),
        }
    }

    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if matches!(message, Message::Vote(_)) && message.term() == Some(Term::ZERO) {
            self.votes.push(Arc::new(message.clone()));
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, _: Term) {
        if tools.now > HANDED_OUT {
            for vote in self.votes.drain(..) {
                tools.pass(Recipient::Others, &vote);
                self.late.add();
            }
        }
    }
}

fn late_votes(trace: Trace) -> Result<String, String> {
    let hoarder = Hoarder::default();
    let late = hoarder.late.clone();
    // Votes of term 0 reach nobody but the traitor; n1 says nothing while the leader changes.
    let rules = |now: Time, from: NodeId, to: NodeId, message: &Message| {
        let early = now < HANDED_OUT;
        let old_vote = matches!(message, Message::Vote(_)) && message.term() == Some(Term::ZERO);
        !(early && (old_vote && to != NodeId(0) || from == NodeId(1) && to != NodeId(0)))
    };
    let mut simulation = Faultless {
        traitors: vec![(NodeId(0), Box::new(hoarder))],
        director: Some(Box::new(Rules(rules))),
        ..Faultless::FOUR
    }
    .start(13, trace);
    let mut requests = ask_often(&mut simulation, NodeId(0), 1, 100);
    requests.extend(ask_often(&mut simulation, NodeId(2), 4, 1_000));
    pass(&mut simulation, 13_000);
    let late = late.happened("late vote")?;
    settled(&mut simulation)?;
    all_hold(&simulation, &requests)?;
    Ok(format!(
        "{late} late votes agree with what was committed without them"
    ))
}
