//! A4, A5, A6: votes of several shapes, for a far index, and for wrong hashes. The published program
//! counts messages instead of nodes, any quorum at any index, and gives up an index for one wrong
//! hash. Ours counts one cumulative vote of each node along the chain (P2.6, P2.7).

use std::sync::Arc;

use consensus::{
    EntryHeader, Hash, Index, Message, NodeId, Point, Term, Time,
    entry::EntryKind,
    event::Recipient,
    message::{AppendEntries, Vote},
};

use super::{
    Script,
    checks::{Count, all_hold, ask_often, everybody_knows, nobody_left, pass},
    faultless::{Faultless, settled},
    script::Rules,
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[
    Script {
        id: "one-signer-many-votes",
        rule: "P2.7",
        summary: "a leader shows two nodes one entry each and votes for each in every shape",
        published: "A4",
        play: many_shapes,
    },
    Script {
        id: "far-index-quorum",
        rule: "P2.6, P2.7",
        summary: "votes for an index that nobody holds, to commit an entry that one node holds",
        published: "A5",
        play: far_index,
    },
    Script {
        id: "poisoned-index",
        rule: "P2.6, P2.7",
        summary: "votes with wrong hashes for every index before its entry exists",
        published: "A6",
        play: poison,
    },
];

const FIRST: NodeId = NodeId(1);
const SECOND: NodeId = NodeId(2);

/// Leads term 0.
struct Shapes {
    votes: Count,
}

impl Shapes {
    /// The same entries, with every transaction entry replaced by a rival.
    fn rival(tools: &Tools<'_>, append: &AppendEntries) -> AppendEntries {
        let mut previous = append.previous.hash;
        let rivals = append.entries.iter().map(|entry| {
            let header = entry.header();
            let changed = match header.kind {
                EntryKind::Transactions => EntryHeader {
                    previous,
                    timestamp: header.timestamp + 1,
                    ..header.clone()
                },
                _ => return Arc::clone(entry),
            };
            let rival = tools.entry(changed, entry.payloads.clone());
            previous = rival.point().hash;
            rival
        });
        AppendEntries {
            entries: rivals.collect(),
            ..append.clone()
        }
    }

    fn vote_for(&self, tools: &mut Tools<'_>, to: NodeId, append: &AppendEntries) {
        let Some(last) = append.entries.last() else {
            return;
        };
        let point = last.point();
        let shapes = [
            (Some(point), None),
            (Some(point), Some(point)),
            (Some(point), Some(append.previous)),
            (Some(append.previous), None),
            (None, Some(point)),
        ];
        for (accepted, locked) in shapes {
            let vote = tools.sign(Vote {
                epoch: append.epoch,
                term: append.term,
                accepted,
                locked,
                applied: None,
            });
            tools.send(to, vote);
            self.votes.add();
        }
    }
}

impl Adversary for Shapes {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let signed = match &**message {
            Message::AppendEntries(signed) if signed.body.term == Term::ZERO => signed,
            Message::Vote(_) | Message::Heartbeat(_) => return,
            _ => return tools.pass(to, message),
        };
        let opens = signed.body.previous == tools.configuration().opening();
        if opens {
            return tools.pass(to, message);
        }
        let rival = Self::rival(tools, &signed.body);
        tools.send(FIRST, Arc::clone(message));
        self.vote_for(tools, FIRST, &signed.body);
        let message = tools.sign(rival.clone());
        tools.send(SECOND, message);
        self.vote_for(tools, SECOND, &rival);
    }
}

