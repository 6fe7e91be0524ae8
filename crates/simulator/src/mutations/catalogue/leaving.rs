//! Leaving a term in two steps (P4.2, P4.3).

use consensus::mutation::Mutation;

use crate::mutations::{Detector, Entry};

const fn test(name: &'static str) -> Detector {
    Detector::Test {
        package: "consensus",
        test: Some("leaving"),
        name,
    }
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::LeaveByFewLeaves,
        id: "leave-by-few-leaves",
        rule: "P4.3",
        breaks: "f + 1 Leaves are a leave certificate",
        detectors: &[
            Detector::Replay(0..20),
            Detector::Test {
                package: "consensus",
                test: Some("certificates"),
                name: "f_plus_one_leaves_are_no_certificate",
            },
        ],
    },
    Entry {
        mutation: Mutation::LeavesOnFewSuspects,
        id: "leaves-on-few-suspects",
        rule: "P4.3",
        breaks: "a node signs that it would leave when f + 1 suspect",
        detectors: &[
            Detector::Scenario("few-suspects"),
            test("f_plus_one_that_suspect_are_too_few"),
        ],
    },
    Entry {
        mutation: Mutation::LeavesNotFollowed,
        id: "leaves-not-followed",
        rule: "P4.3",
        breaks: "a node that holds f + 1 Leaves goes on counting for itself",
        detectors: &[test("f_plus_one_leaves_make_others_sign")],
    },
    Entry {
        mutation: Mutation::LeavesNotCounted,
        id: "leaves-not-counted",
        rule: "P4.3",
        breaks: "whose Leave a node holds counts only while its Suspects are fresh",
        detectors: &[test("a_leave_does_not_age")],
    },
    Entry {
        mutation: Mutation::LeaveSentOnce,
        id: "leave-sent-once",
        rule: "P4.3",
        breaks: "a Leave is sent once",
        detectors: &[test("a_leave_is_repeated_until_the_term_is_left")],
    },
    Entry {
        mutation: Mutation::LeavesKept,
        id: "leaves-kept",
        rule: "P4.3",
        breaks: "nobody passes on the Leaves of others",
        detectors: &[test("a_leave_reaches_whom_its_maker_does_not")],
    },
    Entry {
        mutation: Mutation::LeaveBinds,
        id: "leave-binds",
        rule: "P4.3",
        breaks: "a node that signed a Leave votes no more in its term",
        detectors: &[test("a_leave_binds_to_nothing")],
    },
    Entry {
        mutation: Mutation::SuspectsNeverAge,
        id: "suspects-never-age",
        rule: "P4.3",
        breaks: "a Suspect counts until its term ends",
        detectors: &[
            Detector::Scenario("suspicions-added-up"),
            test("suspects_of_different_moments_do_not_add_up"),
        ],
    },
    Entry {
        mutation: Mutation::SuspectsCountByLevel,
        id: "suspects-count-by-level",
        rule: "P4.3",
        breaks: "a Suspect counts for longer the higher the receiver's level",
        detectors: &[test("suspects_of_different_moments_do_not_add_up")],
    },
    Entry {
        mutation: Mutation::SuspectsByLevel,
        id: "suspects-by-level",
        rule: "P4.2",
        breaks: "a Suspect is repeated less often the higher its maker's level",
        detectors: &[test(
            "a_suspect_is_repeated_four_times_in_the_shortest_silence_timer",
        )],
    },
    Entry {
        mutation: Mutation::SuspectsCarried,
        id: "suspects-carried",
        rule: "P4.2",
        breaks: "a Suspect counts whoever brings it",
        detectors: &[
            Detector::Scenario("suspicions-added-up"),
            test("a_suspect_counts_over_its_makers_channel_alone"),
        ],
    },
    Entry {
        mutation: Mutation::LeadersSuspicionTakenOver,
        id: "leaders-suspicion-taken-over",
        rule: "P4.2",
        breaks: "whatever a leader suspects itself of becomes the cause of everybody",
        detectors: &[test(
            "what_a_leader_suspects_itself_of_in_passing_is_its_own_affair",
        )],
    },
];
