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
        detectors: &[
            Detector::Twins("4:2:01+|23a+;02|13a+@0"),
            Detector::Twins("4:2:03+|12a+;02|13a+@0"),
        ],
    },
];
