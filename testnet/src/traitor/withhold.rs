//! Votes and sends signs of life, but keeps what others need to itself: as leader it sends no
//! entries to some nodes, it answers nobody who lacks some, and it hands on no requests.

use std::sync::Arc;

use consensus::{Message, Recipient};
use node::{Behaviour, Context};

use super::{
    Kind,
    tools::{Instead, is_victim, recipients},
};

pub const KIND: Kind = Kind {
    name: "withhold",
    mark: "hawser-testnet-traitor/withhold",
    summary: "as leader sends no entries to some nodes, answers nobody who lacks some, and hands on no requests",
    contained: "Whoever gets no entries fetches them from another node; payments go on.",
    unchecked: "If it leads, the nodes that it starves fall behind for as long as it leads: in \
                Raft only the leader hands out entries.",
    takes_account: false,
    make: |_| Box::new(Withhold),
};

struct Withhold;

impl Behaviour for Withhold {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn outgoing(
        &mut self,
        context: &Context<'_>,
        to: Recipient,
        message: &Arc<Message>,
    ) -> Option<Instead> {
        let has_entries = match &**message {
            Message::FetchReply(_) | Message::Relay(_) => return Some(Vec::new()),
            Message::AppendEntries(signed) => !signed.body.entries.is_empty(),
            Message::RaftAppend(signed) => !signed.body.entries.is_empty(),
            _ => false,
        };
        has_entries.then(|| {
            recipients(context, to)
                .into_iter()
                .filter(|&node| !is_victim(context, node))
                .map(|node| (Recipient::Node(node), Arc::clone(message)))
                .collect()
        })
    }
}
