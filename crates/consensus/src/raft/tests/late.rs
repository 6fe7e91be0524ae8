//! Answers of an earlier term that arrive in this one: a vote elects nobody, an acknowledgement
//! commits nothing and serves no read (extended paper §5.1, §5.2).

use super::*;
use crate::{
    message::{RaftAppendReply, RaftVote},
    types::Epoch,
};

fn vote(term: u64, pre_vote: bool, granted: bool) -> RaftVote {
    RaftVote {
        epoch: Epoch::ZERO,
        term: Term(term),
        pre_vote,
        granted,
    }
}

fn answer(cluster: &mut Cluster, from: usize, vote: RaftVote) {
    let vote = cluster.forge(from, vote);
    cluster.handle(0, Event::Message(vote));
}

/// Of five nodes one that stands in term 3 after it was not heard in terms 1 and 2. Only its
/// pre-votes were answered.
fn candidate_of_term_three() -> Cluster {
    let mut cluster = Cluster::new(5);
    for term in 1..=3 {
        cluster.provoke(0);
        cluster.network.clear();
        for voter in [1, 2] {
            answer(&mut cluster, voter, vote(term, true, true));
        }
        cluster.network.clear();
        assert!(matches!(cluster.raft(0).part, Part::Candidate(_)));
        assert_eq!(cluster.raft(0).term(), Term(term));
    }
    cluster
}

#[test]
fn votes_granted_in_an_older_term_elect_nobody_in_this_one() {
    for late in [1, 2] {
        let mut cluster = candidate_of_term_three();
        for voter in 1..5 {
            answer(&mut cluster, voter, vote(late, false, true));
            assert!(!cluster.raft(0).is_leader(), "by votes of term {late}");
        }
        answer(&mut cluster, 1, vote(3, false, true));
        assert!(!cluster.raft(0).is_leader(), "one vote beside its own");
        answer(&mut cluster, 2, vote(3, false, true));
        assert!(cluster.raft(0).is_leader());
    }
}

/// Each would be a vote for whoever stands next, of a node that only said that it would give one.
#[test]
fn pre_votes_elect_nobody() {
    for term in [3, 4] {
        let mut cluster = candidate_of_term_three();
        for voter in 1..5 {
            answer(&mut cluster, voter, vote(term, true, true));
            assert!(!cluster.raft(0).is_leader());
            assert_eq!(cluster.raft(0).term(), Term(3));
        }
    }
}

#[test]
fn pre_votes_for_another_term_than_the_next_do_not_count() {
    let mut cluster = candidate_of_term_three();
    cluster.provoke(0);
    assert!(matches!(cluster.raft(0).part, Part::PreCandidate(_)));
    for term in [2, 3, 5] {
        for voter in 1..5 {
            answer(&mut cluster, voter, vote(term, true, true));
        }
    }
    for voter in 1..5 {
        answer(&mut cluster, voter, vote(4, false, true));
    }
    assert!(matches!(cluster.raft(0).part, Part::PreCandidate(_)));
    assert_eq!(cluster.raft(0).term(), Term(3));
    for voter in [1, 2] {
        answer(&mut cluster, voter, vote(4, true, true));
    }
    assert_eq!(cluster.raft(0).term(), Term(4));
}

#[test]
fn refusals_of_an_older_term_lose_no_election() {
    let mut cluster = candidate_of_term_three();
    for voter in 1..5 {
        answer(&mut cluster, voter, vote(2, false, false));
        answer(&mut cluster, voter, vote(3, true, false));
    }
    assert!(matches!(cluster.raft(0).part, Part::Candidate(_)));
    for voter in [1, 2] {
        answer(&mut cluster, voter, vote(3, false, true));
    }
    assert!(cluster.raft(0).is_leader());
}

/// A leader that led before: in between another did. It leads again, is cut off, and holds an entry
/// and a read that nobody answered.
fn second_leadership() -> (Cluster, usize, Term) {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let first = cluster.raft(leader).term();
    let mut now = leader;
    for _ in 0..40 {
        cluster.isolate(now);
        cluster.run(3_000);
        cluster.heal();
        cluster.run(3_000);
        now = cluster.leader().expect("somebody leads");
        if now == leader {
            break;
        }
    }
    assert_eq!(now, leader, "it never led again");
    assert!(cluster.raft(leader).term() > first);
    cluster.isolate(leader);
    cluster.submit(leader, 1);
    cluster.read(leader, 1);
    (cluster, leader, first)
}

#[test]
fn answers_to_an_earlier_leadership_commit_nothing_and_serve_no_read() {
    let (mut cluster, leader, first) = second_leadership();
    let raft = cluster.raft(leader);
    let (term, commit, last) = (raft.term(), raft.commit, raft.log.last());
    let Part::Leader(leadership) = &raft.part else {
        panic!("it leads");
    };
    let round = leadership.round;
    let reply = |term: Term| RaftAppendReply {
        epoch: Epoch::ZERO,
        term,
        round,
        outcome: AppendOutcome::Matched(last),
    };
    for older in first.0..term.0 {
        for other in 1..3 {
            let late = cluster.forge((leader + other) % 3, reply(Term(older)));
            cluster.handle(leader, Event::Message(late));
        }
        assert_eq!(
            cluster.raft(leader).commit,
            commit,
            "by answers of term {older}"
        );
        assert!(
            cluster.nodes[leader].reads.is_empty(),
            "by answers of term {older}"
        );
    }
    // What makes them count is their term alone.
    let timely = cluster.forge((leader + 1) % 3, reply(term));
    cluster.handle(leader, Event::Message(timely));
    assert_eq!(cluster.raft(leader).commit, last);
    assert_eq!(cluster.nodes[leader].reads[&1], Ok(commit.index));
}

#[test]
fn answers_of_an_earlier_term_do_not_keep_a_leader_in_office() {
    let (mut cluster, leader, first) = second_leadership();
    let term = cluster.raft(leader).term();
    for _ in 0..20 {
        for other in 1..3 {
            let late = RaftAppendReply {
                epoch: Epoch::ZERO,
                term: first,
                round: 0,
                outcome: AppendOutcome::Conflict { try_from: Index(1) },
            };
            let late = cluster.forge((leader + other) % 3, late);
            cluster.handle(leader, Event::Message(late));
        }
        cluster.run(100);
    }
    assert!(!cluster.raft(leader).is_leader());
    assert!(cluster.raft(leader).term() >= term);
}
