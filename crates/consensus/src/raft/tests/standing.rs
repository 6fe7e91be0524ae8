//! What Figure 2 and §§ 5.1, 5.2 and 5.5 of the extended paper say of candidates and of new leaders,
//! one statement a test.

use super::*;
use crate::{
    message::{RaftAppend, RaftRequestVote},
    types::Epoch,
};

/// Delivers everything but real requests for votes, which it returns.
fn hold_vote_requests(cluster: &mut Cluster) -> Vec<(NodeId, NodeId, Arc<Message>)> {
    let mut held = Vec::new();
    while let Some((from, to, message)) = cluster.network.pop_front() {
        match &*message {
            Message::RaftRequestVote(request) if !request.body.pre_vote => {
                held.push((from, to, message));
            }
            _ => cluster.deliver(from, to, &message),
        }
    }
    held
}

/// A node that stands in term 1 and is not heard.
fn candidate(nodes: u8) -> Cluster {
    let mut cluster = Cluster::new(nodes);
    cluster.provoke(0);
    hold_vote_requests(&mut cluster);
    assert!(matches!(cluster.raft(0).part, Part::Candidate(_)));
    assert_eq!(cluster.raft(0).term(), Term(1));
    cluster
}

fn heartbeat(cluster: &mut Cluster, from: usize, term: u64) {
    let append = RaftAppend {
        epoch: Epoch::ZERO,
        term: Term(term),
        previous: cluster.configuration.opening(),
        entries: Vec::new(),
        commit: Index(0),
        round: 0,
    };
    let append = cluster.forge(from, append);
    cluster.handle(0, Event::Message(append));
}

/// "On conversion to candidate, start election: increment currentTerm, vote for self, reset election
/// timer, send RequestVote RPCs to all other servers."
#[test]
fn a_candidate_votes_for_itself_in_the_next_term_and_asks_all() {
    let cluster = candidate(3);
    let vote_state = &cluster.nodes[0].disk.vote_state;
    assert_eq!(vote_state.term, Term(1));
    assert_eq!(vote_state.voted_for, Some(id(0)));
    let asked: Vec<(Recipient, RaftRequestVote)> = cluster
        .sent
        .iter()
        .filter_map(|(_, to, message)| match &**message {
            Message::RaftRequestVote(request) if !request.body.pre_vote => {
                Some((*to, request.body.clone()))
            }
            _ => None,
        })
        .collect();
    let expected = RaftRequestVote {
        epoch: Epoch::ZERO,
        term: Term(1),
        pre_vote: false,
        last_index: Index(0),
        last_term: Term(0),
    };
    assert_eq!(asked, [(Recipient::Others, expected)]);
    assert!(cluster.raft(0).next_deadline() > Some(cluster.now.monotonic));
}

/// "If AppendEntries RPC received from new leader: convert to follower"; § 5.2: a leader of an
/// earlier term is none.
#[test]
fn a_candidate_gives_way_to_a_leader_of_its_term() {
    let mut cluster = candidate(3);
    heartbeat(&mut cluster, 1, 0);
    assert!(matches!(cluster.raft(0).part, Part::Candidate(_)));
    heartbeat(&mut cluster, 1, 1);
    let raft = cluster.raft(0);
    assert!(matches!(raft.part, Part::Follower));
    assert_eq!((raft.term(), raft.leader), (Term(1), Some(id(1))));
}

/// "If election timeout elapses: start new election."
#[test]
fn a_candidate_that_is_not_heard_stands_again() {
    let mut cluster = candidate(3);
    cluster.provoke(0);
    cluster.settle();
    assert!(cluster.raft(0).is_leader());
    assert_eq!(cluster.raft(0).term(), Term(2));
}

