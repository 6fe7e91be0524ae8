//! Every rule that can be broken is broken, and noticed (`docs/mutations.md`). Needs the feature
//! `mutations`; with --release it takes well under two minutes on two cores.
#![cfg(feature = "mutations")]

use simulator::mutations::{Detector, attempt, catalogue};

/// Detectors that need more than a few seconds are left to `cargo sim mutations`.
const SLOW: [&str; 3] = [
    "votes-below-base",
    "level-reset-by-commit",
    "raft-counts-unwritten",
];

#[test]
fn what_breaks_a_rule_is_noticed_and_nothing_else_is() {
    let mut tried = 0;
    let mut unnoticed = Vec::new();
    for entry in catalogue::entries().filter(|entry| !SLOW.contains(&entry.id)) {
        // One detector each; whole networks before searches, as they say more.
        let of_program = || entry.detectors.iter().filter(|one| !one.is_test());
        let whole = of_program().find(|one| !matches!(one, Detector::Search { .. }));
        let Some(detector) = whole.or_else(|| of_program().next()) else {
            continue;
        };
        let attempt = attempt(entry, detector).expect("no test of another crate");
        tried += 1;
        if !attempt.holds() {
            unnoticed.push((entry.id, detector.describe(), attempt));
        }
    }
    assert!(tried > 20, "{tried}");
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}

#[test]
fn what_is_left_out_exists() {
    for id in SLOW {
        assert!(catalogue::find(id).is_some(), "{id}");
    }
}
