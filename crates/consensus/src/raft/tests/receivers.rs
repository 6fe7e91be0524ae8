//! What Figure 2 of the extended paper says of the receiver of each message, one statement a test.

use super::*;
use crate::{
    Role,
    message::{RaftAppend, RaftAppendReply, RaftRequestVote, RaftVote},
    types::Epoch,
};

fn append(term: u64, previous: Point, entries: &[Arc<Entry>], commit: u64) -> RaftAppend {
    RaftAppend {
        epoch: Epoch::ZERO,
        term: Term(term),
        previous,
        entries: entries.to_vec(),
        commit: Index(commit),
        round: 0,
    }
}

/// Three nodes of term 5 without a leader; the first holds entries of these terms.
fn holder(terms: &[u64]) -> (Cluster, Vec<Arc<Entry>>) {
    let mut cluster = Cluster::down(Mode::Raft, 3, 1);
    let log = cluster.chain(&[], 1, terms);
    cluster.nodes[0].disk.chain.clone_from(&log);
    for node in 0..3 {
        cluster.nodes[node].disk.vote_state.term = Term(5);
        cluster.start(node);
    }
    (cluster, log)
}

fn tell(cluster: &mut Cluster, from: usize, append: RaftAppend) -> RaftAppendReply {
    let message = cluster.forge(from, append);
    cluster.handle(0, Event::Message(message));
    match cluster.sent.last().map(|(_, _, message)| &**message) {
        Some(Message::RaftAppendReply(reply)) => reply.body.clone(),
        other => panic!("no answer: {other:?}"),
    }
}

fn ask(cluster: &mut Cluster, from: usize, term: u64, last: (u64, u64)) -> RaftVote {
    let request = RaftRequestVote {
        epoch: Epoch::ZERO,
        term: Term(term),
        pre_vote: false,
        last_index: Index(last.0),
        last_term: Term(last.1),
    };
    let message = cluster.forge(from, request);
    cluster.handle(0, Event::Message(message));
    match cluster.sent.last().map(|(_, _, message)| &**message) {
        Some(Message::RaftVote(vote)) => vote.body.clone(),
        other => panic!("no answer: {other:?}"),
    }
}

fn terms(cluster: &Cluster) -> Vec<u64> {
    let chain = cluster.nodes[0].disk.chain.iter();
    chain.map(|entry| entry.term().0).collect()
}

/// AppendEntries 1, RequestVote 1: "Reply false if term < currentTerm"; § 5.1: the answer names
/// the later term.
#[test]
fn messages_of_earlier_terms_are_refused() {
    let (mut cluster, log) = holder(&[1, 2]);
    let deadline = cluster.raft(0).next_deadline();
    cluster.advance_to(Time(cluster.now.monotonic.0 + 1_000));
    let replacement = cluster.chain(&log[..1], 2, &[4]);
    let reply = tell(
        &mut cluster,
        2,
        append(4, log[0].point(), &replacement[1..], 9),
    );
    assert_eq!(reply.term, Term(5));
    assert!(matches!(reply.outcome, AppendOutcome::Conflict { .. }));
    let vote = ask(&mut cluster, 2, 4, (9, 4));
    assert_eq!((vote.term, vote.granted), (Term(5), false));
    let raft = cluster.raft(0);
    assert_eq!((raft.leader, raft.commit.index), (None, Index(0)));
    assert_eq!(raft.next_deadline(), deadline, "nobody was heard");
    assert_eq!(terms(&cluster), [1, 2]);
}

/// AppendEntries 2: "Reply false if log doesn't contain an entry at prevLogIndex whose term matches
/// prevLogTerm".
#[test]
fn entries_follow_only_what_the_log_holds() {
    let (mut cluster, log) = holder(&[1, 2, 2, 2]);
    let other = cluster.chain(&log[..1], 2, &[3, 3, 3, 5, 5, 5]);
    for (known, try_from) in [(4, 2), (3, 2), (6, 5)] {
        let before = other[known - 1].point();
        let reply = tell(&mut cluster, 2, append(5, before, &other[known..], 9));
        let try_from = Index(try_from);
        assert_eq!(reply.outcome, AppendOutcome::Conflict { try_from });
        assert_eq!(terms(&cluster), [1, 2, 2, 2]);
        assert_eq!(cluster.raft(0).commit.index, Index(0));
    }
}

/// AppendEntries 3 and 4: "If an existing entry conflicts with a new one, delete the existing entry
/// and all that follow it", "Append any new entries not already in the log".
#[test]
fn a_conflicting_entry_goes_with_all_that_follow() {
    let (mut cluster, log) = holder(&[1, 1, 2, 2, 2]);
    let new = cluster.chain(&log[..3], 2, &[5]);
    let reply = tell(&mut cluster, 2, append(5, log[0].point(), &new[1..], 0));
    assert_eq!(reply.outcome, AppendOutcome::Matched(new[3].point()));
    assert_eq!(cluster.nodes[0].disk.chain, new);
    assert_eq!(cluster.raft(0).log.last(), new[3].point());
}

