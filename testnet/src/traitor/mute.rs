//! Says nothing to any other node, and goes on listening.

use std::sync::Arc;

use consensus::{Message, Recipient};
use node::{Behaviour, Context};

use super::{Kind, tools::Instead};

pub const KIND: Kind = Kind {
    name: "mute",
    mark: "hawser-testnet-traitor/mute",
    summary: "says nothing to other nodes",
    contained: "If it leads, it is deposed within a second or two; payments go on.",
    unchecked: "To the others it looks crashed, which Raft tolerates: if it leads, another is elected.",
    takes_account: false,
    make: |_| Box::new(Mute),
};

struct Mute;

impl Behaviour for Mute {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn outgoing(&mut self, _: &Context<'_>, _: Recipient, _: &Arc<Message>) -> Option<Instead> {
        Some(Vec::new())
    }
}
