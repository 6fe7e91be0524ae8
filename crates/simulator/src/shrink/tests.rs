use consensus::Mode;

use super::*;
use crate::{
    adversary::Behaviour,
    plan::{play, record},
    run::{Adversaries, Options},
};

fn options(mode: Mode, nodes: usize, adversary: &str) -> Options {
    Options {
        mode,
        nodes,
        seconds: 20,
        rate: 20,
        adversaries: Behaviour::find(adversary).map_or(Adversaries::Nobody, Adversaries::Of),
        signatures: None,
        mutation: None,
    }
}

const BUDGET: Budget = Budget {
    plays: 400,
    until: None,
};

/// The first of the seeds that breaks a rule once there were requests, made small.
fn first_failure(options: &Options, traitors: Option<usize>) -> (Plan, Shrunk) {
    let broken = (0..60)
        .map(|seed| record(options, seed, traitors).unwrap())
        .find(|(plan, played)| played.broken.is_some() && Size::of(plan).requests > 0);
    let (plan, _) = broken.expect("one of these seeds fails");
    let shrunk = shrink(&plan, BUDGET).unwrap();
    (plan, shrunk)
}

/// Two traitors of four nodes are one too many: then they can fork what they want.
#[test]
fn a_fork_by_too_many_traitors_becomes_smaller() {
    let options = options(Mode::Byzantine, 4, "equivocator");
    let (plan, shrunk) = first_failure(&options, Some(2));
    assert_eq!(Some(&shrunk.broken.invariant), plan.breaks.as_ref());
    let (before, after) = (Size::of(&plan), Size::of(&shrunk.plan));
    assert!(
        after.requests < before.requests && after.micros < before.micros,
        "{before:?} became {after:?}"
    );
    // The file plays as it says, and what it leaves out was not needed.
    let read = Plan::from_json(&shrunk.plan.to_json()).unwrap();
    let played = play(&read, Trace::Off).unwrap();
    assert_eq!(played.broken, Some(shrunk.broken));
    assert_eq!(read.traitors.len(), 2, "one traitor alone breaks nothing");
}

/// Two silent nodes of four stop the rest: one request shows it as well as hundreds.
#[test]
fn a_network_that_stops_does_so_with_hardly_a_request() {
    let options = options(Mode::Byzantine, 4, "silent");
    let (plan, shrunk) = first_failure(&options, Some(2));
    let (before, after) = (Size::of(&plan), Size::of(&shrunk.plan));
    assert_eq!(shrunk.broken.invariant, "liveness");
    assert!(
        before.requests > 100 && after.requests <= 4,
        "{before:?} became {after:?}"
    );
    assert_eq!(after.acts, 0, "nothing else needs to break");
}

#[test]
fn what_breaks_nothing_cannot_become_smaller() {
    let options = options(Mode::Byzantine, 4, "silent");
    let (plan, _) = record(&options, 1, None).unwrap();
    assert!(matches!(shrink(&plan, BUDGET), Err(ShrinkError::Holds)));
}

#[cfg(feature = "mutations")]
#[test]
fn a_broken_rule_is_found_in_a_short_story() {
    let options = Options {
        mutation: Some(consensus::mutation::Mutation::TruncationBelowCommit),
        ..options(Mode::Raft, 3, "none")
    };
    let (plan, shrunk) = first_failure(&options, None);
    let (before, after) = (Size::of(&plan), Size::of(&shrunk.plan));
    assert!(after.requests <= 3, "{before:?} became {after:?}");
    assert!(after.acts <= 3, "{before:?} became {after:?}");
    // With the rule whole the same story breaks nothing.
    let mended = Plan {
        mutation: None,
        ..shrunk.plan
    };
    assert_eq!(play(&mended, Trace::Off).unwrap().broken, None);
}
