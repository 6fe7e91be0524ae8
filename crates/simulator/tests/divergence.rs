//! A node whose own results are wrong stops, says where, and is accused of nothing (P8.2).

use consensus::{Mode, NodeId, Time};
use simulator::{
    adversary::Adversary,
    fault::Profile,
    network::Weather,
    signing::Signatures,
    simulation::{Blueprint, Simulation},
    trace::Trace,
};

const DEFECT: usize = 3;

/// It means well and says what it believes. Its defect breaks rules, so it counts as Byzantine.
struct Defective;

impl Adversary for Defective {}

fn network(nodes: usize, seed: u64) -> Simulation {
    let blueprint = Blueprint {
        mode: Mode::Byzantine,
        nodes,
        signatures: Signatures::StandIn,
        rate: 20,
        profile: Profile {
            weather: Weather::TIMELY,
            kinds: Vec::new(),
            drift: 0,
        },
        traitors: vec![(NodeId(3), Box::new(Defective))],
        trace: Trace::Off,
    };
    Simulation::new(blueprint, seed).unwrap()
}

#[test]
fn a_node_with_wrong_results_stops_and_says_where() {
    for nodes in [4, 7] {
        for seed in 0..4 {
            let mut simulation = network(nodes, seed);
            simulation.run_until(Time::from_millis(3_000));
            let wrong_after = simulation.hosts[DEFECT].applied().unwrap().index;
            assert_eq!(simulation.hosts[DEFECT].status().unwrap().diverged, None);
            simulation.hosts[DEFECT].corrupt_results();
            simulation.run_until(Time::from_millis(6_000));

            let stopped = simulation.hosts[DEFECT].status().unwrap();
            let context = format!("{nodes} nodes, seed {seed}, after {wrong_after}: {stopped:?}");
            let divergence = stopped.diverged.unwrap_or_else(|| panic!("{context}"));
            assert!(divergence.index >= wrong_after, "{divergence}");
            assert!(divergence.index.beyond(wrong_after) <= 4, "{divergence}");
            let agreed = divergence.agreed.expect("they agreed before");
            assert!(agreed <= wrong_after, "{divergence}");
            assert!(wrong_after.beyond(agreed) <= 4, "{divergence}");
            assert_ne!(divergence.own, divergence.certified);

            // The others go on, and it does not follow.
            simulation.run_until(Time::from_millis(9_000));
            let later = simulation.hosts[DEFECT].status().unwrap();
            assert_eq!(later.commit, stopped.commit);
            for host in simulation
                .hosts
                .iter()
                .filter(|host| host.id() != NodeId(3))
            {
                let status = host.status().unwrap();
                assert!(status.commit.index.beyond(stopped.commit.index) > 20);
                assert_eq!((status.diverged, status.evidence), (None, 0));
            }
            assert_eq!(simulation.violation(), None);
        }
    }
}
