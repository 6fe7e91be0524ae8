//! That contradictions come together and convict (P7.3).

use consensus::mutation::Mutation;

use crate::mutations::{Detector, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::UnfitKept,
        id: "unfit-kept",
        rule: "P7.3",
        breaks: "a node keeps to itself the statements that do not fit its chain",
        detectors: &[
            Detector::Twins("4:0:0a|123+;012+|3a+@0"),
            Detector::Twins("4:0:0a|123+;013+|2a+@0"),
        ],
    },
    Entry {
        mutation: Mutation::DeniedKept,
        id: "denied-kept",
        rule: "P7.3",
        breaks: "a node keeps to itself the votes that a report denies, of which it is told",
        detectors: &[Detector::Test {
            package: "consensus",
            test: Some("denied_votes"),
            name: "a_vote_that_a_report_denies_is_shown_to_who_has_the_report",
        }],
    },
];
