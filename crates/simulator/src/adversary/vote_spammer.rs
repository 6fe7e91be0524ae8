//! Votes without end for points that do not exist: at every distance, in terms past, present and to
//! come, with locks and results of its own invention. Nodes ask it for the entries, and get none.

use std::sync::Arc;

use consensus::{
    Hash, Index, Message, NodeId, Point, Term,
    event::Recipient,
    message::{Applied, Vote},
};

use super::{Adversary, Tools};

/// Votes for each tick.
const BURST: usize = 5;

#[derive(Default)]
pub(super) struct VoteSpammer {
    /// The height that correct nodes vote for.
    height: Index,
}

impl VoteSpammer {
    fn invented(&self, tools: &mut Tools<'_>) -> Point {
        let distances = [0, 1, 2, 63, 64, 65, 1_000_000, u64::MAX];
        let distance = *tools.random.pick(&distances).expect("several choices");
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&tools.random.number().to_le_bytes());
        Point {
            index: Index(self.height.0.saturating_add(distance)),
            hash: Hash(hash),
        }
    }
}

impl Adversary for VoteSpammer {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        if !matches!(&**message, Message::FetchReply(_)) {
            tools.pass(to, message);
        }
    }

    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if let Message::Vote(signed) = message
            && let Some(accepted) = signed.body.accepted
        {
            self.height = self.height.max(accepted.index);
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        for _ in 0..BURST {
            let point = self.invented(tools);
            let lower = Term(term.0.saturating_sub(1));
            let vote = Vote {
                epoch: tools.configuration().epoch(),
                term: *tools
                    .random
                    .pick(&[lower, term, term, term.next()])
                    .expect("four choices"),
                accepted: Some(point),
                locked: tools.random.chance(500).then_some(point),
                applied: tools.random.chance(300).then_some(Applied {
                    index: point.index,
                    digest: point.hash,
                }),
            };
            let vote = tools.sign(vote);
            tools.pass(Recipient::Others, &vote);
        }
    }
}
