//! Catches up for ever: asks everybody for the whole log, for branches that do not exist, again and
//! again; and hands out what it is asked for one entry at a time.

use std::sync::Arc;

use consensus::{
    Hash, Index, Message, Point, Term,
    event::Recipient,
    message::{Fetch, FetchReply},
};

use super::{Adversary, Tools};

/// Questions each tick.
const BURST: usize = 3;

pub(super) struct FetchFlooder;

impl Adversary for FetchFlooder {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let Message::FetchReply(signed) = &**message else {
            return tools.pass(to, message);
        };
        let crumb = tools.sign(FetchReply {
            entries: signed.body.entries.iter().take(1).cloned().collect(),
            commit: None,
            ..signed.body.clone()
        });
        tools.pass(to, &crumb);
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, _: Term) {
        let opening = tools.configuration().opening();
        for _ in 0..BURST {
            let node = tools.some_peer();
            let nowhere = Point {
                index: Index(tools.random.between(1, 1_000)),
                hash: Hash([tools.random.below(256).to_le_bytes()[0]; 32]),
            };
            let (from, target) = match tools.random.below(4) {
                0 => (opening, None),
                1 => (opening, Some(nowhere)),
                _ => (nowhere, None),
            };
            let question = tools.sign(Fetch {
                epoch: tools.configuration().epoch(),
                from,
                target,
            });
            tools.send(node, question);
        }
    }
}