fn many_shapes(trace: Trace) -> Result<String, String> {
    let votes = Count::default();
    let shapes = Shapes {
        votes: votes.clone(),
    };
    // The two hear nobody but the leader, and nobody hears them, until half a second is over.
    let apart = |now: Time, from: NodeId, to: NodeId, _: &Message| {
        now > Time::from_millis(500) || from == NodeId(0) || to == NodeId(0)
    };
    let mut simulation = Faultless {
        traitors: vec![(NodeId(0), Box::new(shapes))],
        director: Some(Box::new(Rules(apart))),
        ..Faultless::FOUR
    }
    .start(4, trace);
    let requests = ask_often(&mut simulation, NodeId(0), 1, 100);
    pass(&mut simulation, 300);
    let votes = votes.happened("vote of the leader")?;
    for node in [FIRST, SECOND] {
        if simulation.outcome_at(node, &requests[0]).is_some() {
            return Err(format!("{node} committed on the votes of one node"));
        }
    }
    settled(&mut simulation)?;
    all_hold(&simulation, &requests)?;
    everybody_knows(&simulation)?;
    Ok(format!(
        "no commit on {votes} votes of one signer; evidence everywhere"
    ))
}

/// Votes for points of its own invention at these distances from the first entry.
struct Liar {
    distances: fn(u64) -> Vec<u64>,
    tick: u64,
    votes: Count,
}

impl Adversary for Liar {
    /// Nothing true goes out that helps to commit.
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let helps = matches!(
            &**message,
            Message::Vote(_) | Message::Proof(_) | Message::FetchReply(_)
        );
        if !helps {
            tools.pass(to, message);
        }
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        self.tick += 1;
        for index in (self.distances)(self.tick) {
            let mut hash = [0xee; 32];
            hash[..8].copy_from_slice(&index.to_le_bytes());
            let point = Some(Point {
                index: Index(index),
                hash: Hash(hash),
            });
            let vote = tools.sign(Vote {
                epoch: tools.configuration().epoch(),
                term,
                accepted: point,
                locked: point,
                applied: None,
            });
            tools.pass(Recipient::Others, &vote);
            self.votes.add();
        }
    }
}

fn far_index(trace: Trace) -> Result<String, String> {
    let votes = Count::default();
    let liar = Liar {
        distances: |_| vec![1_000_000, 1_000_000, 1_000_001, u64::MAX],
        tick: 0,
        votes: votes.clone(),
    };
    // For a while n1 hears the entries, and no votes but the traitor's.
    let deaf = |now: Time, from: NodeId, to: NodeId, message: &Message| {
        let telling = matches!(
            message,
            Message::Vote(_) | Message::Heartbeat(_) | Message::Proof(_) | Message::FetchReply(_)
        );
        now > Time::from_millis(900) || to != FIRST || from == NodeId(3) || !telling
    };
    let mut simulation = Faultless {
        traitors: vec![(NodeId(3), Box::new(liar))],
        director: Some(Box::new(Rules(deaf))),
        ..Faultless::FOUR
    }
    .start(5, trace);
    let requests = ask_often(&mut simulation, NodeId(0), 1, 500);
    pass(&mut simulation, 300);
    let votes = votes.happened("far vote")?;
    if simulation.outcome_at(SECOND, &requests[0]).is_none() {
        return Err("the script failed: n2 should have committed".to_owned());
    }
    if simulation.outcome_at(FIRST, &requests[0]).is_some() {
        return Err("n1 committed on far votes".to_owned());
    }
    settled(&mut simulation)?;
    all_hold(&simulation, &requests)?;
    Ok(format!("{votes} far votes commit nothing"))
}

fn poison(trace: Trace) -> Result<String, String> {
    let votes = Count::default();
    let liar = Liar {
        distances: |tick| (1..=8).map(|ahead| tick + ahead).collect(),
        tick: 0,
        votes: votes.clone(),
    };
    let mut simulation = Faultless {
        traitors: vec![(NodeId(3), Box::new(liar))],
        ..Faultless::FOUR
    }
    .start(6, trace);
    let requests = ask_often(&mut simulation, FIRST, 30, 100);
    pass(&mut simulation, 100);
    let votes = votes.happened("poisoned vote")?;
    all_hold(&simulation, &requests)?;
    nobody_left(&simulation, Term::ZERO)?;
    settled(&mut simulation)?;
    Ok(format!(
        "30 of 30 requests commit at once beside {votes} wrong votes, and nobody suspects the leader"
    ))
}
