//! Whole networks of Byzantine-mode replicas with real signatures, a perfect disk and a clock that
//! the test moves.

#[allow(dead_code, reason = "shared with the attacks, which need more of it")]
mod cluster;

use cluster::Cluster;
use consensus::{Role, Term};

#[test]
fn a_new_network_commits_at_once_in_term_zero() {
    let mut cluster = Cluster::new(4);
    cluster.settle();
    cluster.submit(0, 1);
    cluster.settle();
    cluster.assert_all_applied(1);
    assert_eq!(cluster.status(0).role, Role::Leader);
    assert_eq!(cluster.status(1).term, Term::ZERO);
}

#[test]
fn any_node_takes_requests() {
    let mut cluster = Cluster::new(4);
    for node in 0..4 {
        cluster.submit(node, u64::try_from(node).unwrap() + 1);
    }
    cluster.settle();
    cluster.assert_all_applied(4);
}

#[test]
fn seven_nodes_commit_by_locks_when_the_fast_quorum_is_not_there() {
    let mut cluster = Cluster::new(7);
    cluster.stop(5);
    cluster.stop(6);
    cluster.submit(1, 1);
    cluster.settle();
    cluster.assert_applied(&[0, 1, 2, 3, 4], 1);
}

#[test]
fn a_silent_leader_is_deposed_and_what_waits_is_committed_by_the_next() {
    let mut cluster = Cluster::new(4);
    cluster.submit(1, 1);
    cluster.settle();
    cluster.stop(0);
    cluster.submit(2, 2);
    cluster.run_for(2_000);
    cluster.assert_applied(&[1, 2, 3], 2);
    assert_eq!(cluster.status(1).role, Role::Leader);
    assert_eq!(cluster.status(2).term, Term(1));
}

#[test]
fn a_node_that_comes_back_catches_up() {
    let mut cluster = Cluster::new(4);
    cluster.settle();
    cluster.stop(3);
    for number in 1..=300 {
        cluster.submit(0, number);
        cluster.settle();
    }
    cluster.start(3);
    cluster.run_for(3_000);
    cluster.assert_all_applied(300);
}

#[test]
fn a_leader_that_restarts_creates_nothing_more_in_its_term() {
    let mut cluster = Cluster::new(4);
    cluster.submit(0, 1);
    cluster.settle();
    cluster.restart(0);
    cluster.submit(0, 2);
    cluster.run_for(2_000);
    cluster.assert_all_applied(2);
    assert_eq!(cluster.status(0).term, Term(1));
}

#[test]
fn two_nodes_down_stop_the_network_and_it_resumes_by_itself() {
    let mut cluster = Cluster::new(4);
    cluster.submit(0, 1);
    cluster.settle();
    cluster.stop(0);
    cluster.stop(1);
    cluster.submit(2, 2);
    cluster.run_for(5_000);
    cluster.assert_applied(&[2, 3], 1);
    cluster.start(0);
    cluster.start(1);
    cluster.run_for(20_000);
    cluster.assert_all_applied(2);
}

#[test]
fn every_node_restarting_at_once_loses_nothing() {
    let mut cluster = Cluster::new(4);
    for number in 1..=20 {
        cluster.submit(0, number);
    }
    cluster.settle();
    for node in 0..4 {
        cluster.stop(node);
    }
    for node in 0..4 {
        cluster.start(node);
    }
    cluster.submit(3, 21);
    cluster.run_for(5_000);
    cluster.assert_all_applied(21);
}
