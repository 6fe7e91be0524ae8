//! Faults of disks: full, failing, without power.

use testnet::failure::{Failure, Outcome};

use super::{Family, Need, Nemesis, Undo, some};
use crate::cluster::{Cluster, Disks};

pub const ALL: &[Nemesis] = &[
    Nemesis {
        name: "disk-full",
        family: Family::Disks,
        summary: "one node's disk is full, and the node is killed and started on the full disk",
        needs: &[Need::Disks],
        lasts: (3_000, 10_000),
        begin: |cluster, random| {
            let victim = random.position(cluster.size());
            cluster.allow_end(victim, true);
            disks(cluster)?.fill(victim)?;
            cluster.kill(victim)?;
            cluster.try_launch(victim)?;
            Ok(Box::new(move |cluster| {
                disks(cluster)?.make_room(victim)?;
                again(cluster, &[victim])
            }))
        },
    },
    Nemesis {
        name: "sync-failure",
        family: Family::Disks,
        summary: "one node's writes do not reach its disk any more: every sync fails",
        needs: &[Need::FailingDevice],
        lasts: (2_000, 6_000),
        begin: |cluster, random| {
            let victims = some(cluster, random, 1);
            fail(cluster, victims, |disks, victim| disks.fail_syncs(victim))
        },
    },
    Nemesis {
        name: "sync-failure-mounted",
        family: Family::Disks,
        summary: "one node's sync fails, it is started again while the kernel still shows what was \
                  not written, and once more when that is gone",
        needs: &[Need::ThinDevice],
        lasts: (1_000, 3_000),
        begin: |cluster, random| {
            let victim = random.position(cluster.size());
            cluster.allow_end(victim, true);
            cluster.pause(victim)?;
            let starved = disks(cluster)?.starve(victim);
            cluster.resume(victim)?;
            starved?;
            Ok(Box::new(move |cluster| {
                cluster.kill(victim)?;
                disks(cluster)?.relieve(victim)?;
                // What it finds now is in the kernel's memory alone; it acts on it.
                again(cluster, &[victim])?;
                cluster.kill(victim)?;
                disks(cluster)?.mount_again(victim)?;
                again(cluster, &[victim])
            }))
        },
    },
    Nemesis {
        name: "power-loss",
        family: Family::Disks,
        summary: "one node's file system is shut down under it, mounted anew and the node started",
        needs: &[Need::ShutDown],
        lasts: (200, 3_000),
        begin: |cluster, random| {
            let victims = some(cluster, random, 1);
            fail(cluster, victims, |disks, victim| disks.cut_power(victim))
        },
    },
    Nemesis {
        name: "power-loss-all",
        family: Family::Disks,
        summary: "the same with all nodes at once",
        needs: &[Need::ShutDown],
        lasts: (0, 1_000),
        begin: |cluster, _| {
            let victims = (0..cluster.size()).collect();
            fail(cluster, victims, |disks, victim| disks.cut_power(victim))
        },
    },
];

fn disks(cluster: &mut Cluster) -> Outcome<&mut Disks> {
    let (_, disks) = cluster.parts();
    disks.ok_or_else(|| Failure::state("the nodes have no disks of their own"))
}

fn fail(
    cluster: &mut Cluster,
    victims: Vec<usize>,
    how: fn(&Disks, usize) -> Outcome,
) -> Outcome<Undo> {
    for &victim in &victims {
        cluster.allow_end(victim, true);
        how(disks(cluster)?, victim)?;
    }
    Ok(Box::new(move |cluster| {
        for &victim in &victims {
            cluster.kill(victim)?;
            disks(cluster)?.power_up(victim)?;
        }
        again(cluster, &victims)
    }))
}

/// Starts nodes whose disks are well again.
fn again(cluster: &mut Cluster, victims: &[usize]) -> Outcome {
    for &victim in victims {
        cluster.kill(victim)?;
        cluster.allow_end(victim, false);
    }
    cluster.launch(victims)
}
