//! Random walks at every size: the rules as written hold, and broken ones fork.

use model::safety::{
    Variation,
    mutations::attempt,
    walk::{Course, walk},
};

const SIZES: [usize; 6] = [4, 5, 6, 7, 9, 10];

#[test]
fn the_rules_as_written_hold() {
    for nodes in SIZES {
        let (mut committed, mut elected) = (0, 0);
        for seed in 0..500 {
            let course = Course {
                stop_signs: seed % 2 == 0,
                ..Course::default()
            };
            let walked = walk(nodes, Variation::AsWritten, course, seed).unwrap();
            assert_eq!(walked.violation, None, "n = {nodes}, seed {seed}");
            committed += walked.committed;
            elected += walked.elected - 1;
        }
        // Walks in which nothing is committed, or nobody elected, would hold whatever the rules.
        assert!(
            committed > 1_000 && elected > 500,
            "n = {nodes}: {committed}, {elected}"
        );
    }
}

#[test]
fn the_same_seed_is_the_same_walk() {
    let walked = |seed| {
        let walked = walk(7, Variation::AsWritten, Course::default(), seed).unwrap();
        walked.actions
    };
    assert_eq!(walked(3), walked(3));
    assert_ne!(walked(3), walked(4));
}

/// Of each broken rule the size where a fork is found soonest; `cargo model mutations` tries all.
#[test]
fn every_broken_rule_forks_somewhere() {
    for variation in Variation::BROKEN {
        let Some(nodes) = soonest(variation) else {
            assert_eq!(variation, Variation::LeaveByFewLeaves);
            continue;
        };
        let course = Course {
            stop_signs: variation.needs_stop_signs(),
            ..Course::default()
        };
        let trial = attempt(variation, nodes, course, 0, 20_000).unwrap();
        let (_, found) = trial
            .counterexample
            .unwrap_or_else(|| panic!("{variation} went unnoticed at n = {nodes}"));
        assert!(found.steps() > 1, "{variation}: {:?}", found.lines);
    }
}

fn soonest(variation: Variation) -> Option<usize> {
    let harmful = variation.harmful_at();
    harmful.first().copied()
}
