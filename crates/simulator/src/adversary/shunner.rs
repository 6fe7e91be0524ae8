//! Serves everybody but one node, which changes now and then.

use std::sync::Arc;

use consensus::{Message, NodeId, Term, event::Recipient};

use super::{Adversary, Tools};

#[derive(Default)]
pub(super) struct Shunner {
    shunned: Option<NodeId>,
}

impl Adversary for Shunner {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        for node in tools.recipients(to) {
            if Some(node) != self.shunned {
                tools.send(node, Arc::clone(message));
            }
        }
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, _: Term) {
        if self.shunned.is_none() || tools.random.chance(5) {
            self.shunned = Some(tools.some_peer());
        }
    }
}
