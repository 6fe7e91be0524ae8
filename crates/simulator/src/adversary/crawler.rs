//! Leads as slowly as it can: entries late, heartbeats in time.

use std::sync::Arc;

use consensus::{Message, Time, event::Recipient};

use super::{Adversary, Tools};
use crate::random::Random;

pub(super) struct Crawler {
    delay: Time,
}

impl Crawler {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            delay: Time::from_millis(random.between(200, 900)),
        }
    }
}

impl Adversary for Crawler {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        if !matches!(&**message, Message::AppendEntries(_)) {
            return tools.pass(to, message);
        }
        for node in tools.recipients(to) {
            tools.send_later(node, Arc::clone(message), self.delay);
        }
    }
}
