//! What is on disk before it is said (P3.8, P11).

use consensus::{Mode, mutation::Mutation};

use crate::mutations::{Detector, Entry, Seeds};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::VoteBeforeWrite,
        id: "vote-before-write",
        rule: "P3.2, P11.1",
        breaks: "a vote leaves, and counts, before its write is durable",
        detectors: &[Detector::Seeds(Seeds {
            mode: Mode::Byzantine,
            nodes: 4,
            adversary: "none",
            seeds: 0..10,
        })],
    },
    Entry {
        mutation: Mutation::ProofBeforeWrite,
        id: "proof-before-write",
        rule: "P11.1",
        breaks: "a leave certificate with a node's own Leave leaves before that Leave may",
        detectors: &[Detector::Replay(600..700)],
    },
    Entry {
        mutation: Mutation::LockForgotten,
        id: "lock-forgotten",
        rule: "P3.5, P11.1",
        breaks: "a node that starts again forgets its lock",
        detectors: &[Detector::Scenario("restarted-locks")],
    },
    Entry {
        mutation: Mutation::PairForgotten,
        id: "pair-forgotten",
        rule: "P3.3, P11.1",
        breaks: "a node that starts again forgets its accepted pair, but for what is committed",
        detectors: &[Detector::Seeds(Seeds {
            mode: Mode::Byzantine,
            nodes: 4,
            adversary: "rotating",
            seeds: 0..400,
        })],
    },
    Entry {
        mutation: Mutation::LedForgotten,
        id: "led-forgotten",
        rule: "P3.8",
        breaks: "a node that starts again does not look whether it led its term before",
        detectors: &[Detector::Scenario("forgotten-led")],
    },
];
