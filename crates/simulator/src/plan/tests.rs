use consensus::Mode;

use super::*;
use crate::{
    run::{Adversaries, Options},
    trace::Trace,
};

fn options(mode: Mode, nodes: usize) -> Options {
    Options {
        mode,
        nodes,
        seconds: 16,
        rate: 10,
        adversaries: Adversaries::Rotating,
        signatures: None,
        mutation: None,
    }
}

/// What a seed plays is written down whole: the plan plays the same, as long as no act falls into
/// the microsecond of something else (seed 3 with 7 nodes): a plan's acts come first then.
#[test]
fn a_recorded_seed_is_the_same_run() {
    let mut acts = 0;
    for (mode, nodes, seeds) in [
        (Mode::Byzantine, 4, 0..6),
        (Mode::Byzantine, 7, 0..3),
        (Mode::Raft, 5, 0..6),
    ] {
        for seed in seeds {
            let options = options(mode, nodes);
            let outcome = crate::run::seed(&options, seed, Trace::Off).unwrap();
            let (plan, recorded) = record(&options, seed, None).unwrap();
            let replayed = play(&plan, Trace::Off).unwrap();
            for (which, played) in [("recorded", &recorded), ("replayed", &replayed)] {
                assert_eq!(played.broken, None);
                assert_eq!(
                    (played.simulated_micros, played.commits, played.answered),
                    (outcome.simulated_micros, outcome.commits, outcome.answered),
                    "{which}: {mode}, {nodes} nodes, seed {seed}"
                );
            }
            acts += plan.acts.len();
            let read = Plan::from_json(&plan.to_json()).unwrap();
            assert_eq!(read, plan);
        }
    }
    assert!(acts > 50, "hardly anything broke: {acts}");
}

#[test]
fn what_cannot_be_played_is_refused() {
    let (plan, _) = record(&options(Mode::Byzantine, 4), 3, Some(2)).unwrap();
    assert_eq!(plan.traitors.len(), 2);
    let refusal = |edit: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        edit(&mut plan);
        Plan::from_json(&plan.to_json()).unwrap_err().to_string()
    };
    assert!(refusal(&|plan| plan.version = 2).contains("version 2"));
    assert!(refusal(&|plan| plan.mode = "paxos".to_owned()).contains("paxos"));
    assert!(refusal(&|plan| plan.nodes = 3).contains('4'));
    assert!(refusal(&|plan| plan.nodes = 1_000_000).contains("64"));
    assert!(refusal(&|plan| plan.end_micros = u64::MAX).contains("a day"));
    let act = |what| Timed { at_micros: 1, what };
    let far = |plan: &mut Plan| plan.acts.push(act(Act::Cut(0, 4)));
    assert!(refusal(&far).contains("no node 4"));
    let far = |plan: &mut Plan| plan.acts.push(act(Act::Split(vec![1, 9])));
    assert!(refusal(&far).contains("no node 9"));
    let stranger = |plan: &mut Plan| {
        let what = RequestPlan {
            node: 0,
            from: 0,
            to: 8,
            amount: 1,
        };
        plan.requests.push(Timed { at_micros: 1, what });
    };
    assert!(refusal(&stranger).contains("no account 8"));
    let saint = |plan: &mut Plan| "saint".clone_into(&mut plan.traitors[0].strategy);
    assert!(refusal(&saint).contains("saint"));
    let twice = |plan: &mut Plan| plan.traitors[1].node = plan.traitors[0].node;
    assert!(refusal(&twice).contains("two strategies"));
    let broken = |plan: &mut Plan| plan.mutation = Some("NoSuchRule".to_owned());
    assert!(refusal(&broken).contains("NoSuchRule"));
    for text in ["", "{}", "[]", "{\"version\": 1}", "{\"version\": -1}"] {
        assert!(Plan::from_json(text).is_err(), "{text}");
    }
    let unknown = plan.to_json().replacen('{', "{\"extra\": 1,", 1);
    assert!(Plan::from_json(&unknown).is_err());
}
