//! Says nothing.

use std::sync::Arc;

use consensus::{Message, Time, event::Recipient};

use super::{Adversary, Tools};
use crate::random::Random;

pub(super) struct Silent {
    from: Time,
}

impl Silent {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            from: if random.chance(500) {
                Time(0)
            } else {
                Time(random.below(20_000_000))
            },
        }
    }
}

impl Adversary for Silent {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        if tools.now < self.from {
            tools.pass(to, message);
        }
    }
}
