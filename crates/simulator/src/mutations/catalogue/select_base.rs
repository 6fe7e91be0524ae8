//! What a new term must keep (P4.8).

use consensus::mutation::Mutation;

use crate::mutations::{Detector, Entry};

/// The search, in networks of so many nodes.
const fn search(nodes: usize) -> Detector {
    Detector::Search {
        id: "bases",
        nodes,
        seeds: 0..100_000,
    }
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::EquivocatorReportCounts,
        id: "equivocator-report-counts",
        rule: "P4.8 step 3",
        breaks: "the report of a leader that signed two branches counts like the others",
        detectors: &[
            search(4),
            search(7),
            Detector::Scenario("split-4"),
            Detector::Scenario("split-7"),
        ],
    },
    Entry {
        mutation: Mutation::ThresholdLower,
        id: "threshold-lower",
        rule: "P4.8 step 3",
        breaks: "a branch is kept with one report less",
        detectors: &[
            search(4),
            search(6),
            Detector::Scenario("split-4"),
            Detector::Scenario("split-7"),
        ],
    },
    Entry {
        mutation: Mutation::ThresholdHigher,
        id: "threshold-higher",
        rule: "P4.8 step 3",
        breaks: "a branch is kept only with one report more",
        detectors: &[
            search(4),
            search(7),
            Detector::Scenario("split-4"),
            Detector::Scenario("split-7"),
        ],
    },
    Entry {
        mutation: Mutation::ThresholdConstant,
        id: "threshold-constant",
        rule: "P4.8 step 3",
        breaks: "the threshold is f + 1, however many reports there are",
        detectors: &[search(6), Detector::Scenario("split-6")],
    },
    Entry {
        mutation: Mutation::CertificatesIgnored,
        id: "certificates-ignored",
        rule: "P4.8, L",
        breaks: "certificates of the highest term in the reports are ignored",
        detectors: &[search(7), Detector::Scenario("split-7-locks")],
    },
    Entry {
        mutation: Mutation::StrictExtends,
        id: "strict-extends",
        rule: "P2.5, P4.8",
        breaks: "a point does not extend itself",
        detectors: &[search(4), search(7), Detector::Scenario("split-4")],
    },
    Entry {
        mutation: Mutation::FewerReports,
        id: "fewer-reports",
        rule: "P4.7, P4.8",
        breaks: "n − f − 1 reports are enough",
        detectors: &[
            search(4),
            Detector::Scenario("split-4"),
            Detector::Scenario("split-7"),
        ],
    },
];
