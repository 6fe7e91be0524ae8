//! Faults of the network outside the nodes, which have hosts of their own for it. Clients, too, do
//! not reach a node whose cable is pulled.

use super::{Family, Need, Nemesis};
use crate::cluster::Cluster;

pub const ALL: &[Nemesis] = &[
    Nemesis {
        name: "cable",
        family: Family::Wires,
        summary: "the cable of one node's host is pulled",
        needs: &[Need::Namespaces],
        lasts: (500, 6_000),
        begin: |cluster, random| {
            let victim = random.position(cluster.size());
            cluster.parts().0.set_cable(victim, false)?;
            Ok(Box::new(move |cluster| {
                cluster.parts().0.set_cable(victim, true)
            }))
        },
    },
    Nemesis {
        name: "cable-all",
        family: Family::Wires,
        summary: "the cables of all hosts are pulled",
        needs: &[Need::Namespaces],
        lasts: (500, 4_000),
        begin: |cluster, _| {
            set_all(cluster, false)?;
            Ok(Box::new(|cluster| set_all(cluster, true)))
        },
    },
    Nemesis {
        name: "wire-one-way",
        family: Family::Wires,
        summary: "packets from one host to some others vanish, those back arrive",
        needs: &[Need::Namespaces],
        lasts: (1_000, 6_000),
        begin: |cluster, random| {
            let from = random.position(cluster.size());
            let count = random.between(1, cluster.size() as u64 - 1);
            let others: Vec<usize> = (0..cluster.size()).filter(|node| *node != from).collect();
            let receivers = random.choose(&others, usize::try_from(count).unwrap_or(1));
            for &to in &receivers {
                cluster.parts().0.set_wire(from, to, false)?;
            }
            Ok(Box::new(move |cluster| {
                let mut receivers = receivers.iter();
                receivers.try_for_each(|&to| cluster.parts().0.set_wire(from, to, true))
            }))
        },
    },
];

fn set_all(cluster: &mut Cluster, plugged: bool) -> testnet::failure::Outcome {
    (0..cluster.size()).try_for_each(|node| cluster.parts().0.set_cable(node, plugged))
}
