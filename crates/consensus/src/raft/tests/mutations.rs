//! What happens when a rule is broken on purpose (`docs/mutations.md`): each scene comes out right
//! with the rule whole, and fails with the switch on.

use super::*;
use crate::{message::RaftRequestVote, mutation::Mutation, types::Epoch};

/// Plays a scene with the rule whole and, where the build can break it, broken.
fn bites(mutation: Mutation, scene: fn()) {
    scene();
    #[cfg(feature = "mutations")]
    {
        let _broken = crate::mutation::activate(Some(mutation));
        assert!(
            std::panic::catch_unwind(scene).is_err(),
            "nothing depends on the rule"
        );
    }
    #[cfg(not(feature = "mutations"))]
    let _ = mutation;
}

/// A leader that was cut off, and has not noticed, is asked after another committed more.
#[test]
fn a_deposed_leader_reads_nothing_old() {
    bites(Mutation::RaftReadWithoutRound, || {
        let mut cluster = Cluster::new(3);
        let old = cluster.elect();
        cluster.isolate(old);
        let new = (old + 1) % 3;
        while !cluster.raft(new).is_leader() {
            cluster.provoke(new);
            cluster.settle();
        }
        cluster.submit(new, 5);
        cluster.settle();
        assert!(cluster.raft(new).commit.index > cluster.raft(old).commit.index);
        assert!(cluster.raft(old).is_leader());
        // The network asserts that no read misses what was committed before.
        cluster.read(old, 1);
        assert!(cluster.nodes[old].reads.is_empty());
    });
}

/// A node votes and starts again, and another candidate of the same term asks.
#[test]
fn a_restarted_voter_does_not_vote_again() {
    bites(Mutation::RaftVoteForgotten, || {
        let mut cluster = Cluster::new(3);
        for candidate in [0, 1] {
            let request = RaftRequestVote {
                epoch: Epoch::ZERO,
                term: Term(5),
                pre_vote: false,
                last_index: Index(9),
                last_term: Term(1),
            };
            let request = cluster.forge(candidate, request);
            cluster.handle(2, Event::Message(request));
            cluster.crash(2);
            cluster.start(2);
        }
        let granted = cluster.sent.iter().filter(|(from, _, message)| {
            *from == id(2) && matches!(&**message, Message::RaftVote(vote) if vote.body.granted)
        });
        assert_eq!(granted.count(), 1);
    });
}

/// Figure 8 (c): a majority holds an entry of an older term.
#[test]
fn copies_of_an_older_term_commit_nothing() {
    bites(
        Mutation::RaftOlderTermCounted,
        figures::entries_of_earlier_terms_are_not_committed_by_counting,
    );
}
