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
        mutation: Mutation::UnjustifiedReportCounts,
        id: "unjustified-report-counts",
        rule: "P4.5",
        breaks: "a report counts whose pair nothing justifies, and whose headers hang from anything",
        detectors: &[Detector::Test {
            package: "consensus",
            test: Some("bending"),
            name: "a_report_that_nothing_justifies_counts_once_the_rule_is_gone",
        }],
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
    Entry {
        mutation: Mutation::DeadBaseSelected,
        id: "dead-base-selected",
        rule: "P4.5",
        breaks: "a leader asks for grants for a base that it could not adopt itself",
        detectors: &[
            seeds(7, "hoarder"),
            attack("dead_bases", "a_base_with_a_withheld_body_is_elected_once"),
            attack("dead_bases", "a_base_far_ahead_is_elected_once"),
            attack("dead_bases", "a_base_whose_clock_goes_back_is_elected_once"),
            attack(
                "dead_bases",
                "at_four_nodes_a_base_with_a_withheld_body_is_elected_once",
            ),
        ],
    },
    Entry {
        mutation: Mutation::NewestReportStands,
        id: "newest-report-stands",
        rule: "P4.5",
        breaks: "a reporter replaces its report, and with it what the collector looks at, at will",
        detectors: &[attack(
            "branch_floods",
            "a_reporter_that_changes_its_report_gets_no_more_room",
        )],
    },
    Entry {
        mutation: Mutation::BaseWithoutLimit,
        id: "base-without-limit",
        rule: "P4.5, P12.1",
        breaks: "a collector fetches whatever a report names, however large it turns out to be",
        detectors: &[attack(
            "branch_floods",
            "a_base_larger_than_any_correct_node_accepted_is_not_fetched",
        )],
    },
];
