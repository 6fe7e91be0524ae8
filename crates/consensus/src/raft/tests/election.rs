//! Who leads, and who may not disturb it.

use super::*;
use crate::{
    Role,
    message::{RaftRequestVote, RaftVote},
    types::Epoch,
};

fn vote_request(term: u64, last_index: u64, last_term: u64, pre_vote: bool) -> RaftRequestVote {
    RaftRequestVote {
        epoch: Epoch::ZERO,
        term: Term(term),
        pre_vote,
        last_index: Index(last_index),
        last_term: Term(last_term),
    }
}

/// The votes that a node sent.
fn votes(cluster: &Cluster, node: usize) -> Vec<RaftVote> {
    let of_node = cluster.sent.iter().filter(|(from, ..)| *from == id(node));
    of_node
        .filter_map(|(_, _, message)| match &**message {
            Message::RaftVote(vote) => Some(vote.body.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn one_leader_emerges_and_all_follow() {
    for mode in [Mode::Raft, Mode::RaftSigned] {
        for nodes in [2, 3, 4, 7] {
            let mut cluster = Cluster::of_mode(mode, nodes, u64::from(nodes));
            let leader = cluster.elect();
            cluster.run(100);
            for node in 0..usize::from(nodes) {
                let status = cluster.raft(node).status();
                assert_eq!(status.leader, Some(id(leader)));
                assert_eq!(status.commit.index, Index(1), "the term record");
                let role = match node == leader {
                    true => Role::Leader,
                    false => Role::Follower,
                };
                assert_eq!((status.role, status.suspicion), (role, None));
            }
        }
    }
}

#[test]
fn a_single_node_leads_at_once_and_commits_by_itself() {
    let mut cluster = Cluster::new(1);
    cluster.run(0);
    cluster.submit(0, 1);
    assert_eq!(cluster.executed(0), [key(1)]);
    assert!(cluster.sent.is_empty());
}

#[test]
fn the_own_vote_counts_only_once_it_is_durable() {
    let mut cluster = Cluster::new(1);
    cluster.nodes[0].slow = true;
    cluster.run(0);
    assert_eq!(cluster.raft(0).term(), Term(1));
    assert!(!cluster.raft(0).is_leader());
    assert!(cluster.finish_write(0));
    assert!(cluster.raft(0).is_leader());
    assert_eq!(cluster.raft(0).commit.index, Index(0), "nor does its entry");
    assert!(cluster.finish_write(0));
    assert_eq!(cluster.raft(0).commit.index, Index(1));
}

#[test]
fn votes_of_others_do_not_replace_the_own_durable_one() {
    let mut cluster = Cluster::new(3);
    cluster.nodes[0].slow = true;
    cluster.provoke(0);
    cluster.settle();
    for node in [1, 2] {
        let vote = RaftVote {
            epoch: Epoch::ZERO,
            term: Term(1),
            pre_vote: false,
            granted: true,
        };
        let vote = cluster.forge(node, vote);
        cluster.handle(0, Event::Message(vote));
    }
    assert!(!cluster.raft(0).is_leader());
    cluster.finish_write(0);
    assert!(cluster.raft(0).is_leader());
}

#[test]
fn a_vote_leaves_after_it_is_written_and_binds_after_a_restart() {
    let mut cluster = Cluster::new(3);
    cluster.nodes[0].slow = true;
    let ask = cluster.forge(1, vote_request(5, 0, 0, false));
    cluster.handle(0, Event::Message(ask));
    assert_eq!(votes(&cluster, 0), []);
    cluster.finish_writes(0);
    let granted = |granted| RaftVote {
        epoch: Epoch::ZERO,
        term: Term(5),
        pre_vote: false,
        granted,
    };
    assert_eq!(votes(&cluster, 0), [granted(true)]);
    cluster.nodes[0].slow = false;
    cluster.crash(0);
    cluster.start(0);
    for (candidate, expected) in [(2, false), (1, true)] {
        let ask = cluster.forge(candidate, vote_request(5, 9, 4, false));
        cluster.handle(0, Event::Message(ask));
        assert_eq!(votes(&cluster, 0).pop(), Some(granted(expected)));
    }
}

#[test]
fn a_vote_that_was_lost_with_its_write_was_never_sent() {
    let mut cluster = Cluster::new(3);
    cluster.nodes[0].slow = true;
    let ask = cluster.forge(1, vote_request(5, 0, 0, false));
    cluster.handle(0, Event::Message(ask));
    cluster.crash(0);
    cluster.nodes[0].slow = false;
    cluster.start(0);
    let ask = cluster.forge(2, vote_request(5, 0, 0, false));
    cluster.handle(0, Event::Message(ask));
    let votes = votes(&cluster, 0);
    assert_eq!(votes.len(), 1);
    assert!(votes[0].granted);
}

#[test]
fn candidates_whose_log_is_behind_get_no_vote() {
    let mut cluster = Cluster::down(Mode::Raft, 3, 1);
    cluster.nodes[0].disk.chain = cluster.chain(&[], 1, &[1, 3, 3]);
    cluster.nodes[0].disk.vote_state.term = Term(3);
    cluster.start(0);
    let cases = [
        (9, 2, false),
        (2, 3, false),
        (3, 3, true),
        (1, 4, true),
        (4, 3, true),
    ];
    for (round, (last_index, last_term, expected)) in (4..).zip(cases) {
        for pre_vote in [true, false] {
            let ask = vote_request(round, last_index, last_term, pre_vote);
            let ask = cluster.forge(1, ask);
            cluster.handle(0, Event::Message(ask));
            let vote = votes(&cluster, 0).pop().unwrap();
            assert_eq!(
                (vote.pre_vote, vote.granted),
                (pre_vote, expected),
                "last entry {last_index} of term {last_term}"
            );
        }
    }
}

#[test]
fn a_node_that_was_cut_off_disturbs_nobody_when_it_returns() {
    let mut cluster = Cluster::new(4);
    let leader = cluster.elect();
    let lonely = (leader + 1) % 4;
    let term = cluster.raft(leader).term();
    cluster.isolate(lonely);
    cluster.run(20_000);
    assert_eq!(cluster.raft(lonely).term(), term, "pre-votes raise no term");
    assert_eq!(cluster.raft(lonely).status().role, Role::Candidate);
    cluster.heal();
    cluster.run(2_000);
    assert_eq!(cluster.leader(), Some(leader));
    assert_eq!(cluster.raft(leader).term(), term);
    assert_eq!(cluster.raft(lonely).status().role, Role::Follower);
}

#[test]
fn a_node_that_hears_nothing_cannot_depose_the_leader() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let deaf = (leader + 1) % 3;
    cluster.cut.insert((leader, deaf));
    let term = cluster.raft(leader).term();
    cluster.run(10_000);
    assert_eq!(cluster.leader(), Some(leader));
    assert_eq!(cluster.raft(leader).term(), term);
}

#[test]
fn votes_are_refused_while_a_leader_is_heard() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let term = cluster.raft(leader).term();
    let (follower, rude) = ((leader + 1) % 3, (leader + 2) % 3);
    for node in [leader, follower] {
        let before = votes(&cluster, node).len();
        let ask = cluster.forge(rude, vote_request(99, 99, 98, false));
        cluster.handle(node, Event::Message(ask));
        assert_eq!(cluster.raft(node).term(), term);
        assert_eq!(votes(&cluster, node).len(), before);
    }
}

#[test]
fn a_leader_that_a_majority_does_not_answer_steps_down() {
    let mut cluster = Cluster::new(5);
    let old = cluster.elect();
    let companion = (old + 1) % 5;
    for one in [old, companion] {
        for other in (0..5).filter(|&other| other != old && other != companion) {
            cluster.cut.insert((one, other));
            cluster.cut.insert((other, one));
        }
    }
    cluster.run(900);
    assert!(cluster.raft(old).is_leader());
    cluster.run(150);
    assert!(!cluster.raft(old).is_leader());
    assert_eq!(cluster.raft(old).status().leader, None);
    let new = cluster.elect();
    assert!(![old, companion].contains(&new));
    cluster.heal();
    cluster.run(2_000);
    assert_eq!(cluster.leader(), Some(new));
    assert_eq!(cluster.raft(old).status().leader, Some(id(new)));
}

#[test]
fn a_leader_that_one_node_does_not_answer_stays() {
    let mut cluster = Cluster::new(4);
    let leader = cluster.elect();
    cluster.crash((leader + 1) % 4);
    cluster.run(10_000);
    assert_eq!(cluster.leader(), Some(leader));
}

#[test]
fn the_last_term_is_never_left() {
    let mut cluster = Cluster::down(Mode::Raft, 3, 1);
    for node in 0..3 {
        cluster.nodes[node].disk.vote_state.term = Term(u64::MAX);
        cluster.start(node);
    }
    cluster.run(5_000);
    assert!(cluster.sent.is_empty(), "there is no term to stand for");
    let ask = cluster.forge(1, vote_request(u64::MAX, u64::MAX, u64::MAX, false));
    cluster.handle(0, Event::Message(ask));
    cluster.run(5_000);
    assert_eq!(cluster.raft(0).term(), Term(u64::MAX));
}

#[test]
fn timeouts_lie_within_their_bounds_and_differ() {
    let cluster = Cluster::new(7);
    let timeouts: BTreeSet<_> = (0..7)
        .map(|node| {
            let deadline = cluster.raft(node).next_deadline().unwrap();
            deadline.since(cluster.now.monotonic)
        })
        .collect();
    assert_eq!(timeouts.len(), 7);
    let bounds = Timers::DEFAULT.silence_shortest..=Timers::DEFAULT.silence_longest;
    assert!(timeouts.iter().all(|timeout| bounds.contains(timeout)));
}
