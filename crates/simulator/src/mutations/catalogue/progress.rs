//! Suspecting, timers and late nodes (P4.2, P4.3, P4.6).

use consensus::mutation::Mutation;

use crate::mutations::{Detector, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::SuspectStopsVoting,
        id: "suspect-stops-voting",
        rule: "P4.2",
        breaks: "a node that suspects stops accepting and voting before others suspect too",
        detectors: &[Detector::Scenario("lone-suspect")],
    },
    Entry {
        mutation: Mutation::OldCertificateEndsSuspicion,
        id: "old-certificate-ends-suspicion",
        rule: "P4.2",
        breaks: "a certificate of an older term counts as progress of this one",
        detectors: &[Detector::Scenario("old-certificate")],
    },
    Entry {
        mutation: Mutation::LateNodesUnanswered,
        id: "late-nodes-unanswered",
        rule: "P4.2, P4.3",
        breaks: "nobody answers a node that is behind",
        detectors: &[Detector::Scenario("left-behind")],
    },
    Entry {
        mutation: Mutation::LevelResetByCommit,
        id: "level-reset-by-commit",
        rule: "P4.6",
        breaks: "one commit takes the level of the timers back to zero",
        detectors: &[Detector::Scenario("slow-network")],
    },
];
