//! Votes and sends heartbeats, but hands out no bodies: it answers no fetch, and as leader sends
//! entries to some nodes only.

use std::sync::Arc;

use consensus::{Message, event::Recipient};

use super::{Adversary, Tools};

pub(super) struct Withholder;

impl Adversary for Withholder {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::FetchReply(_) => {}
            Message::AppendEntries(signed) => {
                let nodes = tools.configuration().sizes().validators();
                for node in tools.recipients(to) {
                    if !tools.coalition.is_victim(signed.body.term, node, nodes) {
                        tools.send(node, Arc::clone(message));
                    }
                }
            }
            _ => tools.pass(to, message),
        }
    }
}
