use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

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

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn trace(&self) -> Trace {
        Trace::To(Box::new(self.clone()))
    }

    /// What happened, but for what a seed draws: a plan says only what that comes to.
    fn events(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        let lines = std::str::from_utf8(&bytes).unwrap().lines();
        lines
            .filter(|line| !line.contains(" drawn: "))
            .map(str::to_owned)
            .collect()
    }
}

/// What a seed plays is written down whole: in the plan the same things happen in the same order.
#[test]
fn a_recorded_seed_is_the_same_run() {
    let (mut acts, mut ties) = (0, 0);
    for (mode, nodes, (seconds, rate), seeds) in [
        (Mode::Byzantine, 4, (16, 10), 0..6),
        (Mode::Byzantine, 7, (16, 10), 0..6),
        // Many requests share their microseconds with other things.
        (Mode::Byzantine, 7, (4, 1_000), 0..1),
        (Mode::Raft, 5, (16, 10), 0..6),
    ] {
        for seed in seeds {
            let options = Options {
                seconds,
                rate,
                ..options(mode, nodes)
            };
            let (drawn, planned) = (Lines::default(), Lines::default());
            let outcome = crate::run::seed(&options, seed, drawn.trace()).unwrap();
            let (plan, recorded) = record(&options, seed, None).unwrap();
            let replayed = play(&plan, planned.trace()).unwrap();
            for (which, played) in [("recorded", &recorded), ("replayed", &replayed)] {
                assert_eq!(played.broken, None);
                assert_eq!(
                    (
                        played.events,
                        played.simulated_micros,
                        played.commits,
                        played.answered
                    ),
                    (
                        outcome.events,
                        outcome.simulated_micros,
                        outcome.commits,
                        outcome.answered
                    ),
                    "{which}: {mode}, {nodes} nodes, seed {seed}"
                );
            }
            let (drawn, planned) = (drawn.events(), planned.events());
            let differ = drawn.iter().zip(&planned).find(|(one, other)| one != other);
            assert_eq!(differ, None, "{mode}, {nodes} nodes, seed {seed}");
            assert_eq!(
                drawn.len(),
                planned.len(),
                "{mode}, {nodes} nodes, seed {seed}"
            );
            acts += plan.acts.len();
            ties += plan.acts.iter().filter(|act| act.after > 0).count();
            let asked = plan.requests.iter();
            ties += asked.filter(|request| request.after > 0).count();
            let read = Plan::from_json(&plan.to_json()).unwrap();
            assert_eq!(read, plan);
        }
    }
    assert!(acts > 50, "hardly anything broke: {acts}");
    assert!(ties > 0, "nothing had a place within its microsecond");
}

/// Files without places are older than places are.
#[test]
fn what_has_no_place_comes_first() {
    let line = r#"{"at_micros": 5, "what": {"crash": 1}}"#;
    let act: Timed<Act> = serde_json::from_str(line).unwrap();
    assert_eq!((act.at_micros, act.after), (5, 0));
    let written = serde_json::to_string(&act).unwrap();
    assert!(!written.contains("after"), "{written}");
    let typo = line.replace("\"what", "\"aftr\": 1, \"what");
    assert!(serde_json::from_str::<Timed<Act>>(&typo).is_err());
    let placed = Timed { after: 2, ..act };
    let written = serde_json::to_string(&placed).unwrap();
    assert_eq!(
        serde_json::from_str::<Timed<Act>>(&written).unwrap(),
        placed
    );
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
    let act = |what| Timed {
        at_micros: 1,
        after: 0,
        what,
    };
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
        plan.requests.push(Timed {
            at_micros: 1,
            after: 0,
            what,
        });
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
