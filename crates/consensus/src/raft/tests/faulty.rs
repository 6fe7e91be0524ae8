//! Messages that no correct node sends: they change nothing, and nobody panics.

use super::*;
use crate::{
    message::{RaftAppend, RaftAppendReply},
    types::Epoch,
};

fn append(term: Term, previous: Point, entries: Vec<Arc<Entry>>) -> RaftAppend {
    RaftAppend {
        epoch: Epoch::ZERO,
        term,
        previous,
        entries,
        commit: Index(u64::MAX),
        round: u64::MAX,
    }
}

#[test]
fn what_is_committed_is_never_replaced() {
    let mut cluster = Cluster::of_mode(Mode::RaftSigned, 3, 1);
    let leader = cluster.elect();
    for number in 0..5 {
        cluster.submit(leader, number);
        cluster.settle();
    }
    let victim = (leader + 1) % 3;
    let traitor = (leader + 2) % 3;
    let head = cluster.raft(victim).log.last();
    let chain = cluster.nodes[victim].disk.chain.clone();
    let opening = cluster.configuration.opening();
    let term = Term(50);
    let branch = cluster.chain(&chain[..2], traitor, &[9, 9, 9, 9, 9, 9, 9]);
    let attacks = [
        append(term, opening, branch.clone()),
        append(term, branch[1].point(), branch[2..].to_vec()),
        append(term, branch[3].point(), branch[4..].to_vec()),
        append(term, branch[3].point(), Vec::new()),
    ];
    for attack in attacks {
        cluster.nodes[victim].notices.clear();
        let attack = cluster.forge(traitor, attack);
        cluster.handle(victim, Event::Message(attack));
        let raft = cluster.raft(victim);
        assert_eq!((raft.log.last(), raft.commit), (head, head));
        let notices = &cluster.nodes[victim].notices;
        assert!(matches!(notices.last(), Some(Notice::BaseRefused { .. })));
    }
}

#[test]
fn a_message_that_contradicts_itself_is_ignored() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let (victim, traitor) = ((leader + 1) % 3, (leader + 2) % 3);
    let term = cluster.raft(victim).term();
    let head = cluster.raft(victim).log.last();
    let chain = cluster.nodes[victim].disk.chain.clone();
    let next = cluster.chain(&chain, traitor, &[20, 20]);
    let last = next.len() - 1;
    let nowhere = Point {
        index: Index(u64::MAX),
        hash: Hash([1; 32]),
    };
    let attacks = [
        // Entries that do not follow what the message names.
        append(Term(30), head, next[last..].to_vec()),
        append(Term(30), nowhere, next[last..].to_vec()),
        append(
            Term(30),
            cluster.configuration.opening(),
            next[last..].to_vec(),
        ),
        // Entries of a term later than the message's.
        append(Term(19), head, next[last - 1..].to_vec()),
        // A second leader of the same term.
        append(term, head, Vec::new()),
    ];
    for attack in attacks {
        let attack = cluster.forge(traitor, attack);
        cluster.handle(victim, Event::Message(attack));
        let raft = cluster.raft(victim);
        assert_eq!((raft.term(), raft.log.last()), (term, head));
        assert_eq!(raft.leader, Some(id(leader)));
    }
    // Beyond the log, at the end of all indexes: a conflict like any other.
    let far = cluster.forge(traitor, append(Term(30), nowhere, Vec::new()));
    cluster.handle(victim, Event::Message(far));
    assert_eq!(cluster.raft(victim).log.last(), head);
    // Terms that go back along the chain.
    let older = cluster.chain(&chain, traitor, &[0]);
    let back = append(Term(30), head, older[chain.len()..].to_vec());
    let back = cluster.forge(traitor, back);
    cluster.handle(victim, Event::Message(back));
    assert_eq!(cluster.raft(victim).log.last(), head);
}

#[test]
fn false_answers_do_not_commit_what_is_not_there() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.isolate(leader);
    cluster.submit(leader, 1);
    let raft = cluster.raft(leader);
    let (term, commit, last) = (raft.term(), raft.commit, raft.log.last());
    let false_points = [
        Point {
            index: last.index,
            hash: Hash([1; 32]),
        },
        Point {
            index: Index(u64::MAX),
            hash: last.hash,
        },
        Point {
            index: Index(0),
            hash: Hash([1; 32]),
        },
    ];
    let outcomes =
        false_points
            .map(AppendOutcome::Matched)
            .into_iter()
            .chain([0, 1, u64::MAX].map(|index| AppendOutcome::Conflict {
                try_from: Index(index),
            }));
    for outcome in outcomes {
        for (node, round) in [(1, 0), (2, 1), (1, u64::MAX), (2, 2)] {
            let reply = RaftAppendReply {
                epoch: Epoch::ZERO,
                term,
                round,
                outcome,
            };
            let reply = cluster.forge((leader + node) % 3, reply);
            cluster.handle(leader, Event::Message(reply));
            assert_eq!(cluster.raft(leader).commit, commit);
        }
    }
    cluster.heal();
    cluster.run(1_500);
    cluster.everyone_executed(&[key(1)]);
}

#[test]
fn the_disk_of_a_leader_that_has_nothing_is_not_asked_over_and_over() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let late = (leader + 1) % 3;
    cluster.isolate(late);
    for number in 0..600 {
        cluster.submit(leader, number);
        cluster.settle();
    }
    // Neither an answer without entries nor one that was not asked for does anything.
    let from = cluster.configuration.opening();
    for to in [id(late), id(leader), NodeId(u16::MAX)] {
        for entries in [Vec::new(), cluster.nodes[leader].disk.chain[..9].to_vec()] {
            let before = cluster.sent.len();
            let read = Event::EntriesRead {
                to,
                from,
                entries,
                commit: None,
            };
            cluster.handle(leader, read);
            assert_eq!(cluster.sent.len(), before);
        }
    }
}
