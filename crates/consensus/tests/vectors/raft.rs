//! Vectors of the messages of the Raft modes.

use std::sync::Arc;

use consensus::{
    Entry, EntryKind, Epoch, Index, Mode, Point, Term,
    message::{AppendOutcome, RaftAppend, RaftAppendReply, RaftRequestVote, RaftVote},
};

use super::{Network, messages::message};
use crate::flat_json::Object;

/// A leader's two first entries in a Raft mode.
pub struct RaftScene {
    pub network: Network,
    pub record: Arc<Entry>,
    pub two: Arc<Entry>,
}

impl RaftScene {
    pub fn new(mode: Mode) -> Self {
        let network = Network::new(mode);
        let opening: Point = network.configuration.opening();
        let leader = (5, 2);
        let record = network.entry(EntryKind::TermRecord, leader, opening, &[]);
        let two = network.entry(
            EntryKind::Transactions,
            leader,
            record.point(),
            &[b"pq", b"rst"],
        );
        Self {
            network,
            record,
            two,
        }
    }

    fn append(&self, entries: Vec<Arc<Entry>>) -> RaftAppend {
        RaftAppend {
            epoch: Epoch::ZERO,
            term: Term(5),
            previous: self.network.configuration.opening(),
            entries,
            commit: Index(0),
            round: 7,
        }
    }
}

pub fn raft_messages() -> Vec<Object> {
    let scene = RaftScene::new(Mode::RaftSigned);
    let (epoch, term, network) = (Epoch::ZERO, Term(5), &scene.network);
    let reply = |outcome| {
        network.sign(
            1,
            RaftAppendReply {
                epoch,
                term,
                round: 7,
                outcome,
            },
        )
    };
    let both = vec![Arc::clone(&scene.record), Arc::clone(&scene.two)];
    let mut vectors = vec![
        message(
            network,
            "raft append-entries",
            "a term record and two transactions",
            network.sign(2, scene.append(both)),
        ),
        message(
            network,
            "raft append-reply, matched",
            "everything is held",
            reply(AppendOutcome::Matched(scene.two.point())),
        ),
        message(
            network,
            "raft append-reply, conflict",
            "try from index 1",
            reply(AppendOutcome::Conflict { try_from: Index(1) }),
        ),
    ];
    for pre_vote in [true, false] {
        let what = if pre_vote { "pre-vote" } else { "vote" };
        let request = RaftRequestVote {
            epoch,
            term: Term(6),
            pre_vote,
            last_index: Index(2),
            last_term: term,
        };
        let vote = RaftVote {
            epoch,
            term: Term(6),
            pre_vote,
            granted: !pre_vote,
        };
        vectors.push(message(
            network,
            &format!("raft request-{what}"),
            "validator 3 stands for term 6",
            network.sign(3, request),
        ));
        vectors.push(message(
            network,
            &format!("raft {what}"),
            "validator 1 grants the vote, not the pre-vote",
            network.sign(1, vote),
        ));
    }
    let unsigned = RaftScene::new(Mode::Raft);
    let both = vec![Arc::clone(&unsigned.record), Arc::clone(&unsigned.two)];
    vectors.push(message(
        &unsigned.network,
        "raft append-entries, unsigned",
        "the signatures are zeros",
        unsigned.network.sign(2, unsigned.append(both)),
    ));
    vectors.push(message(
        &unsigned.network,
        "raft heartbeat, unsigned",
        "no entries",
        unsigned.network.sign(2, unsigned.append(Vec::new())),
    ));
    vectors
}
