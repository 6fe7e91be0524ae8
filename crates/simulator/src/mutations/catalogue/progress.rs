//! Suspecting, timers and late nodes (P4.2, P4.3, P4.6).

use consensus::mutation::Mutation;

use crate::mutations::{Detector, Entry};

/// A test of how requests are taken in, handed on and watched over.
const fn requests(name: &'static str) -> Detector {
    Detector::Test {
        package: "consensus",
        test: Some("admission"),
        name,
    }
}

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
    Entry {
        mutation: Mutation::UnappliedForgotten,
        id: "unapplied-forgotten",
        rule: "P6.2",
        breaks: "what is committed and not applied is forgotten when requests are taken in or missed",
        detectors: &[requests("what_is_handed_on_again_is_committed_once")],
    },
    Entry {
        mutation: Mutation::RefusedWatched,
        id: "refused-watched",
        rule: "P6.2",
        breaks: "what the application refuses is still handed on and watched over",
        detectors: &[requests("what_is_no_longer_admitted_deposes_nobody")],
    },
    Entry {
        mutation: Mutation::HandedOnOnce,
        id: "handed-on-once",
        rule: "P6.3",
        breaks: "a watched request is handed on once, and not again",
        detectors: &[requests("a_lost_hand_on_is_repeated_before_the_timer_ends")],
    },
    Entry {
        mutation: Mutation::NoReserve,
        id: "no-reserve",
        rule: "P6.3",
        breaks: "a leader has no room beside the ordinary for what others watch over",
        detectors: &[requests(
            "what_is_watched_over_finds_room_beside_a_full_account",
        )],
    },
];
