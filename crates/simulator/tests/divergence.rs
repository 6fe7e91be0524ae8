//! A node whose own results are wrong stops, says where, and is accused of nothing (P8.2).

use consensus::{Mode, NodeId, Time};
use simulator::{
    fault::Profile,
    network::Weather,
    oracle::Oracle,
    signing::Signatures,
    simulation::{Blueprint, Simulation},
    trace::Trace,
};

const DEFECT: usize = 3;

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
        traitors: Vec::new(),
        trace: Trace::Off,
    };
    let mut simulation = Simulation::new(blueprint, seed).unwrap();
    // Its defect breaks rules, as it must; what the others do counts.
    let correct = (0..nodes).map(|node| node != DEFECT).collect();
    simulation.world.oracle = Oracle::new(simulation.world.verification.clone(), correct);
    simulation
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
            let divergence = stopped.diverged.expect("it noticed");
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
