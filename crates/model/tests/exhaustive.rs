//! Exhaustive checks at n = 4: the rules as written hold, and broken ones are found without luck.

use model::safety::{
    Variation,
    check::{Check, Checked},
    moves::Bounds,
};

fn check(traitor: usize, variation: Variation, bounds: Bounds) -> Checked {
    let check = Check {
        nodes: 4,
        byzantine: vec![traitor],
        bounds,
        variation,
        threads: 2,
        limit: None,
        most_steps: None,
    };
    check.run().unwrap()
}

const SMALL: Bounds = Bounds {
    terms: 2,
    entries: 1,
    branches: 2,
    stop_signs: false,
    detours: false,
};

#[test]
fn two_terms_hold_whoever_the_traitor_is() {
    for traitor in [0, 1, 2] {
        let checked = check(traitor, Variation::AsWritten, SMALL);
        assert!(checked.complete, "traitor {traitor}: {checked:?}");
        // Fewer states than this would mean that something can no longer happen.
        assert!(checked.states > 2_500, "traitor {traitor}: {checked:?}");
    }
}

#[test]
fn two_terms_hold_with_stop_signs_and_detours() {
    let bounds = Bounds {
        stop_signs: true,
        detours: true,
        ..SMALL
    };
    let checked = check(1, Variation::AsWritten, bounds);
    assert!(checked.complete && checked.states > 5_000, "{checked:?}");
}

#[test]
fn broken_rules_fork_within_two_terms() {
    for (variation, traitor) in [
        (Variation::PublishedPaper, 0),
        (Variation::PublishedCode, 1),
        (Variation::EquivocatorCounts, 0),
        (Variation::ThresholdHigher, 0),
        (Variation::ThresholdLower, 0),
        (Variation::ExtendsWithoutEquality, 0),
        (Variation::AcceptedLeftOut, 0),
        (Variation::SignersCountTwice, 0),
        (Variation::VotesInTermLeft, 0),
        (Variation::RepeatedCertificateLowers, 0),
        (Variation::GrantsTwice, 0),
        (Variation::VoteBeforeWrite, 0),
        (Variation::PairForgotten, 0),
    ] {
        let checked = check(traitor, variation, SMALL);
        let found = checked
            .counterexample
            .unwrap_or_else(|| panic!("{variation} went unnoticed in {} states", checked.states));
        assert_ne!(
            found.name, "not-replayable",
            "{variation}: {:?}",
            found.lines
        );
    }
}

#[test]
fn the_number_of_leaves_is_no_matter_of_safety() {
    let checked = check(0, Variation::LeaveByFewLeaves, SMALL);
    assert!(checked.complete, "{checked:?}");
}
