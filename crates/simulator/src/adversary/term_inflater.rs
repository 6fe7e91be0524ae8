//! Speaks of terms far ahead of everybody's, to make nodes follow there or remember too much.

use consensus::{
    Hash, Index, Point, Term,
    message::{Grant, Heartbeat, Leave, Reason, Suspect, Vote},
    types::Epoch,
};

use super::{Adversary, Tools};

pub(super) struct TermInflater;

impl Adversary for TermInflater {
    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        let epoch: Epoch = tools.configuration().epoch();
        let opening = tools.configuration().opening();
        let ahead = match tools.random.below(4) {
            0 => term,
            1 => term.next(),
            2 => Term(term.0 + tools.random.between(2, 1_000)),
            _ => Term(u64::MAX - tools.random.below(3)),
        };
        let point = Point {
            index: Index(tools.random.between(1, 1_000)),
            hash: Hash([9; 32]),
        };
        let uncommitted = tools.random.chance(500).then_some(point);
        let message = match tools.random.below(5) {
            0 => tools.sign(Suspect {
                epoch,
                term: ahead,
                commit: opening,
                uncommitted,
                reason: Reason::Silent,
            }),
            1 => tools.sign(Leave {
                epoch,
                term: ahead,
                reason: Reason::Silent,
                followed: uncommitted.is_some(),
            }),
            2 => tools.sign(Heartbeat {
                epoch,
                term: ahead,
                head: point,
                commit: None,
                election: None,
            }),
            3 => tools.sign(Grant {
                epoch,
                term: ahead,
                base: opening,
                reports: Hash([3; 32]),
            }),
            _ => tools.sign(Vote {
                epoch,
                term: ahead,
                accepted: Some(point),
                locked: Some(point),
                applied: None,
            }),
        };
        for node in tools.peers() {
            tools.send(node, message.clone());
        }
    }
}
