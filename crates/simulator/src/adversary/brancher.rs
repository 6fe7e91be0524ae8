//! As leader shows each node, or each group of nodes, a branch of its own, votes for a part of one of
//! them, and leads no further. Branches are long or short, of small or large entries.

use std::{collections::BTreeMap, sync::Arc};

use consensus::{
    Entry, Message, NodeId, Term, Time,
    event::Recipient,
    limits,
    message::{Fetch, FetchReply},
};

use super::{
    Adversary, Tools,
    reign::{Reign, Size},
};
use crate::random::Random;

/// Bytes of all branches of a term together.
const MOST_BYTES: usize = 120 << 20;

/// Who shares a branch.
#[derive(Clone, Copy, Debug)]
enum Groups {
    /// Nobody.
    Each,
    /// All but one.
    OneApart,
    /// Some of them.
    Drawn,
}

pub(super) struct Brancher {
    groups: Groups,
    size: Size,
    /// Whether branches are as long as they may be.
    long: bool,
    /// Of a thousand messages with entries, so many are the last of its term.
    eagerness: u32,
    /// Whether it hands out what it signed.
    serves: bool,
    /// How long it says nothing at all after it deserted.
    silence: Time,
    deserted: Option<(Term, Time)>,
    branches: Vec<Vec<Arc<Entry>>>,
}

impl Brancher {
    pub(super) fn new(random: &mut Random) -> Self {
        let groups = [Groups::Each, Groups::OneApart, Groups::Drawn];
        let silences = [0, 5_000, 600_000, 600_000];
        Self {
            groups: *random.pick(&groups).expect("three choices"),
            size: Size::draw(random),
            long: random.chance(500),
            eagerness: *random.pick(&[20, 200, 1_000]).expect("three choices"),
            serves: random.chance(300),
            silence: Time::from_millis(*random.pick(&silences).expect("four choices")),
            deserted: None,
            branches: Vec::new(),
        }
    }

    /// Which branch each of the other nodes is shown.
    fn shown(&self, tools: &mut Tools<'_>) -> BTreeMap<NodeId, usize> {
        let apart = tools.some_peer();
        let peers = tools.peers().into_iter().enumerate();
        peers
            .map(|(place, node)| {
                let group = match self.groups {
                    Groups::Each => place,
                    Groups::OneApart => usize::from(node == apart),
                    Groups::Drawn => tools.random.position(3),
                };
                (node, group)
            })
            .collect()
    }

    fn length(&self, tools: &mut Tools<'_>, branches: usize) -> u64 {
        let length = match self.long {
            true => limits::WINDOW - tools.random.below(4),
            false => tools.random.between(1, 8),
        };
        let bytes = match self.size {
            Size::Huge => limits::ENTRY_BYTES + limits::PAYLOAD_BYTES,
            Size::Large => limits::PAYLOAD_BYTES,
            Size::Tiny => 0,
        };
        match bytes
            .checked_mul(branches)
            .map(|all| MOST_BYTES / all.max(1))
        {
            Some(most) => length.min(most as u64),
            None => length,
        }
    }

    fn branch(&mut self, tools: &mut Tools<'_>, after: &Entry) {
        let shown = self.shown(tools);
        let count = shown.values().max().map_or(0, |last| last + 1);
        let root = Reign::after(after, tools.now);
        self.branches.clear();
        for branch in 0..count {
            let mut reign = root.clone();
            let length = self.length(tools, count);
            let entries: Vec<Arc<Entry>> = (0..length)
                .map(|_| reign.next(tools, self.size, 0))
                .collect();
            for (&node, _) in shown.iter().filter(|(_, of)| **of == branch) {
                root.show(tools, node, &entries);
            }
            self.branches.push(entries);
        }
        // It votes for a part of one branch, so that this part may be committed.
        let chosen = tools.random.position(count.max(1));
        let most = self.branches.get(chosen).map_or(0, Vec::len);
        let part = tools.random.position(most.min(8) + 1);
        if let Some(last) = part.checked_sub(1) {
            let vote = root.vote(tools, self.branches[chosen][last].point());
            tools.pass(Recipient::Others, &vote);
        }
    }

    fn hand_out(&self, tools: &mut Tools<'_>, to: NodeId, fetch: &Fetch) -> bool {
        let of_target = |entry: &&Arc<Entry>| Some(entry.point()) == fetch.target;
        let Some(entry) = self.branches.iter().flatten().find(of_target) else {
            return false;
        };
        if self.serves {
            let reply = tools.sign(FetchReply {
                epoch: fetch.epoch,
                from: fetch.from,
                target: fetch.target,
                entries: vec![Arc::clone(entry)],
                commit: None,
            });
            tools.send(to, reply);
        }
        true
    }

    fn is_silent(&self, now: Time) -> bool {
        self.deserted
            .is_some_and(|(_, since)| now < since.after(self.silence))
    }
}

impl Adversary for Brancher {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let led = match &**message {
            Message::AppendEntries(signed) => Some(signed.body.term),
            Message::Heartbeat(signed) => Some(signed.body.term),
            _ => None,
        };
        let deserted = self.deserted.map(|(term, _)| term);
        if self.is_silent(tools.now) || (led.is_some() && led == deserted) {
            return;
        }
        tools.pass(to, message);
        if let Message::AppendEntries(signed) = &**message
            && let Some(last) = signed.body.entries.last()
            && last.header().author == tools.me()
            && last.term() == signed.body.term
            && tools.random.chance(self.eagerness)
        {
            self.branch(tools, last);
            self.deserted = Some((last.term(), tools.now));
        }
    }

    fn receives(&mut self, tools: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        match message {
            Message::Fetch(_) if self.is_silent(tools.now) => false,
            Message::Fetch(signed) => !self.hand_out(tools, signed.signer, &signed.body),
            _ => true,
        }
    }
}
