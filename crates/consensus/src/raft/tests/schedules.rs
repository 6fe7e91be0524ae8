//! Random schedules: messages lost, repeated and reordered, disks slow, nodes crashing at any
//! moment. The invariants of the harness hold throughout, and once all is well again everybody
//! executes everything.

use super::*;
use crate::random::Random;

fn pick(random: &mut Random, below: usize) -> usize {
    usize::try_from(random.next() % below as u64).unwrap()
}

fn step(cluster: &mut Cluster, random: &mut Random, next_request: &mut u64) {
    let nodes = cluster.nodes.len();
    let node = pick(random, nodes);
    let running = cluster.nodes[node].raft.is_some();
    match random.next() % 200 {
        0..150 if !cluster.network.is_empty() => {
            let position = match random.next() % 4 {
                0 => pick(random, cluster.network.len()),
                _ => 0,
            };
            let (from, to, message) = cluster.network.remove(position).unwrap();
            match random.next() % 20 {
                0 => {}
                1 => {
                    cluster.network.push_back((from, to, Arc::clone(&message)));
                    cluster.deliver(from, to, &message);
                }
                _ => cluster.deliver(from, to, &message),
            }
        }
        150..165 => {
            cluster.finish_write(node);
        }
        165..178 => {
            let span = Time(random.next() % 60_000);
            cluster.advance_to(cluster.now.monotonic.after(span));
            for node in 0..nodes {
                let raft = cluster.nodes[node].raft.as_ref();
                let deadline = raft.and_then(Raft::next_deadline);
                if deadline.is_some_and(|deadline| deadline <= cluster.now.monotonic) {
                    cluster.handle(node, Event::Timeout);
                }
            }
        }
        178..190 if running => {
            cluster.submit(node, *next_request);
            *next_request += 1;
        }
        190..193 if running => cluster.read(node, random.next()),
        193 => cluster.nodes[node].slow = random.next().is_multiple_of(2),
        194 => match random.next() % 4 {
            0 => cluster.isolate(node),
            1 => {
                cluster.cut.insert((node, pick(random, nodes)));
            }
            _ => cluster.heal(),
        },
        195 if running && random.next().is_multiple_of(3) => cluster.crash(node),
        196..200 if !running => cluster.start(node),
        _ => {}
    }
}

fn run_schedule(seed: u64) {
    let mut random = Random::new(seed);
    let nodes = [1, 2, 3, 4, 5][pick(&mut random, 5)];
    let mut cluster = Cluster::of_mode(Mode::Raft, nodes, seed);
    let mut requests = 0;
    for _ in 0..10_000 {
        step(&mut cluster, &mut random, &mut requests);
    }
    cluster.heal();
    for node in 0..usize::from(nodes) {
        if cluster.nodes[node].raft.is_none() {
            cluster.start(node);
        }
        cluster.nodes[node].slow = false;
        cluster.finish_writes(node);
    }
    let leader = cluster.elect();
    // A request at a node that crashed may be lost: its client brings it again.
    for number in 0..requests {
        cluster.submit(leader, number);
    }
    cluster.run(3_000);
    let executed = cluster.executed(0);
    cluster.everyone_executed(&executed);
    let executed: BTreeSet<_> = executed.into_iter().collect();
    assert_eq!(executed, (0..requests).map(key).collect(), "seed {seed}");
}

#[test]
fn whatever_happens_one_chain_is_committed() {
    for seed in 0..300 {
        run_schedule(seed);
    }
}