/// The same, the other way round: what does not conflict stays, however late the message comes.
#[test]
fn a_message_that_says_less_cuts_nothing() {
    let (mut cluster, log) = holder(&[1, 1, 5, 5, 5]);
    for entries in [&log[1..2], &log[1..3], &[]] {
        let reply = tell(&mut cluster, 2, append(5, log[0].point(), entries, 0));
        assert!(matches!(reply.outcome, AppendOutcome::Matched(_)));
        assert_eq!(cluster.nodes[0].disk.chain, log);
    }
}

/// AppendEntries 5: "If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of
/// last new entry)".
#[test]
fn commits_reach_no_further_than_what_was_compared() {
    let (mut cluster, log) = holder(&[1, 1, 2, 2, 2]);
    tell(&mut cluster, 2, append(5, log[1].point(), &[], 5));
    assert_eq!(cluster.raft(0).commit, log[1].point());
    let new = cluster.chain(&log[..2], 2, &[5, 5]);
    tell(&mut cluster, 2, append(5, log[1].point(), &new[2..], 3));
    assert_eq!(cluster.raft(0).commit, new[2].point());
    tell(&mut cluster, 2, append(5, new[3].point(), &[], 1));
    assert_eq!(cluster.raft(0).commit, new[2].point(), "it never goes back");
    tell(&mut cluster, 2, append(5, new[3].point(), &[], 99));
    assert_eq!(cluster.raft(0).commit, new[3].point());
    assert_eq!(cluster.nodes[0].applied, new, "applied in order, once");
}

/// RequestVote 2: "If votedFor is null or candidateId, and candidate's log is at least as up-to-date
/// as receiver's log, grant vote"; § 5.2: first come, first served.
#[test]
fn one_candidate_a_term_gets_the_vote() {
    let (mut cluster, _) = holder(&[1, 2]);
    assert!(ask(&mut cluster, 2, 5, (2, 2)).granted);
    assert!(!ask(&mut cluster, 1, 5, (9, 4)).granted);
    assert!(ask(&mut cluster, 2, 5, (2, 2)).granted, "asked again");
    let vote = ask(&mut cluster, 1, 6, (2, 2));
    assert_eq!((vote.term, vote.granted), (Term(6), true));
    assert_eq!(cluster.nodes[0].disk.vote_state.voted_for, Some(id(1)));
}

/// Rules for followers: the election timer starts again when the leader is heard or a vote is
/// granted, and for nothing else.
#[test]
fn only_the_leader_and_granted_votes_start_the_timer_again() {
    let (mut cluster, log) = holder(&[1, 2]);
    let head = log[1].point();
    let mut moved = |act: &dyn Fn(&mut Cluster)| {
        let before = cluster.raft(0).next_deadline();
        cluster.advance_to(Time(cluster.now.monotonic.0 + 7));
        act(&mut cluster);
        cluster.raft(0).next_deadline() != before
    };
    assert!(
        !moved(&|cluster| {
            ask(cluster, 1, 5, (1, 1));
        }),
        "behind"
    );
    assert!(
        moved(&|cluster| {
            ask(cluster, 1, 5, (2, 2));
        }),
        "granted"
    );
    assert!(
        !moved(&|cluster| {
            ask(cluster, 2, 5, (2, 2));
        }),
        "taken"
    );
    let old = append(4, head, &[], 0);
    assert!(!moved(&|cluster| {
        tell(cluster, 2, old.clone());
    }));
    let leader = append(5, head, &[], 0);
    assert!(moved(&|cluster| {
        tell(cluster, 1, leader.clone());
    }));
    let lost = append(
        5,
        Point {
            index: Index(9),
            hash: Hash([1; 32]),
        },
        &[],
        0,
    );
    assert!(
        moved(&|cluster| {
            tell(cluster, 1, lost.clone());
        }),
        "a leader is heard even where the logs differ"
    );
}

/// Rules for all servers: "If RPC request or response contains term T > currentTerm: set
/// currentTerm = T, convert to follower".
#[test]
fn a_later_term_makes_anybody_a_follower() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let reply = RaftAppendReply {
        epoch: Epoch::ZERO,
        term: Term(40),
        round: 0,
        outcome: AppendOutcome::Conflict { try_from: Index(1) },
    };
    let reply = cluster.forge((leader + 1) % 3, reply);
    cluster.handle(leader, Event::Message(reply));
    assert_eq!(cluster.raft(leader).term(), Term(40));
    assert_eq!(cluster.nodes[leader].disk.vote_state.term, Term(40));
    assert!(!cluster.raft(leader).is_leader());

    let (mut cluster, log) = holder(&[1]);
    cluster.provoke(0);
    assert_eq!(cluster.raft(0).status().role, Role::Candidate);
    let refusal = RaftVote {
        epoch: Epoch::ZERO,
        term: Term(8),
        pre_vote: true,
        granted: false,
    };
    let refusal = cluster.forge(1, refusal);
    cluster.handle(0, Event::Message(refusal));
    assert_eq!(cluster.raft(0).term(), Term(8));
    assert!(matches!(cluster.raft(0).part, Part::Follower));
    tell(&mut cluster, 2, append(9, log[0].point(), &[], 0));
    let raft = cluster.raft(0);
    assert_eq!((raft.term(), raft.leader), (Term(9), Some(id(2))));
}
