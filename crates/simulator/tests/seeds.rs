//! Whole networks, a few seeds of each kind; `cargo sim` runs as many as one likes.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use consensus::Mode;
use simulator::{
    adversary::{BEHAVIOURS, Behaviour, Strategy},
    run::{self, Adversaries, Options, Outcome},
    signing::Signatures,
    trace::Trace,
};

fn options(mode: Mode, nodes: usize, adversaries: Adversaries) -> Options {
    Options {
        mode,
        nodes,
        seconds: 20,
        rate: 20,
        adversaries,
        signatures: None,
        mutation: None,
    }
}

fn run(options: &Options, seed: u64) -> Outcome {
    let outcome = run::seed(options, seed, Trace::Off).unwrap();
    assert_eq!(
        outcome.violation, None,
        "seed {seed} with {:?}",
        outcome.adversaries
    );
    assert!(outcome.commits > 0 && outcome.answered > 0, "seed {seed}");
    outcome
}

fn run_all(options: &Options, seeds: std::ops::Range<u64>) {
    let outcomes: Vec<_> = seeds.map(|seed| run(options, seed)).collect();
    let changes: u64 = outcomes.iter().map(|outcome| outcome.leader_changes).sum();
    assert!(changes > 0, "these seeds never change the leader");
}

#[test]
fn byzantine_networks_survive_what_breaks() {
    run_all(&options(Mode::Byzantine, 4, Adversaries::Nobody), 0..12);
    run_all(&options(Mode::Byzantine, 5, Adversaries::Rotating), 0..8);
}

/// Q < F: here, and in no smaller network, a lock round is needed (P3.5).
#[test]
fn byzantine_networks_with_locks_survive_what_breaks() {
    run_all(&options(Mode::Byzantine, 7, Adversaries::Rotating), 0..16);
}

/// Here a base lies on an entry of which its author, a traitor, never shows more than the header.
#[test]
fn a_base_may_lie_on_a_withheld_entry() {
    let withholder = Behaviour::find("withholder").unwrap();
    let options = Options {
        seconds: 30,
        rate: 5,
        ..options(Mode::Byzantine, 4, Adversaries::Of(withholder))
    };
    run(&options, 100_834);
}

/// Here a node once made a certificate whose votes lay further apart than its headers may reach,
/// and could not read it back from its disk (P2.7).
#[test]
fn certificates_stay_within_the_window() {
    for (seed, traitors) in [
        (84, ""),
        (132, "twins,term-inflater"),
        (196, "replayer,replayer"),
    ] {
        let strategies: Vec<_> = traitors.split(',').flat_map(Strategy::read).collect();
        let adversaries = match traitors {
            "" => Adversaries::Nobody,
            _ => Adversaries::Each(strategies.leak()),
        };
        let options = Options {
            seconds: 30,
            rate: 60,
            signatures: Some(Signatures::StandIn),
            ..options(Mode::Byzantine, 7, adversaries)
        };
        run(&options, seed);
    }
}

#[test]
fn raft_networks_survive_what_breaks() {
    for nodes in [3, 4, 5] {
        run_all(&options(Mode::Raft, nodes, Adversaries::Nobody), 0..10);
    }
    run_all(&options(Mode::RaftSigned, 4, Adversaries::Nobody), 0..10);
}

#[test]
fn every_adversary_is_contained() {
    for behaviour in BEHAVIOURS {
        let options = options(Mode::Byzantine, 4, Adversaries::Of(behaviour));
        for seed in 0..4 {
            let outcome = run(&options, seed);
            assert_eq!(outcome.adversaries, [behaviour.id]);
        }
    }
}

/// Two behaviours in one node, and other pairs in other nodes.
#[test]
fn pairs_of_adversaries_are_contained() {
    let read = |text| Strategy::read(text).unwrap();
    let strategies = vec![
        read("equivocator+censor"),
        read("report-liar+fetch-flooder"),
        read("relapser+crawler"),
    ];
    for (nodes, seeds) in [(4, 0..4), (7, 0..2), (10, 0..1)] {
        let adversaries = Adversaries::Each(strategies.clone().leak());
        let options = options(Mode::Byzantine, nodes, adversaries);
        for seed in seeds {
            let outcome = run(&options, seed);
            assert_eq!(outcome.adversaries.len(), (nodes - 1) / 3);
            assert_eq!(outcome.adversaries[0], "equivocator+censor");
        }
    }
}

#[test]
fn real_signatures_change_nothing() {
    let real = Options {
        signatures: Some(Signatures::Real),
        seconds: 5,
        ..options(Mode::Byzantine, 4, Adversaries::Rotating)
    };
    for seed in 1..4 {
        run(&real, seed);
    }
}

/// Collects a trace.
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

fn trace(options: &Options, seed: u64) -> Vec<u8> {
    let lines = Lines::default();
    run::seed(options, seed, Trace::To(Box::new(lines.clone()))).unwrap();
    let trace = lines.0.lock().unwrap();
    trace.clone()
}

#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    for mode in [Mode::Byzantine, Mode::Raft] {
        let options = options(mode, 4, Adversaries::Rotating);
        let first = trace(&options, 2);
        assert!(first.len() > 10_000);
        assert!(
            first == trace(&options, 2),
            "{mode}: two traces of one seed"
        );
        assert!(first != trace(&options, 3), "{mode}: two seeds");
    }
}

/// Listening must not change what happens.
#[test]
fn a_traced_run_is_the_same_run() {
    let options = options(Mode::Byzantine, 4, Adversaries::Rotating);
    let silent = run(&options, 5);
    let traced = run::seed(&options, 5, Trace::To(Box::new(io::sink()))).unwrap();
    assert_eq!(
        (silent.events, silent.commits, silent.simulated_micros),
        (traced.events, traced.commits, traced.simulated_micros)
    );
}
