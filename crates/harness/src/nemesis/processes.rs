//! Processes that die or stand still.

use testnet::failure::Outcome;

use super::{Family, Nemesis, Undo, leader, some};
use crate::cluster::Cluster;

pub const ALL: &[Nemesis] = &[
    Nemesis {
        name: "kill",
        family: Family::Processes,
        summary: "SIGKILL of one node, started again later",
        needs: &[],
        lasts: (200, 3_000),
        begin: |cluster, random| {
            let victims = some(cluster, random, 1);
            kill(cluster, victims)
        },
    },
    Nemesis {
        name: "kill-leader",
        family: Family::Processes,
        summary: "SIGKILL of the node that leads",
        needs: &[],
        lasts: (200, 3_000),
        begin: |cluster, random| {
            let victim = leader(cluster, random)?;
            kill(cluster, vec![victim])
        },
    },
    Nemesis {
        name: "kill-minority",
        family: Family::Processes,
        summary: "SIGKILL of f nodes at once",
        needs: &[],
        lasts: (1_000, 4_000),
        begin: |cluster, random| {
            let victims = some(cluster, random, cluster.sizes()?.faulty().max(1));
            kill(cluster, victims)
        },
    },
    Nemesis {
        name: "kill-all",
        family: Family::Processes,
        summary: "SIGKILL of all nodes at once",
        needs: &[],
        lasts: (0, 1_000),
        begin: |cluster, _| kill(cluster, (0..cluster.size()).collect()),
    },
    Nemesis {
        name: "kill-often",
        family: Family::Processes,
        summary: "SIGKILL of one node after another, each started again at once",
        needs: &[],
        lasts: (0, 0),
        begin: |cluster, random| {
            for victim in some(cluster, random, cluster.size()) {
                cluster.kill(victim)?;
                cluster.launch(&[victim])?;
            }
            Ok(super::nothing())
        },
    },
    Nemesis {
        name: "pause",
        family: Family::Processes,
        summary: "SIGSTOP of one node, which goes on later as if nothing had happened",
        needs: &[],
        lasts: (500, 5_000),
        begin: |cluster, random| {
            let victims = some(cluster, random, 1);
            pause(cluster, victims)
        },
    },
    Nemesis {
        name: "pause-leader",
        family: Family::Processes,
        summary: "SIGSTOP of the node that leads",
        needs: &[],
        lasts: (500, 5_000),
        begin: |cluster, random| {
            let victim = leader(cluster, random)?;
            pause(cluster, vec![victim])
        },
    },
    Nemesis {
        name: "pause-all",
        family: Family::Processes,
        summary: "SIGSTOP of all nodes at once",
        needs: &[],
        lasts: (500, 3_000),
        begin: |cluster, _| pause(cluster, (0..cluster.size()).collect()),
    },
];

fn kill(cluster: &mut Cluster, victims: Vec<usize>) -> Outcome<Undo> {
    for &victim in &victims {
        cluster.kill(victim)?;
    }
    Ok(Box::new(move |cluster| cluster.launch(&victims)))
}

fn pause(cluster: &mut Cluster, victims: Vec<usize>) -> Outcome<Undo> {
    for &victim in &victims {
        cluster.pause(victim)?;
    }
    Ok(Box::new(move |cluster| {
        victims
            .iter()
            .try_for_each(|&victim| cluster.resume(victim))
    }))
}