/// § 5.2: "the votes could be split so that no candidate obtains a majority"; then other timeouts
/// decide.
#[test]
fn a_split_vote_ends_in_a_later_term() {
    let mut cluster = Cluster::new(4);
    cluster.provoke(0);
    cluster.provoke(1);
    let held = hold_vote_requests(&mut cluster);
    let split = |(from, to): (usize, usize)| matches!((from, to), (0, 2) | (1, 3));
    for first in [true, false] {
        for (from, to, message) in &held {
            if split((from.position(), to.position())) == first {
                cluster.deliver(*from, *to, message);
            }
        }
    }
    cluster.settle();
    for node in 0..4 {
        assert!(!cluster.raft(node).is_leader());
        assert_eq!(cluster.raft(node).term(), Term(1));
    }
    let leader = cluster.elect();
    assert!(cluster.raft(leader).term() > Term(1));
}

/// "Upon election: send initial empty AppendEntries RPCs (heartbeat) to each server; repeat during
/// idle periods to prevent election timeouts." Ours carries the first entry of the term.
#[test]
fn a_leader_makes_itself_heard_at_once_and_while_idle() {
    let mut cluster = Cluster::new(3);
    let appends = |cluster: &Cluster| {
        let sent = cluster.sent.iter();
        sent.filter(|(_, to, message)| {
            *to == Recipient::Others && matches!(**message, Message::RaftAppend(_))
        })
        .count()
    };
    cluster.provoke(0);
    while !cluster.raft(0).is_leader() {
        let (from, to, message) = cluster.network.pop_front().expect("it is elected");
        assert_eq!(appends(&cluster), 0);
        cluster.deliver(from, to, &message);
    }
    assert_eq!(appends(&cluster), 1);
    cluster.run(100);
    let before = appends(&cluster);
    cluster.run(1_000);
    let beats = Time::from_millis(1_000).0 / Timers::DEFAULT.heartbeat.0;
    assert_eq!((appends(&cluster) - before) as u64, beats);
    assert_eq!(cluster.leader(), Some(0), "nobody's timer ran out");
}

/// § 5.5: "Raft RPCs are idempotent".
#[test]
fn messages_that_come_twice_do_no_more_than_once() {
    let mut cluster = Cluster::new(3);
    cluster.provoke(0);
    for number in 0..20 {
        cluster.submit(usize::try_from(number % 3).unwrap(), number);
        while let Some((from, to, message)) = cluster.network.pop_front() {
            cluster.deliver(from, to, &message);
            cluster.deliver(from, to, &message);
        }
    }
    cluster.run(2_000);
    assert_eq!(cluster.raft(0).term(), Term(1));
    let mut executed = cluster.executed(0);
    cluster.everyone_executed(&executed);
    executed.sort();
    assert_eq!(executed, {
        let mut all: Vec<_> = (0..20).map(key).collect();
        all.sort();
        all
    });
}

/// § 5.5: a follower that is down is told again and again, and catches up when it is back.
#[test]
fn a_crashed_follower_is_told_until_it_is_back() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let down = (leader + 1) % 3;
    cluster.crash(down);
    for number in 0..5 {
        cluster.submit(leader, number);
    }
    cluster.run(20_000);
    let keys: Vec<_> = (0..5).map(key).collect();
    assert_eq!(cluster.executed(leader), keys, "answered meanwhile");
    cluster.start(down);
    cluster.run(300);
    cluster.everyone_executed(&keys);
    assert_eq!(cluster.leader(), Some(leader));
}

/// § 5.4.1 and § 8: what is committed is in the log of every later leader, and a leader that was
/// deposed gives up what was not.
#[test]
fn what_was_committed_survives_its_leader_and_what_was_not_may_go() {
    let mut cluster = Cluster::new(5);
    let old = cluster.elect();
    cluster.submit(old, 1);
    cluster.settle();
    cluster.isolate(old);
    cluster.submit(old, 2);
    cluster.run(3_000);
    let new = cluster.leader().filter(|&new| new != old);
    let new = new.expect("the others elect");
    cluster.submit(new, 3);
    cluster.settle();
    let term = cluster.raft(old).term();
    let lost = cluster.raft(old).log.last();
    cluster.heal();
    cluster.run(3_000);
    assert!(cluster.raft(old).term() > term);
    assert!(
        !cluster.raft(old).log.contains(lost),
        "cut by the new leader"
    );
    // The request in it was not lost: its node brought it to the new leader.
    cluster.everyone_executed(&[key(1), key(3), key(2)]);
}
