//! More than f traitors fork the ledger; what two correct nodes keep names at least f + 1 of them
//! (P7.3). The traitors are twins: each lives twice, once for either side.

use std::collections::BTreeSet;

use consensus::{
    Index, Mode, NodeId, Record, Time,
    evidence::audit::{Examiner, culprits, part_at},
    record::Recovery,
};
use simulator::{
    fault::Profile,
    network::Weather,
    oracle::Oracle,
    signing::Signatures,
    simulation::{Blueprint, Simulation},
    trace::Trace,
};

/// How the two sides come to commit different entries.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Both commit in term 0.
    OneTerm,
    /// One commits in term 0, the other leaves it and commits in term 1, as if nothing had been.
    LaterTerm,
}

/// The ledgers of two correct nodes part, and this names who did it.
struct Case {
    nodes: u16,
    traitors: u16,
    way: Way,
}

impl Case {
    /// The traitors are the first nodes; of the others every second one is on the one side.
    fn sides(&self) -> (Vec<u8>, Vec<u8>) {
        let seats = self.nodes + self.traitors;
        let side = |seat: u16| {
            let twin = seat >= self.nodes;
            u8::from(twin || (seat >= self.traitors && (seat - self.traitors) % 2 == 1))
        };
        let together: Vec<u8> = (0..seats).map(side).collect();
        // Until the first side has committed, nobody of the other hears anybody.
        let apart = (0..seats).map(|seat| match side(seat) {
            0 => 0,
            _ => u8::try_from(seat + 1).unwrap(),
        });
        (apart.collect(), together)
    }

    fn run(&self, seed: u64) -> Simulation {
        let twins: Vec<NodeId> = (0..self.traitors).map(NodeId).collect();
        let blueprint = Blueprint {
            mode: Mode::Byzantine,
            nodes: self.nodes.into(),
            signatures: Signatures::Real,
            rate: 0,
            profile: Profile {
                weather: Weather::TIMELY,
                kinds: Vec::new(),
                drift: 0,
            },
            traitors: Vec::new(),
            trace: Trace::Off,
        };
        let mut simulation = Simulation::with_twins(blueprint, &twins, seed).unwrap();
        // Rules will be broken; nobody is to stop the run for it.
        let nobody = vec![false; self.nodes.into()];
        simulation.world.oracle = Oracle::new(simulation.world.verification.clone(), nobody);
        let (apart, together) = self.sides();
        let first = NodeId(self.traitors);
        let second = NodeId(self.traitors + 1);
        simulation.world.network.divide(match self.way {
            Way::OneTerm => &together,
            Way::LaterTerm => &apart,
        });
        for amount in 1..4 {
            simulation.ask_at(&[first.position()], 0, 1, amount);
            let next = simulation.world.now.after(Time::from_millis(100));
            simulation.run_until(next);
        }
        if matches!(self.way, Way::LaterTerm) {
            simulation.run_until(Time::from_millis(3_000));
            simulation.world.network.divide(&together);
        }
        for amount in 4..8 {
            simulation.ask_at(&[second.position()], 2, 3, amount);
            let next = simulation.world.now.after(Time::from_millis(1_000));
            simulation.run_until(next);
        }
        simulation.run_until(Time::from_millis(20_000));
        simulation
    }
}

/// The committed chain that a node's records hold.
fn committed(records: &[&Record]) -> Vec<consensus::Hash> {
    let mut fold = Recovery::<usize>::default();
    for (place, record) in records.iter().enumerate() {
        fold.record(place, (*record).clone());
    }
    let length = usize::try_from(fold.committed().0).unwrap();
    fold.chain[..length].iter().map(|one| one.hash).collect()
}

fn audit(case: &Case, seed: u64) -> (Index, BTreeSet<NodeId>) {
    let simulation = case.run(seed);
    let records =
        |node: u16| -> Vec<&Record> { simulation.hosts[usize::from(node)].records().collect() };
    let (one, other) = (records(case.traitors), records(case.traitors + 1));
    let parted = part_at(&committed(&one), &committed(&other)).unwrap_or_else(|| {
        panic!(
            "seed {seed}: the ledgers did not part: {} and {} entries",
            committed(&one).len(),
            committed(&other).len()
        )
    });
    let verification = &simulation.world.verification;
    let mut examiner = Examiner::new(
        verification.configuration(),
        verification.verifier(),
        parted,
    );
    for record in one.iter().chain(&other) {
        examiner.record(record);
    }
    assert_eq!(examiner.false_elections(), [], "seed {seed}");
    (parted, culprits(&examiner.evidence_found()))
}

#[test]
fn two_correct_nodes_name_more_than_f_of_those_who_forked_them() {
    for (nodes, traitors) in [(4, 2), (7, 3), (7, 4), (10, 4), (10, 6)] {
        for way in [Way::OneTerm, Way::LaterTerm] {
            let case = Case {
                nodes,
                traitors,
                way,
            };
            for seed in 0..3 {
                let (_, named) = audit(&case, seed);
                let faulty = usize::from((nodes - 1) / 3);
                let context = format!("n = {nodes}, {traitors} traitors, {way:?}, seed {seed}");
                assert!(named.len() > faulty, "{context}: names {named:?}");
                let traitor = |node: &NodeId| node.0 < traitors;
                assert!(named.iter().all(traitor), "{context}: names {named:?}");
            }
        }
    }
}
