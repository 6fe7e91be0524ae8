//! The logs of the extended paper's Figures 7 and 8.

use super::*;
use crate::{message::RaftAppendReply, types::Epoch};

fn terms(chain: &[Arc<Entry>]) -> Vec<u64> {
    chain.iter().map(|entry| entry.term().0).collect()
}

/// Figure 7: whatever the followers lack or have too much, the leader of term 8 brings them to
/// its own log.
#[test]
fn every_log_of_figure_7_is_repaired() {
    let mut cluster = Cluster::down(Mode::Raft, 7, 1);
    let common = cluster.chain(&[], 0, &[1, 1, 1]);
    let four = cluster.chain(&common, 0, &[4]);
    let leader = cluster.chain(&four, 0, &[4, 5, 5, 6, 6, 6]);
    let logs = [
        leader.clone(),
        leader[..9].to_vec(),
        four.clone(),
        cluster.chain(&leader, 1, &[6]),
        cluster.chain(&leader, 2, &[7, 7]),
        cluster.chain(&four, 3, &[4, 4, 4]),
        cluster.chain(&common, 4, &[2, 2, 2, 3, 3, 3, 3, 3]),
    ];
    for (node, log) in logs.into_iter().enumerate() {
        cluster.nodes[node].disk.chain = log;
        cluster.nodes[node].disk.vote_state.term = Term(7);
        cluster.start(node);
    }
    while cluster.raft(0).term() < Term(8) {
        cluster.provoke(0);
        cluster.settle();
    }
    assert!(cluster.raft(0).is_leader(), "a, b, e and f vote for it");
    cluster.run(200);
    for node in 0..7 {
        assert_eq!(
            terms(&cluster.nodes[node].disk.chain),
            [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8],
            "node {node}"
        );
        assert_eq!(cluster.nodes[node].applied.len(), 11);
    }
}

/// Fast backtracking: a conflicting term costs one question, however long it is.
#[test]
fn a_long_wrong_branch_is_found_in_few_questions() {
    let mut cluster = Cluster::down(Mode::Raft, 3, 1);
    let common = cluster.chain(&[], 0, &[1, 1]);
    let logs = [
        cluster.chain(&common, 0, &[4; 50]),
        cluster.chain(&common, 0, &[4; 50]),
        cluster.chain(&common, 2, &[[2; 20], [3; 20]].concat()),
    ];
    for (node, log) in logs.into_iter().enumerate() {
        cluster.nodes[node].disk.chain = log;
        cluster.nodes[node].disk.vote_state.term = Term(4);
        cluster.start(node);
    }
    cluster.provoke(0);
    cluster.settle();
    assert_eq!(cluster.nodes[2].disk.chain, cluster.nodes[0].disk.chain);
    let questions = cluster.sent.iter().filter(|(_, _, message)| {
        matches!(&**message, Message::RaftAppendReply(reply)
            if matches!(reply.body.outcome, AppendOutcome::Conflict { .. }))
    });
    assert!(questions.count() <= 4);
}

/// Figure 8: an entry of an earlier term is not committed by counting its copies (c), because a
/// node without it may still be elected (d); an entry of the own term commits both (e).
#[test]
pub(super) fn entries_of_earlier_terms_are_not_committed_by_counting() {
    let mut cluster = Cluster::down(Mode::Raft, 5, 1);
    let one = cluster.chain(&[], 0, &[1]);
    let two = cluster.chain(&one, 0, &[2]);
    let three = cluster.chain(&one, 4, &[3]);
    let logs = [two.clone(), two, one.clone(), one, three.clone()];
    for (node, log) in logs.into_iter().enumerate() {
        cluster.nodes[node].disk.chain = log;
        cluster.nodes[node].disk.commit = Index(1);
        cluster.nodes[node].disk.vote_state.term = Term(3);
        cluster.start(node);
    }
    cluster.committed = vec![cluster.nodes[0].disk.chain[0].point().hash];
    cluster.crash(4);
    // (c): node 0 leads term 4. Nobody takes its own entry yet.
    cluster.provoke(0);
    while !cluster.raft(0).is_leader() {
        let (from, to, message) = cluster.network.pop_front().expect("it is elected");
        cluster.deliver(from, to, &message);
    }
    cluster.network.clear();
    let matched = |cluster: &Cluster, index: u64| {
        let point = cluster.raft(0).log.point_at(Index(index)).unwrap();
        RaftAppendReply {
            epoch: Epoch::ZERO,
            term: Term(4),
            round: 0,
            outcome: AppendOutcome::Matched(point),
        }
    };
    for node in [1, 2, 3] {
        let reply = cluster.forge(node, matched(&cluster, 2));
        cluster.handle(0, Event::Message(reply));
    }
    assert_eq!(cluster.raft(0).commit.index, Index(1));

    // (e): with its own entry on a majority both are committed.
    for node in [1, 2] {
        let reply = cluster.forge(node, matched(&cluster, 3));
        cluster.handle(0, Event::Message(reply));
    }
    assert_eq!(cluster.raft(0).commit.index, Index(3));
}

/// Figure 8 (d): a node that lacks the earlier term's entry is elected lawfully and replaces it
/// everywhere; nothing committed is touched.
#[test]
fn copies_of_an_earlier_term_may_still_be_replaced() {
    let mut cluster = Cluster::down(Mode::Raft, 5, 1);
    let one = cluster.chain(&[], 0, &[1]);
    let two = cluster.chain(&one, 0, &[2]);
    let three = cluster.chain(&one, 4, &[3]);
    let logs = [two.clone(), two.clone(), two, one, three];
    for (node, log) in logs.into_iter().enumerate() {
        cluster.nodes[node].disk.chain = log;
        cluster.nodes[node].disk.commit = Index(1);
        cluster.nodes[node].disk.vote_state.term = Term(4);
        cluster.start(node);
    }
    cluster.committed = vec![cluster.nodes[0].disk.chain[0].point().hash];
    cluster.crash(0);
    cluster.provoke(4);
    cluster.run(200);
    assert!(cluster.raft(4).is_leader());
    cluster.start(0);
    cluster.run(200);
    for node in 0..5 {
        assert_eq!(terms(&cluster.nodes[node].disk.chain), [1, 3, 5]);
    }
}
