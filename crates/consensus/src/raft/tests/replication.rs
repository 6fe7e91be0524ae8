//! How entries reach everybody, and when they are committed.

use super::*;

fn keys(numbers: std::ops::Range<u64>) -> Vec<RequestKey> {
    numbers.map(key).collect()
}

#[test]
fn what_any_node_takes_in_everybody_executes_in_one_order() {
    for mode in [Mode::Raft, Mode::RaftSigned] {
        let mut cluster = Cluster::of_mode(mode, 4, 3);
        cluster.elect();
        for number in 0..40 {
            let node = usize::try_from(number % 4).unwrap();
            cluster.submit(node, number);
            cluster.run(2);
        }
        cluster.run(100);
        cluster.everyone_executed(&keys(0..40));
        assert!((0..4).all(|node| cluster.raft(node).pending.is_empty()));
    }
}

#[test]
fn followers_learn_of_a_commit_without_waiting_for_a_heartbeat() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.submit(leader, 1);
    cluster.settle();
    cluster.everyone_executed(&[key(1)]);
}

#[test]
fn what_goes_to_all_is_signed_once() {
    let mut cluster = Cluster::new(4);
    let leader = cluster.elect();
    cluster.run(100);
    cluster.sent.clear();
    cluster.submit(leader, 1);
    cluster.run(100);
    let mut appends = cluster
        .sent
        .iter()
        .filter(|(_, _, message)| matches!(**message, Message::RaftAppend(_)));
    assert!(appends.all(|(_, to, _)| *to == Recipient::Others));
}

#[test]
fn a_leader_counts_itself_only_once_its_write_is_durable() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.crash((leader + 1) % 3);
    cluster.nodes[leader].slow = true;
    cluster.submit(leader, 1);
    cluster.run(100);
    assert_eq!(cluster.raft(leader).commit.index, Index(1));
    cluster.finish_writes(leader);
    assert_eq!(cluster.raft(leader).commit.index, Index(2));
}

#[test]
fn a_majority_of_followers_commits_before_a_slow_leader_has_written() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.nodes[leader].slow = true;
    cluster.submit(leader, 1);
    cluster.settle();
    cluster.everyone_executed(&[key(1)]);
    // What it did not write is not lost with it.
    cluster.crash(leader);
    let heir = cluster.elect();
    assert_ne!(heir, leader);
    cluster.nodes[leader].slow = false;
    cluster.start(leader);
    cluster.run(500);
    cluster.everyone_executed(&[key(1)]);
}

#[test]
fn a_follower_acknowledges_only_what_is_durable_and_heartbeats_wait_for_nothing() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let (slow, down) = ((leader + 1) % 3, (leader + 2) % 3);
    cluster.crash(down);
    cluster.nodes[slow].slow = true;
    cluster.submit(leader, 1);
    cluster.run(5_000);
    assert_eq!(cluster.raft(leader).commit.index, Index(1));
    assert!(cluster.raft(leader).is_leader(), "its follower is alive");
    cluster.finish_writes(slow);
    cluster.settle();
    assert_eq!(cluster.raft(leader).commit.index, Index(2));
}

#[test]
fn requests_gather_while_entries_are_under_way() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let before = cluster.raft(leader).log.last().index;
    for number in 0..500 {
        cluster.submit(leader, number);
    }
    let entries = cluster.raft(leader).log.last().index.beyond(before);
    assert_eq!(entries, limits::EAGER_ENTRIES);
    cluster.settle();
    let entries = cluster.raft(leader).log.last().index.beyond(before);
    assert_eq!(entries, limits::EAGER_ENTRIES + 1, "the rest went together");
    cluster.everyone_executed(&keys(0..500));
}

#[test]
fn no_more_than_a_window_of_entries_is_uncommitted() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.run(100);
    cluster.isolate(leader);
    let full = limits::ENTRY_PAYLOADS as u64;
    let mut refused = 0;
    for number in 0..full * 20 {
        cluster.submit(leader, number);
        refused = cluster.nodes[leader].refused.len();
        if refused > 0 {
            break;
        }
    }
    assert!(refused > 0, "what waits is bounded");
    let raft = cluster.raft(leader);
    assert!(raft.log.last().index.beyond(raft.commit.index) <= limits::WINDOW);
}

