//! Seven nodes. One commits by locks and is cut off, and the others that locked start anew.
//!
//! n0 leads term 0 and signs two entries. n2, n3 and n4 get one of them, and with the votes of both
//! traitors they lock it; n2 alone sees enough locks and commits. n1 and n5 get the other entry.
//! Of the reports that the next leader sees, two name the committed entry and three the other. Only
//! the accept certificates that n3 and n4 locked show which is which.

use std::sync::{Arc, Mutex, PoisonError};

use consensus::{
    EntryHeader, Index, Message, NodeId, Point, Term, Time,
    event::Recipient,
    message::{AppendEntries, Vote},
};

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
    id: "restarted-locks",
    rule: "P3.5, P4.8, P11.1",
    summary: "one node commits by locks and is cut off, and the others that locked start anew",
    published: "",
    play: restart_the_locked,
}];

const LEADER: NodeId = NodeId(0);
const ACCOMPLICE: NodeId = NodeId(6);
/// Commits, and is cut off.
const ALONE: NodeId = NodeId(2);
/// They locked too, and start anew.
const LOCKED: [NodeId; 2] = [NodeId(3), NodeId(4)];

/// One node has committed by then.
const COMMITTED: Time = Time::from_millis(300);
const MENDED: Time = Time::from_millis(10_000);

fn locks(node: NodeId) -> bool {
    node == ALONE || LOCKED.contains(&node)
}

/// The entry that is to be committed, once the leader made it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Option<Point>>>);

impl Shared {
    fn get(&self) -> Option<Point> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, point: Point) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(point);
    }
}

/// Votes for the entry where that helps to lock and to commit it.
fn vote_for(tools: &mut Tools<'_>, entry: Point) {
    let vote = |locked| Vote {
        epoch: tools.configuration().epoch(),
        term: Term::ZERO,
        accepted: Some(entry),
        locked,
        applied: None,
    };
    let (accepted, locked) = (tools.sign(vote(None)), tools.sign(vote(Some(entry))));
    for node in tools.peers().into_iter().filter(|&node| locks(node)) {
        tools.send(node, Arc::clone(&accepted));
    }
    tools.send_later(ALONE, locked, Time::from_millis(50));
}

/// Signs two entries, votes for one, and says nothing else.
struct Equivocates(Shared);

impl Equivocates {
    fn second(tools: &Tools<'_>, append: &AppendEntries) -> AppendEntries {
        let entries = append.entries.iter().map(|entry| {
            let header = EntryHeader {
                timestamp: entry.header().timestamp + 1,
                ..entry.header().clone()
            };
            tools.entry(header, entry.payloads.clone())
        });
        AppendEntries {
            entries: entries.collect(),
            ..append.clone()
        }
    }
}

impl Adversary for Equivocates {
    fn sends(&mut self, tools: &mut Tools<'_>, _: Recipient, message: &Arc<Message>) {
        let Message::AppendEntries(signed) = &**message else {
            return;
        };
        let (Some(entry), None) = (signed.body.entries.first(), self.0.get()) else {
            return;
        };
        let entry = entry.point();
        self.0.set(entry);
        let second = tools.sign(Self::second(tools, &signed.body));
        for node in tools.peers() {
            let shown = if locks(node) { message } else { &second };
            tools.send(node, Arc::clone(shown));
        }
        vote_for(tools, entry);
    }
}

/// Votes for the first entry, and reports the second, which it was shown.
struct Supports(Shared);

impl Adversary for Supports {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        if !matches!(&**message, Message::Vote(vote) if vote.body.term == Term::ZERO) {
            tools.pass(to, message);
        }
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        if let Some(entry) = self.0.get()
            && term == Term::ZERO
        {
            vote_for(tools, entry);
        }
    }
}

/// Votes of the first term go between those that are to lock, locks only to the one that commits.
fn permits(now: Time, from: NodeId, to: NodeId, message: &Message) -> bool {
    if now >= MENDED {
        return true;
    }
    if now >= COMMITTED && (from == ALONE || to == ALONE) {
        return false;
    }
    match message {
        Message::Vote(vote) if vote.body.term == Term::ZERO => {
            let traitors = from == LEADER || from == ACCOMPLICE;
            (traitors || locks(from)) && locks(to) && (vote.body.locked.is_none() || to == ALONE)
        }
        // Each branch stays where it was shown.
        Message::Fetch(_) | Message::FetchReply(_) => now >= COMMITTED,
        _ => true,
    }
}

fn restart_the_locked(trace: Trace) -> Result<String, String> {
    let shared = Shared::default();
    let mut simulation = Faultless {
        nodes: 7,
        traitors: vec![
            (LEADER, Box::new(Equivocates(shared.clone()))),
            (ACCOMPLICE, Box::new(Supports(shared.clone()))),
        ],
        director: Some(Box::new(Rules(permits))),
        ..Faultless::FOUR
    }
    .start(0, trace);
    simulation.run_until(COMMITTED);
    let alone = simulation
        .hosts
        .iter()
        .filter(|host| !host.is_byzantine())
        .all(|host| {
            let commit = host.status().map(|status| status.commit.index);
            (commit > Some(Index::ZERO)) == (host.id() == ALONE)
        });
    if !alone {
        return Err(format!(
            "the script failed: {ALONE} alone should have committed"
        ));
    }
    for node in LOCKED {
        let host = &mut simulation.hosts[node.position()];
        host.crash();
        host.start(&mut simulation.world);
    }
    simulation.run_until(MENDED);
    settled(&mut simulation)?;
    if simulation.world.leader_changes() == 0 {
        return Err("the script failed: nobody was elected".to_owned());
    }
    Ok(format!(
        "no fork; the locks of {} and {} outlived their restart, and everybody keeps what {ALONE} committed",
        LOCKED[0], LOCKED[1]
    ))
}
