//! Linearizable reads.

use super::*;

#[test]
fn a_read_waits_for_a_round_of_heartbeats() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.submit(leader, 1);
    cluster.settle();
    cluster.read(leader, 7);
    assert!(cluster.nodes[leader].reads.is_empty());
    cluster.settle();
    assert_eq!(cluster.nodes[leader].reads[&7], Ok(Index(2)));
}

#[test]
fn reads_that_come_during_a_round_share_the_next() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.sent.clear();
    for id in 0..100 {
        cluster.read(leader, id);
    }
    cluster.settle();
    assert_eq!(cluster.nodes[leader].reads.len(), 100);
    let asked = cluster.sent.iter().filter(|(from, ..)| *from == id(leader));
    assert_eq!(asked.count(), 2);
}

#[test]
fn a_deposed_leader_answers_no_read() {
    let mut cluster = Cluster::new(3);
    let old = cluster.elect();
    cluster.isolate(old);
    cluster.read(old, 1);
    let new = (0..20)
        .find_map(|_| {
            cluster.run(100);
            cluster.leader().filter(|&leader| leader != old)
        })
        .expect("the others elect");
    cluster.submit(new, 5);
    cluster.run(1_500);
    let refused = &cluster.nodes[old].reads[&1];
    assert_eq!(*refused, Err(Refusal::NoLeader));
}

#[test]
fn answers_to_an_earlier_round_do_not_count() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    // The answers to a round that began before the read are still on their way.
    cluster.provoke(leader);
    let on_their_way: Vec<_> = {
        let asked: Vec<_> = cluster.network.drain(..).collect();
        for (from, to, message) in &asked {
            cluster.deliver(*from, *to, message);
        }
        cluster.network.drain(..).collect()
    };
    assert_eq!(on_their_way.len(), 2);
    cluster.read(leader, 1);
    for (from, to, message) in &on_their_way {
        cluster.deliver(*from, *to, message);
    }
    assert!(cluster.nodes[leader].reads.is_empty());
    cluster.settle();
    assert!(cluster.nodes[leader].reads[&1].is_ok());
}

#[test]
fn a_new_leader_reads_only_after_a_commit_of_its_own() {
    let mut cluster = Cluster::new(3);
    let old = cluster.elect();
    for node in 0..3 {
        cluster.nodes[node].slow = node != old;
    }
    cluster.crash(old);
    let heir = (old + 1) % 3;
    let other = (old + 2) % 3;
    cluster.provoke(heir);
    for _ in 0..10 {
        cluster.settle();
        for node in [heir, other] {
            if !cluster.raft(heir).is_leader() {
                cluster.finish_writes(node);
            }
        }
    }
    assert!(
        cluster.raft(heir).is_leader(),
        "{:?}",
        cluster.raft(heir).part
    );
    cluster.read(heir, 1);
    cluster.run(200);
    assert!(cluster.nodes[heir].reads.is_empty());
    cluster.finish_writes(heir);
    cluster.finish_writes(other);
    cluster.settle();
    let index = cluster.nodes[heir].reads[&1].unwrap();
    assert_eq!(index, cluster.raft(heir).commit.index);
    assert_eq!(
        cluster.raft(heir).log.term_at(index),
        Some(cluster.raft(heir).term())
    );
}

#[test]
fn a_follower_names_the_leader_and_a_single_node_answers_at_once() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let follower = (leader + 1) % 3;
    cluster.read(follower, 1);
    assert_eq!(
        cluster.nodes[follower].reads[&1],
        Err(Refusal::NotLeader(id(leader)))
    );
    let mut alone = Cluster::new(1);
    alone.read(0, 1);
    assert_eq!(alone.nodes[0].reads[&1], Err(Refusal::NoLeader));
    alone.run(0);
    alone.read(0, 2);
    assert_eq!(alone.nodes[0].reads[&2], Ok(Index(1)));
}
