//! What is signed and checked (P2.1 – P2.3).

use consensus::mutation::Mutation;

use crate::mutations::{Detector, Entry};

/// A test that replays something signed elsewhere.
const fn replay(name: &'static str) -> Detector {
    Detector::Test {
        package: "consensus",
        test: Some("replays"),
        name,
    }
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::SignatureWithoutTerm,
        id: "signature-without-term",
        rule: "P2.1",
        breaks: "signatures do not cover the term",
        detectors: &[
            Detector::Scenario("replayed-suspicion"),
            replay("a_leave_of_another_term"),
        ],
    },
    Entry {
        mutation: Mutation::SignatureWithoutEpoch,
        id: "signature-without-epoch",
        rule: "P2.1",
        breaks: "signatures do not cover the epoch",
        detectors: &[replay("a_leave_of_another_epoch")],
    },
    Entry {
        mutation: Mutation::SignatureWithoutNetwork,
        id: "signature-without-network",
        rule: "P2.1",
        breaks: "signatures do not cover the network",
        detectors: &[replay("a_leave_of_another_network")],
    },
    Entry {
        mutation: Mutation::SignatureWithoutMode,
        id: "signature-without-mode",
        rule: "P2.1",
        breaks: "signatures do not cover the mode",
        detectors: &[replay("entry_of_another_mode")],
    },
    Entry {
        mutation: Mutation::BatchDecidesAlone,
        id: "batch-decides-alone",
        rule: "P2.2",
        breaks: "a batch equation decides about the signatures of an entry's requests, alone",
        detectors: &[Detector::Test {
            package: "ledger",
            test: Some("mutations"),
            name: "followers_agree_about_signatures_with_torsion",
        }],
    },
];
