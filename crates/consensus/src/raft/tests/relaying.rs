//! Requests find the leader, whoever that is.

use super::*;

fn relays(cluster: &Cluster) -> usize {
    let relays = cluster.sent.iter();
    relays
        .filter(|(_, _, message)| matches!(**message, Message::Relay(_)))
        .count()
}

#[test]
fn requests_wait_until_there_is_a_leader() {
    let mut cluster = Cluster::new(3);
    for node in 0..3 {
        cluster.submit(node, node as u64);
    }
    assert_eq!(relays(&cluster), 0);
    cluster.elect();
    cluster.run(100);
    let mut executed = cluster.executed(0);
    executed.sort();
    assert_eq!(executed, [key(0), key(1), key(2)]);
    assert_eq!(relays(&cluster), 2);
}

#[test]
fn requests_in_close_succession_go_together() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let follower = (leader + 1) % 3;
    for number in 0..300 {
        cluster.submit(follower, number);
    }
    cluster.run(100);
    assert_eq!(relays(&cluster), 2, "the first at once, then all others");
    cluster.everyone_executed(&(0..300).map(key).collect::<Vec<_>>());
}

#[test]
fn requests_go_to_the_next_leader_when_one_dies() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let follower = (leader + 1) % 3;
    cluster.cut.insert((follower, leader));
    cluster.submit(follower, 1);
    cluster.settle();
    assert_eq!(relays(&cluster), 1);
    cluster.crash(leader);
    cluster.heal();
    cluster.elect();
    cluster.run(100);
    assert_eq!(cluster.executed(follower), [key(1)]);
    cluster.start(leader);
    cluster.run(1_500);
    cluster.everyone_executed(&[key(1)]);
}

#[test]
fn a_deposed_leader_hands_its_requests_on() {
    let mut cluster = Cluster::new(3);
    let old = cluster.elect();
    cluster.isolate(old);
    for number in 0..10 {
        cluster.submit(old, number);
    }
    cluster.run(3_000);
    assert_ne!(cluster.leader(), Some(old));
    cluster.heal();
    cluster.run(1_000);
    cluster.everyone_executed(&(0..10).map(key).collect::<Vec<_>>());
}

#[test]
fn a_lost_relay_is_repeated_after_a_second() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let follower = (leader + 1) % 3;
    cluster.submit(follower, 1);
    cluster.network.clear();
    cluster.run(990);
    assert_eq!(cluster.executed(leader), []);
    cluster.run(20);
    cluster.everyone_executed(&[key(1)]);
    assert_eq!(relays(&cluster), 2);
    cluster.run(5_000);
    assert_eq!(relays(&cluster), 2, "and no more");
}

/// A follower holds more than finds room at the leader, and no answer comes: it waits for something to
/// happen, and does not ask to be woken at a moment that has passed.
#[test]
fn a_follower_without_room_at_the_leader_waits() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let follower = (leader + 1) % 3;
    cluster.cut.insert((follower, leader));
    for number in 0..limits::PENDING_REQUESTS as u64 / 2 {
        cluster.submit(follower, number);
    }
    for _ in 0..20 {
        cluster.run(1);
        let deadline = cluster.raft(follower).next_deadline();
        assert!(deadline.is_none_or(|deadline| deadline > cluster.now.monotonic));
    }
}

#[test]
fn a_request_that_several_nodes_bring_is_proposed_once() {
    let mut cluster = Cluster::new(4);
    let leader = cluster.elect();
    for node in 0..4 {
        cluster.submit(node, 1);
    }
    cluster.settle();
    cluster.everyone_executed(&[key(1)]);
    for node in 0..4 {
        cluster.submit(node, 1);
        assert!(cluster.raft(node).pending.is_empty());
    }
    cluster.run(2_000);
    cluster.everyone_executed(&[key(1)]);
    assert_eq!(cluster.raft(leader).log.last().index, Index(2));
}

#[test]
fn a_request_in_the_chain_that_a_leader_inherits_is_not_proposed_again() {
    let mut cluster = Cluster::new(3);
    let old = cluster.elect();
    let (one, two) = ((old + 1) % 3, (old + 2) % 3);
    // One follower holds the entry; nobody knows that it is committed.
    cluster.cut.insert((old, two));
    cluster.cut.insert((one, old));
    cluster.submit(old, 1);
    cluster.settle();
    cluster.crash(old);
    cluster.heal();
    cluster.submit(one, 1);
    cluster.submit(two, 1);
    cluster.elect();
    cluster.start(old);
    cluster.run(3_000);
    cluster.everyone_executed(&[key(1)]);
}

/// What is committed may have expired, and then the nonce is free (P6.5): the application decides.
#[test]
fn another_request_under_a_committed_ones_key_waits_until_it_is_judged() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let follower = (leader + 1) % 3;
    cluster.cut.insert((follower, leader));
    let other = Request::waiting(key(1), vec![7].into());
    cluster.handle(follower, Event::Submit(other.clone()));
    cluster.submit(leader, 1);
    cluster.run(100);
    assert_eq!(cluster.executed(follower), [key(1)]);
    assert_eq!(cluster.raft(follower).pending.get(&key(1)), Some(other));
    cluster.run(limits::RELAY_AGAIN.0 / 1000 + 100);
    assert!(cluster.raft(follower).pending.is_empty());
}

#[test]
fn complaints_are_requests() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.handle((leader + 1) % 3, Event::Complain(request(1)));
    cluster.run(100);
    cluster.everyone_executed(&[key(1)]);
    assert_eq!(cluster.leader(), Some(leader));
}

#[test]
fn a_full_node_refuses() {
    let mut cluster = Cluster::new(3);
    for node in 0..limits::PENDING_REQUESTS as u64 + 1 {
        cluster.submit(0, node);
    }
    assert_eq!(
        cluster.nodes[0].refused,
        [key(limits::PENDING_REQUESTS as u64)]
    );
}