#[test]
fn a_large_backlog_reaches_a_follower_in_several_messages() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let late = (leader + 1) % 3;
    cluster.isolate(late);
    for number in 0..150 {
        cluster.submit(leader, number);
        cluster.settle();
    }
    cluster.heal();
    cluster.run(1_500);
    cluster.everyone_executed(&keys(0..150));
    assert_eq!(cluster.nodes[leader].disk_reads, 0, "all was in memory");
}

#[test]
fn a_follower_far_behind_is_served_from_disk() {
    for reset in [false, true] {
        let mut cluster = Cluster::new(3);
        let leader = cluster.elect();
        let late = (leader + 1) % 3;
        cluster.submit(leader, 1_000);
        cluster.run(100);
        cluster.isolate(late);
        for number in 0..600 {
            cluster.submit(leader, number);
            cluster.settle();
        }
        assert!(cluster.raft(leader).log.before().index > Index(300));
        if reset {
            // The next leader knows nothing of the follower, not even what it asks about.
            cluster.crash(leader);
            cluster.start(leader);
            cluster.crash(late);
            cluster.start(late);
        }
        cluster.heal();
        let leader = cluster.elect();
        cluster.run(2_000);
        assert!(cluster.nodes[leader].disk_reads > 0);
        cluster.everyone_executed(&[vec![key(1_000)], keys(0..600)].concat());
    }
}

#[test]
fn lost_messages_are_repaired_by_heartbeats() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    for number in 0..20 {
        cluster.submit(leader, number);
        // Every message under way is lost.
        cluster.network.clear();
    }
    cluster.run(200);
    cluster.everyone_executed(&keys(0..20));
    assert_eq!(cluster.leader(), Some(leader));
}

#[test]
fn a_network_that_stops_goes_on_where_it_was() {
    let mut cluster = Cluster::of_mode(Mode::RaftSigned, 3, 8);
    let leader = cluster.elect();
    for number in 0..10 {
        cluster.submit(leader, number);
        cluster.run(10);
    }
    for node in 0..3 {
        cluster.crash(node);
    }
    for node in 0..3 {
        cluster.start(node);
        let raft = cluster.raft(node);
        assert_eq!(raft.log.last().index, Index(11));
        assert!(
            raft.commit.index >= Index(10),
            "the hint is one write behind"
        );
        assert_eq!(raft.vote_state, cluster.nodes[node].disk.vote_state);
    }
    let leader = cluster.elect();
    cluster.submit(leader, 10);
    cluster.run(100);
    cluster.everyone_executed(&keys(0..11));
}

#[test]
fn memory_holds_no_more_than_it_should() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    for number in 0..1_000 {
        cluster.submit(leader, number);
        cluster.settle();
    }
    for node in 0..3 {
        let raft = cluster.raft(node);
        let held = raft.log.last().index.beyond(raft.log.before().index);
        assert!(held <= limits::RETAINED_ENTRIES + limits::WINDOW, "{held}");
        let oldest = raft.log.before().index;
        let held = |number: u64| {
            let request = request(number);
            raft.keys.index_of(&request.key(), request.payload())
        };
        assert_eq!(held(oldest.0 - 2), None);
        assert!(held(oldest.0 - 1).is_some());
    }
}

#[test]
fn a_node_takes_no_more_than_its_application_keeps_up_with() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let behind = (leader + 1) % 3;
    cluster.nodes[behind].stuck = true;
    for number in 0..1_000 {
        cluster.submit(leader, number);
        cluster.run(1);
    }
    let bound = Index(limits::UNAPPLIED_ENTRIES + limits::WINDOW);
    assert!(cluster.raft(behind).log.last().index <= bound);
    assert_eq!(cluster.leader(), Some(leader), "it is not silent");
    cluster.unstick(behind);
    cluster.run(1_000);
    cluster.everyone_executed(&keys(0..1_000));

    cluster.nodes[leader].stuck = true;
    for number in 1_000..2_000 {
        cluster.submit(leader, number);
        cluster.settle();
    }
    let before = cluster.raft(leader).log.last().index;
    assert!(before <= Index(1_001 + limits::UNAPPLIED_ENTRIES + limits::WINDOW));
    cluster.unstick(leader);
    cluster.run(1_000);
    cluster.everyone_executed(&keys(0..2_000));
}
