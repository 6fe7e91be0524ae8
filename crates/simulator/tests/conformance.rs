//! What correct nodes do is what the rules of `crates/model` allow (`docs/model.md`).

use consensus::{Mode, mutation::Mutation};
use simulator::{
    conformance::{self, Totals},
    run::{Adversaries, Options},
    trace::Trace,
};

fn options(nodes: usize, mutation: Option<Mutation>) -> Options {
    Options {
        mode: Mode::Byzantine,
        nodes,
        seconds: 20,
        rate: 5,
        adversaries: Adversaries::Rotating,
        signatures: None,
        mutation,
    }
}

fn replay(nodes: usize, seeds: std::ops::Range<u64>) -> Totals {
    let count = seeds.end - seeds.start;
    let totals = conformance::seeds(&options(nodes, None), seeds, 2, &|_| {}).unwrap();
    assert!(totals.failures.is_empty(), "{:#?}", totals.failures);
    assert_eq!(totals.traces, count);
    totals
}

#[test]
fn four_nodes_follow_the_model() {
    let totals = replay(4, 0..40);
    // Locks there are only where Q < F.
    for kind in [
        "would-leave",
        "leave",
        "enter",
        "grant",
        "adopt",
        "accept",
        "commit",
        "restart",
    ] {
        assert!(totals.steps.get(kind) > Some(&5), "{kind}: {totals:?}");
    }
    assert!(totals.commits > 100, "{totals:?}");
}

#[test]
fn seven_nodes_follow_the_model() {
    let totals = replay(7, 0..8);
    for kind in ["leave", "grant", "adopt", "accept", "lock", "commit"] {
        assert!(totals.steps.get(kind) > Some(&20), "{kind}: {totals:?}");
    }
}

/// A leave certificate with a node's own Leave in it leaves no sooner than that Leave may: once the
/// node's write of the term that it would leave is durable (P11.1).
#[test]
fn a_leave_counts_once_its_term_is_durable() {
    let options = Options {
        seconds: 30,
        ..options(4, None)
    };
    for seed in [627, 1041] {
        let replayed = conformance::seed(&options, seed, Trace::Off).unwrap();
        assert_eq!(replayed.divergence, None, "seed {seed}");
    }
}

/// With a rule of the code broken, the model refuses what follows.
#[cfg(feature = "mutations")]
#[test]
fn a_broken_rule_of_the_code_is_a_divergence() {
    for (mutation, nodes, seeds) in [
        (Mutation::RepeatedElectionLowersPair, 4, 0..10),
        (Mutation::LeaveByFewLeaves, 4, 0..20),
        (Mutation::VotesBelowBase, 4, 0..20),
        (Mutation::EquivocatorReportCounts, 4, 20..30),
        (Mutation::FewerReports, 4, 0..10),
        (Mutation::LockForgotten, 7, 0..10),
        (Mutation::PairForgotten, 7, 0..10),
        (Mutation::OneRoundCommitByQuorum, 7, 0..10),
    ] {
        let broken = options(nodes, Some(mutation));
        let totals = conformance::seeds(&broken, seeds, 2, &|_| {}).unwrap();
        assert!(totals.divergences() > 0, "{mutation:?}: {totals:?}");
    }
}
