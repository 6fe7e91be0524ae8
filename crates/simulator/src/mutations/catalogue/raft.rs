//! The Raft modes (P10.1).

use consensus::{Mode, mutation::Mutation};

use crate::mutations::{Detector, Entry, Seeds};

/// Seeds of five nodes, or of as many as said.
const fn seeds(nodes: usize) -> Detector {
    Detector::Seeds(Seeds {
        mode: Mode::Raft,
        nodes,
        adversary: "none",
        seeds: 0..2_000,
    })
}

/// A test beside the code.
const fn test(name: &'static str) -> Detector {
    Detector::Test {
        package: "consensus",
        test: None,
        name,
    }
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::RaftVotesTwice,
        id: "raft-votes-twice",
        rule: "P10.1, Raft § 5.2",
        breaks: "a node votes for whoever asks, however often in a term",
        detectors: &[seeds(3), seeds(5)],
    },
    Entry {
        mutation: Mutation::RaftVotesForStaleLog,
        id: "raft-votes-for-stale-log",
        rule: "P10.1, Raft § 5.4.1",
        breaks: "a node votes for a candidate whose log is behind its own",
        detectors: &[seeds(3), seeds(5)],
    },
    Entry {
        mutation: Mutation::RaftRefusalCounts,
        id: "raft-refusal-counts",
        rule: "P10.1, Raft § 5.2",
        breaks: "a refusal counts as a vote",
        detectors: &[seeds(3), seeds(5)],
    },
    Entry {
        mutation: Mutation::RaftCommitsUnmatched,
        id: "raft-commits-unmatched",
        rule: "P10.1, Raft figure 2",
        breaks: "a follower commits as far as the leader, though it may hold other entries there",
        detectors: &[seeds(3), seeds(5)],
    },
    Entry {
        mutation: Mutation::RaftCountsUnwritten,
        id: "raft-counts-unwritten",
        rule: "P10.1, P11.1",
        breaks: "a leader counts its own copy of an entry before it is on disk",
        detectors: &[seeds(3)],
    },
    Entry {
        mutation: Mutation::RaftVoteBeforeWrite,
        id: "raft-vote-before-write",
        rule: "P10.1, P11.1",
        breaks: "a vote for a candidate leaves before it is durable",
        detectors: &[seeds(3), seeds(5)],
    },
    Entry {
        mutation: Mutation::RaftVoteForgotten,
        id: "raft-vote-forgotten",
        rule: "P10.1, P11.1",
        breaks: "a node that starts again forgets its term and its vote",
        detectors: &[test("a_restarted_voter_does_not_vote_again")],
    },
    Entry {
        mutation: Mutation::RaftOlderTermCounted,
        id: "raft-older-term-counted",
        rule: "P10.1, Raft § 5.4.2",
        breaks: "copies of an entry of an older term commit it",
        detectors: &[test("copies_of_an_older_term_commit_nothing")],
    },
    Entry {
        mutation: Mutation::RaftReadWithoutRound,
        id: "raft-read-without-round",
        rule: "P10.1, P7.2",
        breaks: "a leader answers a linearizable read without asking whether it still leads",
        detectors: &[test("a_deposed_leader_reads_nothing_old")],
    },
];
