//! Signs two branches while it leads: the first to most nodes, the second to a few of its choice,
//! and votes for both. Accomplices that follow do the same with their votes.

use std::sync::Arc;

use consensus::{
    Entry, EntryHeader, Message, NodeId, Term,
    event::Recipient,
    message::{AppendEntries, FetchReply, Heartbeat, Vote},
};

use super::{Adversary, Tools};
use crate::random::Random;

pub(super) struct Equivocator {
    /// Of a thousand entries, so many start a second branch where there is none yet.
    eagerness: u32,
    /// Of a thousand votes, so many go to everybody for both branches.
    brazenness: u32,
    /// Of a thousand entries after a fork, so many make it desert: it leads no further in the term.
    desertion: u32,
    deserted: Option<Term>,
}

impl Equivocator {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            eagerness: *random.pick(&[20, 200, 1_000]).expect("three choices"),
            brazenness: *random.pick(&[0, 100, 1_000]).expect("three choices"),
            desertion: *random.pick(&[0, 300]).expect("two choices"),
            deserted: None,
        }
    }

    /// One that leaves every fork open, so that the next leader has to choose a branch.
    pub(super) fn deserter(random: &mut Random) -> Self {
        Self {
            eagerness: *random.pick(&[50, 200]).expect("two choices"),
            brazenness: 0,
            desertion: 400,
            deserted: None,
        }
    }

    /// Makes the entry beside `entry`, if it is time for that.
    fn fork(&mut self, tools: &mut Tools<'_>, term: Term, entry: &Entry) {
        let header = entry.header();
        let mine = header.author == tools.me() && header.term == term;
        if !mine || tools.coalition.beside(entry.point().hash).is_some() {
            return;
        }
        let before = tools.coalition.beside(header.previous);
        if before.is_none() && !tools.random.chance(self.eagerness) {
            return;
        }
        let previous = before.map_or(header.previous, |entry| entry.point().hash);
        let mut payloads = entry.payloads.clone();
        if payloads.len() > 1 && tools.random.chance(500) {
            payloads.reverse();
        }
        let header = EntryHeader {
            previous,
            timestamp: header.timestamp + 1,
            ..header.clone()
        };
        let second = tools.entry(header, payloads);
        tools.coalition.add(entry.point().hash, second);
        if tools.random.chance(self.desertion) {
            self.deserted = Some(term);
        }
    }

    fn second_branch(tools: &Tools<'_>, append: &AppendEntries) -> AppendEntries {
        let second = |entry: &Arc<Entry>| {
            let beside = tools.coalition.beside(entry.point().hash);
            Arc::clone(beside.unwrap_or(entry))
        };
        AppendEntries {
            previous: tools.coalition.mapped(append.previous),
            entries: append.entries.iter().map(second).collect(),
            ..append.clone()
        }
    }

    fn second_vote(tools: &Tools<'_>, vote: &Vote) -> Vote {
        Vote {
            accepted: vote.accepted.map(|point| tools.coalition.mapped(point)),
            locked: vote.locked.map(|point| tools.coalition.mapped(point)),
            ..vote.clone()
        }
    }
}

impl Adversary for Equivocator {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let (term, second) = match &**message {
            Message::AppendEntries(signed) if self.deserted == Some(signed.body.term) => return,
            Message::AppendEntries(signed) => {
                for entry in &signed.body.entries {
                    self.fork(tools, signed.body.term, entry);
                }
                let second = Self::second_branch(tools, &signed.body);
                (signed.body.term, tools.sign(second))
            }
            Message::Heartbeat(signed) if self.deserted == Some(signed.body.term) => return,
            Message::Heartbeat(signed) => {
                let second = Heartbeat {
                    head: tools.coalition.mapped(signed.body.head),
                    ..signed.body.clone()
                };
                (signed.body.term, tools.sign(second))
            }
            Message::Vote(signed) => {
                let second = tools.sign(Self::second_vote(tools, &signed.body));
                if tools.random.chance(self.brazenness) {
                    tools.pass(to, message);
                    tools.pass(to, &second);
                    return;
                }
                (signed.body.term, second)
            }
            _ => return tools.pass(to, message),
        };
        let nodes = tools.configuration().sizes().validators();
        for node in tools.recipients(to) {
            let shown = if tools.coalition.is_victim(term, node, nodes) {
                &second
            } else {
                message
            };
            tools.send(node, Arc::clone(shown));
        }
    }

    /// Hands out the second branch to who asks for it; the replica inside does not know it.
    fn receives(&mut self, tools: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        let Message::Fetch(signed) = message else {
            return true;
        };
        let from = signed.body.from;
        let path = signed
            .body
            .target
            .and_then(|target| tools.coalition.path(from, target));
        let Some(entries) = path else {
            return true;
        };
        let reply = tools.sign(FetchReply {
            epoch: signed.body.epoch,
            from,
            target: signed.body.target,
            entries,
            commit: None,
        });
        tools.send(signed.signer, reply);
        false
    }
}
