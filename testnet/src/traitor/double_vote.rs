//! Votes twice. In byzantine mode: for an entry that does not exist beside every real one, and for
//! two bases in a leader change. In the Raft modes: for every candidate that asks.

use std::{collections::BTreeMap, sync::Arc};

use consensus::{
    Hash, Message, NodeId, Point, Recipient,
    message::{Grant, RaftRequestVote, RaftVote, Vote},
};
use node::{Behaviour, Context, Verdict};

use super::{
    Kind,
    tools::{Instead, sign},
};

pub const KIND: Kind = Kind {
    name: "double-vote",
    mark: "hawser-testnet-traitor/double-vote",
    summary: "votes for two entries at every place, and for two leaders",
    contained: "The two votes are evidence that anybody can check: see `ledger evidence list`. \
                Nothing is committed by them.",
    unchecked: "It votes for every candidate, so two nodes can come to lead one term and commit \
                different entries. It shows when elections coincide, which partitions provoke.",
    takes_account: false,
    make: |_| Box::new(DoubleVote::default()),
};

#[derive(Default)]
struct DoubleVote {
    /// What each candidate asked for last.
    asked: BTreeMap<NodeId, RaftRequestVote>,
}

/// Another hash than any entry's.
pub fn turned(point: Point) -> Point {
    Point {
        hash: Hash(point.hash.0.map(|byte| !byte)),
        ..point
    }
}

impl Behaviour for DoubleVote {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn incoming(&mut self, _: &Context<'_>, from: NodeId, message: &Message) -> Verdict {
        if let Message::RaftRequestVote(signed) = message {
            self.asked.insert(from, signed.body.clone());
        }
        Verdict::Allow
    }

    fn outgoing(
        &mut self,
        context: &Context<'_>,
        to: Recipient,
        message: &Arc<Message>,
    ) -> Option<Instead> {
        let second = match &**message {
            Message::Vote(signed) => sign(
                context,
                Vote {
                    accepted: Some(turned(signed.body.accepted?)),
                    locked: signed.body.locked.map(turned),
                    ..signed.body.clone()
                },
            ),
            Message::VoteGranted(signed) => sign(
                context,
                Grant {
                    base: turned(signed.body.base),
                    ..signed.body.clone()
                },
            ),
            Message::RaftVote(signed) if !signed.body.granted => {
                let Recipient::Node(candidate) = to else {
                    return None;
                };
                let asked = self.asked.get(&candidate)?;
                let granted = RaftVote {
                    term: asked.term,
                    pre_vote: asked.pre_vote,
                    granted: true,
                    ..signed.body.clone()
                };
                return Some(vec![(to, sign(context, granted))]);
            }
            _ => return None,
        };
        Some(vec![(to, Arc::clone(message)), (to, second)])
    }
}
