//! Leads as fast as votes let it, with entries of its own, for as few nodes as it needs for a quorum.
//! The others hear that it is alive and can fetch. What clients ask for it does not include.

use std::{collections::BTreeMap, sync::Arc};

use consensus::{
    Entry, EntryKind, Index, Message, NodeId, Point, RequestKey, Signed, Term, Time,
    event::Recipient,
    limits,
    message::{AppendEntries, Vote},
};

use super::{
    Adversary, Tools,
    reign::{Reign, Size},
};
use crate::random::Random;

/// Entries that it has under way. What it can tell to be committed, others know a moment later: with
/// more, votes would be for entries that they do not accept yet, and nobody could count them (P2.7).
const AHEAD: u64 = limits::WINDOW / 2;

pub(super) struct Runaway {
    /// How many nodes get no entries, of those that it does not need.
    shuns: u64,
    /// Shortest time between two bursts of entries.
    pause: Time,
    size: Size,
    reign: Option<Led>,
    /// The last term that it led in its way: its replica would report something else.
    disowned: Option<Term>,
}

struct Led {
    reign: Reign,
    /// The term record.
    root: Point,
    served: Vec<NodeId>,
    accepted: BTreeMap<NodeId, Index>,
    next: Time,
}

impl Runaway {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            shuns: random.below(3),
            pause: Time::from_millis(*random.pick(&[0, 0, 5, 40]).expect("four choices")),
            size: *random
                .pick(&[Size::Tiny, Size::Tiny, Size::Large])
                .expect("three choices"),
            reign: None,
            disowned: None,
        }
    }

    fn is_led(&self, term: Term) -> bool {
        self.reign
            .as_ref()
            .is_some_and(|led| led.reign.term == term)
    }

    fn begin(&mut self, tools: &mut Tools<'_>, record: &Entry) {
        let sizes = tools.configuration().sizes();
        let mut served = tools.peers();
        let spare = (sizes.validators() - sizes.quorum()) as u64;
        for _ in 0..self.shuns.min(spare) {
            let place = tools.random.position(served.len());
            served.remove(place);
        }
        self.disowned = Some(record.term());
        self.reign = Some(Led {
            reign: Reign::after(record, tools.now),
            root: record.point(),
            served,
            accepted: BTreeMap::new(),
            next: tools.now,
        });
    }

    fn appends(&mut self, tools: &mut Tools<'_>, to: Recipient, signed: &Signed<AppendEntries>) {
        let append = &signed.body;
        if self.disowned == Some(append.term) {
            return;
        }
        let message = Arc::new(Message::from(signed.clone()));
        tools.pass(to, &message);
        if let Some(last) = append.entries.last()
            && last.header().kind == EntryKind::TermRecord
            && last.header().author == tools.me()
        {
            self.begin(tools, last);
        }
    }

    /// As many entries as the window has room for, beyond what it can tell to be committed.
    fn run(&mut self, tools: &mut Tools<'_>) {
        let Some(led) = &mut self.reign else { return };
        if tools.now < led.next {
            return;
        }
        let sizes = tools.configuration().sizes();
        let mut accepted: Vec<Index> = led.accepted.values().copied().collect();
        accepted.sort_unstable_by(|one, other| other.cmp(one));
        // Its own vote and so many of others.
        let committed = accepted.get(sizes.quorum() - 2).copied();
        let committed = committed.unwrap_or(Index::ZERO).max(led.root.index);
        let limit = committed.0 + AHEAD;
        let room = limit.saturating_sub(led.reign.head.index.0);
        // The fewer messages, the faster.
        if room < AHEAD / 2 {
            return;
        }
        let bytes = match self.size {
            Size::Tiny => 0,
            Size::Large => limits::PAYLOAD_BYTES as u64,
            Size::Huge => (limits::ENTRY_BYTES + limits::PAYLOAD_BYTES) as u64,
        };
        let most = (limits::MESSAGE_BYTES as u64)
            .checked_div(bytes)
            .unwrap_or(room);
        let entries: Vec<Arc<Entry>> = (0..room.min(most))
            .map(|_| led.reign.next(tools, self.size, 0))
            .collect();
        for &node in &led.served {
            led.reign.show(tools, node, &entries);
        }
        let head = led.reign.head;
        let fast = sizes.quorum() == sizes.fast_quorum();
        let vote = tools.sign(Vote {
            epoch: tools.configuration().epoch(),
            term: led.reign.term,
            accepted: Some(head),
            locked: (!fast).then_some(head),
            applied: None,
        });
        tools.pass(Recipient::Others, &vote);
        led.next = tools.now.after(self.pause);
    }
}

impl Adversary for Runaway {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::AppendEntries(signed) => self.appends(tools, to, signed),
            Message::Report(signed) if self.disowned == Some(signed.body.pair.term) => {}
            // Its replica does not know what it leads.
            Message::Vote(signed)
                if self.reign.as_ref().is_some_and(|led| {
                    let beyond = |point: Point| point.index > led.root.index;
                    led.reign.term == signed.body.term && signed.body.accepted.is_some_and(beyond)
                }) => {}
            _ => tools.pass(to, message),
        }
    }

    fn receives(&mut self, tools: &mut Tools<'_>, from: NodeId, message: &Message) -> bool {
        let Message::Vote(signed) = message else {
            return true;
        };
        let Some(led) = &mut self.reign else {
            return true;
        };
        let Some(accepted) = signed.body.accepted else {
            return true;
        };
        if signed.body.term != led.reign.term || signed.signer != from {
            return true;
        }
        let known = led.accepted.entry(from).or_insert(accepted.index);
        *known = accepted.index.max(*known);
        let root = led.root.index;
        self.run(tools);
        accepted.index <= root
    }

    fn admits(&self, _: &RequestKey) -> bool {
        self.reign.is_none()
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        if !self.is_led(term) {
            self.reign = None;
        }
        self.run(tools);
    }
}
