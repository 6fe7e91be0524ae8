//! Linearizable reads by ReadIndex (P7.2, dissertation §6.4): the leader notes its commit index,
//! makes sure by a round of heartbeats that it still leads, and lets the read wait for that index.

use super::{Part, Raft};
use crate::{
    event::{Output, Refusal},
    limits,
    mutation::{self, Mutation},
    quorum,
    types::{Index, Time},
};

/// The reads that wait at a leader.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Not yet given an index: they wait for the round under way to end, or for the leader's first
    /// own commit, before which its commit index may be too low.
    waiting: Vec<u64>,
    /// Wait for the answers to `round`, to be served at `index`.
    asked: Vec<u64>,
    round: u64,
    index: Index,
}

impl Reads {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.asked.is_empty()
    }
}

impl Raft {
    pub(super) fn on_read(&mut self, id: u64) {
        let leader = self.leader;
        let refusal = match &mut self.part {
            Part::Leader(leadership) => {
                let reads = &mut leadership.reads;
                if reads.waiting.len() + reads.asked.len() < limits::PENDING_REQUESTS {
                    reads.waiting.push(id);
                    return;
                }
                Refusal::Busy {
                    retry_after: Time::from_millis(200),
                }
            }
            _ => leader.map_or(Refusal::NoLeader, Refusal::NotLeader),
        };
        self.outbox.push(Output::ReadRefused { id, refusal });
    }

    /// Serves the reads whose round is answered, and starts a round for those that wait. There is
    /// one round at a time: under load one serves many reads.
    pub(super) fn serve_reads(&mut self) {
        let me = self.me();
        let Part::Leader(leadership) = &mut self.part else {
            return;
        };
        while !leadership.reads.is_empty() {
            let round = leadership.round;
            let answered = quorum::committed_index(
                &leadership.of_all(me, Index(round), |node| Index(node.round)),
            );
            let reads = &mut leadership.reads;
            let heard =
                answered >= Index(reads.round) || mutation::active(Mutation::RaftReadWithoutRound);
            if !reads.asked.is_empty() && heard {
                for id in reads.asked.drain(..) {
                    self.outbox.push(Output::ReadReady {
                        id,
                        index: reads.index,
                    });
                }
            }
            let own_commit = self.commit.index >= leadership.first;
            if !own_commit || reads.waiting.is_empty() || !reads.asked.is_empty() {
                return;
            }
            reads.asked = std::mem::take(&mut reads.waiting);
            reads.index = self.commit.index;
            reads.round = round + 1;
            leadership.start_round();
        }
    }

    /// Refuses every read that waits at a leader that ceases to be one.
    pub(super) fn refuse_reads(&mut self, reads: Reads) {
        let refusal = self.leader.map_or(Refusal::NoLeader, Refusal::NotLeader);
        for id in reads.asked.into_iter().chain(reads.waiting) {
            self.outbox.push(Output::ReadRefused { id, refusal });
        }
    }
}
