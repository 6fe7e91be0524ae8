//! Votes for entries that do not exist beside real ones, under the same index or far ahead, with
//! locks that nobody certified, and grants two bases.

use std::sync::Arc;

use consensus::{
    Hash, Index, Message, Point,
    event::Recipient,
    message::{Grant, Vote},
};

use super::{Adversary, Tools};

pub(super) struct DoubleVoter;

fn invented(tools: &mut Tools<'_>, index: Index) -> Point {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&tools.random.number().to_le_bytes());
    Point {
        index,
        hash: Hash(hash),
    }
}

impl DoubleVoter {
    fn second_vote(tools: &mut Tools<'_>, vote: &Vote) -> Vote {
        let index = vote.accepted.map_or(Index(1), |point| point.index);
        let point = match tools.random.below(4) {
            // What an accomplice made, or the same point again.
            0 => tools.coalition.mapped(vote.accepted.unwrap_or(Point {
                index,
                hash: Hash([7; 32]),
            })),
            1 => invented(tools, Index(index.0 + 1_000_000)),
            2 => invented(tools, Index(index.0.saturating_sub(1))),
            _ => invented(tools, index),
        };
        Vote {
            accepted: Some(point),
            locked: tools.random.chance(300).then_some(point),
            ..vote.clone()
        }
    }
}

impl Adversary for DoubleVoter {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        tools.pass(to, message);
        let second = match &**message {
            Message::Vote(signed) => {
                let vote = Self::second_vote(tools, &signed.body);
                tools.sign(vote)
            }
            Message::VoteGranted(signed) => {
                let base = invented(tools, signed.body.base.index);
                tools.sign(Grant {
                    base,
                    ..signed.body.clone()
                })
            }
            _ => return,
        };
        // Sometimes the lie goes to one node only, so that few can prove it.
        if tools.random.chance(500) {
            let node = tools.some_peer();
            tools.send(node, second);
        } else {
            tools.pass(Recipient::Others, &second);
        }
    }
}
