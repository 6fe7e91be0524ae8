//! Behaves in another way every few seconds.

use std::sync::Arc;

use consensus::{Message, NodeId, RequestKey, Term, Time, event::Recipient};

use super::{Adversary, BEHAVIOURS, Tools};
use crate::random::Random;

pub(super) struct Medley {
    current: Box<dyn Adversary>,
    until: Time,
}

fn draw(random: &mut Random) -> Box<dyn Adversary> {
    // The medley is the last of the list; it does not contain itself.
    let others = &BEHAVIOURS[..BEHAVIOURS.len() - 1];
    let behaviour = random.pick(others).expect("there are other behaviours");
    behaviour.instance(random)
}

impl Medley {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            current: draw(random),
            until: Time(0),
        }
    }
}

impl Adversary for Medley {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        self.current.sends(tools, to, message);
    }

    fn receives(&mut self, tools: &mut Tools<'_>, from: NodeId, message: &Message) -> bool {
        self.current.receives(tools, from, message)
    }

    fn admits(&self, key: &RequestKey) -> bool {
        self.current.admits(key)
    }

    fn forgets(&mut self, random: &mut Random) -> bool {
        self.current.forgets(random)
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        if tools.now >= self.until {
            self.current = draw(tools.random);
            self.until = tools
                .now
                .after(Time(tools.random.between(500_000, 6_000_000)));
        }
        self.current.ticks(tools, term);
    }
}
