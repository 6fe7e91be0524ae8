//! Accepting, voting and committing (P3).

use consensus::{Mode, mutation::Mutation};

use crate::mutations::{Detector, Entry, Seeds};

const fn seeds(mode: Mode, nodes: usize, adversary: &'static str) -> Detector {
    Detector::Seeds(Seeds {
        mode,
        nodes,
        adversary,
        seeds: 0..400,
    })
}

/// A scripted attack on the core itself.
const fn attack(test: &'static str, name: &'static str) -> Detector {
    Detector::Test {
        package: "consensus",
        test: Some(test),
        name,
    }
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::OneRoundCommitByQuorum,
        id: "one-round-commit-by-quorum",
        rule: "P2.7, P3.6",
        breaks: "Q accepted votes commit in one round, also where F is larger",
        detectors: &[
            Detector::Search {
                id: "bases",
                nodes: 7,
                seeds: 0..100_000,
            },
            Detector::Scenario("split-7-quorum"),
        ],
    },
    Entry {
        mutation: Mutation::TruncationBelowCommit,
        id: "truncation-below-commit",
        rule: "P3.2 (4), P10.1",
        breaks: "entries of the leader replace the log from where they begin, as an old message's do",
        detectors: &[
            seeds(Mode::Byzantine, 4, "none"),
            seeds(Mode::Raft, 3, "none"),
        ],
    },
    Entry {
        mutation: Mutation::VotesInTermLeft,
        id: "votes-in-term-left",
        rule: "P3.4, P4.3",
        breaks: "a node goes on accepting and voting in a term that it left",
        detectors: &[seeds(Mode::Byzantine, 4, "none")],
    },
    Entry {
        mutation: Mutation::VotesBelowBase,
        id: "votes-below-base",
        rule: "P3.4, P4.9",
        breaks: "a node that lacks the base votes in the new term for what it has",
        detectors: &[seeds(Mode::Byzantine, 4, "rotating")],
    },
    Entry {
        mutation: Mutation::SecondBranchAccepted,
        id: "second-branch-accepted",
        rule: "P3.4",
        breaks: "a node follows its leader to another branch of the term",
        detectors: &[Detector::Scenario("second-branch")],
    },
    Entry {
        mutation: Mutation::LosingBranchForgotten,
        id: "losing-branch-forgotten",
        rule: "P3.3",
        breaks: "a node that a certificate shows another branch forgets what it voted for",
        detectors: &[seeds(Mode::Byzantine, 4, "equivocator")],
    },
    Entry {
        mutation: Mutation::SmallerQuorum,
        id: "smaller-quorum",
        rule: "P1.2",
        breaks: "a quorum is one node smaller",
        detectors: &[seeds(Mode::Byzantine, 4, "equivocator")],
    },
    Entry {
        mutation: Mutation::LosingBranchHidden,
        id: "losing-branch-hidden",
        rule: "P3.3",
        breaks: "a node shows the branch that it put aside to nobody",
        detectors: &[attack(
            "losing_branches",
            "a_losing_branch_is_shown_to_whoever_asks_after_a_restart",
        )],
    },
    Entry {
        mutation: Mutation::WindowBytesIgnored,
        id: "window-bytes-ignored",
        rule: "P3.2 (3)",
        breaks: "a follower accepts entries however many bytes lie beyond the commit point",
        detectors: &[attack(
            "windows",
            "a_follower_keeps_to_the_bytes_of_the_window",
        )],
    },
    Entry {
        mutation: Mutation::EmptyEntryValid,
        id: "empty-entry-valid",
        rule: "P3.2",
        breaks: "an entry of transactions may be empty",
        detectors: &[attack("windows", "an_empty_entry_is_refused")],
    },
];
