//! Leads well for a moment whenever its turn comes, so that its term counts as one that worked, and
//! then not at all. While others lead, it suspects them and would leave. Several of them in a row make leaders that
//! go bad one after the other.

use std::sync::Arc;

use consensus::{
    Message, NodeId, Point, Term, Time,
    event::Recipient,
    message::{Leave, Reason, Suspect},
};

use super::{Adversary, Tools};
use crate::random::Random;

pub(super) struct Relapser {
    /// How long it leads well.
    good_for: Time,
    /// The term that it leads, and since when.
    leading: Option<(Term, Time)>,
    /// A commit point that others believe in.
    commit: Option<Point>,
}

impl Relapser {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            good_for: Time::from_millis(*random.pick(&[0, 60, 400, 1_500]).expect("four choices")),
            leading: None,
            commit: None,
        }
    }

    fn leads_well(&mut self, now: Time, term: Term) -> bool {
        match self.leading {
            Some((led, since)) if led == term => now < since.after(self.good_for),
            _ => {
                self.leading = Some((term, now));
                true
            }
        }
    }
}

impl Adversary for Relapser {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let led = match &**message {
            Message::AppendEntries(signed) => Some(signed.body.term),
            Message::Heartbeat(signed) => Some(signed.body.term),
            _ => None,
        };
        if led.is_none_or(|term| self.leads_well(tools.now, term)) {
            tools.pass(to, message);
        }
    }

    fn receives(&mut self, tools: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if let Message::Heartbeat(signed) = message
            && let Some(commit) = &signed.body.commit
        {
            self.commit = Some(commit.point(tools.configuration()));
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        let configuration = tools.configuration();
        if configuration.leader(term) == tools.me() {
            return;
        }
        let suspect = tools.sign(Suspect {
            epoch: configuration.epoch(),
            term,
            commit: self.commit.unwrap_or_else(|| configuration.opening()),
            uncommitted: None,
            reason: Reason::Silent,
        });
        tools.pass(Recipient::Others, &suspect);
        let leave = tools.sign(Leave {
            epoch: configuration.epoch(),
            term,
            reason: Reason::Silent,
            followed: false,
        });
        tools.pass(Recipient::Others, &leave);
    }
}
