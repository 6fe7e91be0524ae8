use std::collections::BTreeSet;

use consensus::NodeId;

use super::{schedule::ScheduleError, symmetry, *};
use crate::trace::Trace;

fn enumeration(depth: usize, reach: Reach) -> Enumeration {
    Enumeration {
        nodes: 4,
        depth,
        sets: 2,
        reach,
        seed: 0,
    }
}

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap()
}

#[test]
fn a_schedule_is_the_text_it_prints() {
    let text = "4:0:01+|23a;01a+|23+@17";
    assert_eq!(schedule(text).to_string(), text);
    // Sets are told apart by who is in them, not by their order.
    assert_eq!(schedule("4:0:32a|10+;01a+|23+@17"), schedule(text));
    assert_eq!(schedule("4::0123+").seed, 0);
    let shape = Shape {
        nodes: 7,
        depth: 9,
        sets: 4,
    };
    for seed in 0..50 {
        let drawn = sample(shape, seed).unwrap();
        assert_eq!(drawn.twins.len(), 2);
        assert_eq!(schedule(&drawn.to_string()), drawn);
    }
}

#[test]
fn what_is_no_schedule_is_refused() {
    let refusal = |text: &str| text.parse::<Schedule>().unwrap_err();
    let long = format!("4:0:{}0123a", "0123a;".repeat(64));
    for (text, expected) in [
        ("", ScheduleError::Form),
        ("4:0", ScheduleError::Form),
        ("4:0:0123a:0", ScheduleError::Form),
        ("4:0:0123a@x", ScheduleError::Form),
        ("3:0:012a", ScheduleError::Nodes),
        ("11:0:012a", ScheduleError::Nodes),
        ("18446744073709551615:0:0", ScheduleError::Nodes),
        ("4:4:0123a", ScheduleError::Twins { nodes: 4, most: 1 }),
        ("4:01:0123ab", ScheduleError::Twins { nodes: 4, most: 1 }),
        ("7:10:0123456ab", ScheduleError::Twins { nodes: 7, most: 2 }),
        (&long, ScheduleError::Rounds),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
    for round in ["0123", "0123ab", "01123a", "0123a||", "", "0+123a", "é"] {
        let text = format!("4:0:{round}");
        assert!(
            matches!(refusal(&text), ScheduleError::Seats { .. }),
            "{text}"
        );
    }
}

/// 16 ways to divide five copies into at most two sets, four nodes that may have the twin.
#[test]
fn every_schedule_of_a_depth_is_there_once() {
    for (reach, rounds) in [(Reach::All, 16), (Reach::Chosen, 1 + 15 * 3)] {
        for depth in [1, 2] {
            let all = enumeration(depth, reach);
            let expected = 4 * rounds_to(rounds, depth);
            assert_eq!(all.size(), Some(expected));
            let kinds: Vec<Schedule> = all.schedules().collect();
            let distinct: BTreeSet<&Schedule> = kinds.iter().collect();
            assert_eq!(distinct.len(), kinds.len());
            // Everything that was left out is the same as something that was not, and as one only.
            let covered: Vec<Schedule> = kinds.iter().flat_map(symmetry::same).collect();
            assert_eq!(covered.len() as u64, expected);
            let covered: BTreeSet<Schedule> = covered.into_iter().collect();
            assert_eq!(covered.len() as u64, expected);
        }
    }
}

fn rounds_to(rounds: u64, depth: usize) -> u64 {
    rounds.pow(u32::try_from(depth).unwrap())
}

#[test]
fn leaders_are_not_taken_for_one_another() {
    // One change of leaders is possible: 0 and 1 lead, 2 and 3 are of one kind.
    let one = schedule("4:0:0+|123a+");
    assert_eq!(symmetry::highest_term(&one), 1);
    let same = symmetry::same(&one);
    assert!(same.contains(&schedule("4:0:a+|0123+")));
    let one = schedule("4:1:02+|13a+");
    assert_eq!(symmetry::highest_term(&one), 0);
    let same = symmetry::same(&one);
    for other in ["4:1:03+|12a+", "4:2:01+|23a+", "4:3:0a+|123+"] {
        assert_eq!(
            same.contains(&schedule(other)),
            symmetry::highest_term(&schedule(other)) == 0,
            "{other}"
        );
    }
    assert!(same.iter().all(|other| !other.twins.contains(&NodeId(0))));
}

#[test]
fn twins_are_two_and_caught() {
    // Both copies lead term 0 with different requests, and then everybody hears both.
    let played = play(&schedule("4:0:01+|23a+;0123a+"), None, Trace::Off);
    assert_eq!(played.violation, None);
    assert!(played.accused, "two branches of one leader prove it");
    // Without a twin nobody is.
    let played = play(&schedule("4::01+|23+;0123+"), None, Trace::Off);
    assert_eq!(played.violation, None);
    assert!(!played.accused && played.commits > 0);
}

/// The report that denies a vote is one node's, the vote another's, and both fit the chain of who
/// holds them (P7.3).
#[test]
fn a_report_to_one_and_a_vote_to_another_convict() {
    for (text, contradicts) in [
        ("4:2:01+|23a+;02|13a+@0", true),
        ("4:2:03+|12a+;03+|12a+;02+|13a+@0", true),
        ("4:3:01|23a+;023|1a+@0", false),
        ("4:3:01|23a+;02a|13+@0", false),
    ] {
        let played = play(&schedule(text), None, Trace::Off);
        assert_eq!(played.violation, None, "{text}");
        assert_eq!(played.accused, contradicts, "{text}");
    }
}

#[test]
fn every_schedule_of_one_round_is_harmless() {
    let kinds = enumeration(1, Reach::Chosen).schedules();
    let totals = run(kinds, true, None, 2, &|| false, &|_| {});
    assert!(totals.played > 20);
    assert!(totals.violations.is_empty(), "{:?}", totals.violations);
}

#[test]
fn two_pairs_of_twins_are_harmless() {
    let shape = Shape {
        nodes: 7,
        depth: 5,
        sets: 3,
    };
    let drawn = (0..12).filter_map(|seed| sample(shape, seed));
    let totals = run(drawn, false, None, 2, &|| false, &|_| {});
    assert_eq!(totals.played, 12);
    assert!(totals.violations.is_empty(), "{:?}", totals.violations);
    assert!(totals.convictions > 0, "no schedule shows what twins do");
}
