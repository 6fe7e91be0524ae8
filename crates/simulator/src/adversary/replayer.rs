//! Sends old messages again, its own and those of others, to anybody, at any time.

use std::{collections::VecDeque, sync::Arc};

use consensus::{Message, NodeId, Term, event::Recipient};

use super::{Adversary, Tools};

/// How many messages it keeps.
const KEPT: usize = 600;
/// How many it sends again each time.
const BURST: u64 = 6;

#[derive(Default)]
pub(super) struct Replayer {
    kept: VecDeque<Arc<Message>>,
}

impl Replayer {
    fn keep(&mut self, tools: &mut Tools<'_>, message: Arc<Message>) {
        if self.kept.len() == KEPT {
            let position = tools.random.position(KEPT);
            self.kept.remove(position);
        }
        self.kept.push_back(message);
    }
}

impl Adversary for Replayer {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        self.keep(tools, Arc::clone(message));
        tools.pass(to, message);
    }

    fn receives(&mut self, tools: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        let telling = !matches!(message, Message::Heartbeat(_) | Message::Relay(_));
        if telling || tools.random.chance(50) {
            self.keep(tools, Arc::new(message.clone()));
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, _: Term) {
        for _ in 0..tools.random.below(BURST + 1) {
            if self.kept.is_empty() {
                return;
            }
            let position = tools.random.position(self.kept.len());
            let node = tools.some_peer();
            tools.send(node, Arc::clone(&self.kept[position]));
        }
    }
}
