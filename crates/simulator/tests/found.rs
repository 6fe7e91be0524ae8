//! Scenario files of seeds that broke the rules as they stood at commit 0bd2436 (`docs/simulator.md`). They are
//! plans, so that they stay what they are when seeds draw something else.

use simulator::{
    plan::{self, Plan},
    trace::Trace,
};

fn holds(file: &str, broke: &str) {
    let plan = Plan::from_json(file).expect("a plan");
    assert_eq!(plan.breaks.as_deref(), Some(broke));
    let played = plan::play(&plan, Trace::Off).expect("a plan that can be played");
    assert_eq!(played.broken, None);
    assert!(played.answered > 0 && played.commits > 0, "{played:?}");
}

/// Seed 1 of seven nodes with hoarders: a base that nobody could adopt was elected again and again.
#[test]
fn a_dead_base() {
    let file = include_str!("found/dead-base.json");
    holds(file, "who is elected leads");
}

/// Seed 37 of four nodes with a brancher: a collector had to hold more than it had room for.
#[test]
fn a_flood_of_branches() {
    let file = include_str!("found/branch-flood.json");
    holds(file, "liveness");
}

/// Seed 5 of four nodes with a runaway: it left a node behind, and suspicions lay too far apart.
#[test]
fn a_leader_that_runs_away() {
    let file = include_str!("found/runaway-leader.json");
    holds(file, "liveness");
}
