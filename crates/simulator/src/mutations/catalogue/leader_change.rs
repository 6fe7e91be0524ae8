//! Leaving, reporting, electing, adopting (P4.3 – P4.9).

use consensus::{Mode, mutation::Mutation};

use crate::mutations::{Detector, Entry, Seeds};

const fn seeds(nodes: usize, adversary: &'static str) -> Detector {
    Detector::Seeds(Seeds {
        mode: Mode::Byzantine,
        nodes,
        adversary,
        seeds: 0..400,
    })
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::UnjustifiedReportCounts,
        id: "unjustified-report-counts",
        rule: "P4.5",
        breaks: "a report counts whose pair nothing justifies, and whose headers hang from anything",
        detectors: &[Detector::Scenario("unjustified-branch")],
    },
    Entry {
        mutation: Mutation::RepeatedElectionLowersPair,
        id: "repeated-election-lowers-pair",
        rule: "P4.9",
        breaks: "an election certificate that comes again takes the accepted pair back",
        detectors: &[seeds(4, "replayer")],
    },
    Entry {
        mutation: Mutation::TwoGrants,
        id: "two-grants",
        rule: "P4.7",
        breaks: "a node grants a base in a term in which it granted another",
        detectors: &[seeds(4, "base-forger")],
    },
    Entry {
        mutation: Mutation::BaseBelieved,
        id: "base-believed",
        rule: "P4.7",
        breaks: "a voter grants the base that it is asked for, whatever the reports say",
        detectors: &[Detector::Scenario("believed-base")],
    },
];
