//! Faults that the peer layer injects into what nodes send to each other. Clients still reach
//! everybody.

use testnet::{failure::Outcome, network::faults::LinkFault};

use super::{Family, Nemesis, Undo, leader, some};
use crate::cluster::Cluster;

pub const ALL: &[Nemesis] = &[
    Nemesis {
        name: "partition",
        family: Family::Links,
        summary: "two groups of nodes, drawn anew each time, that do not hear each other",
        needs: &[],
        lasts: (1_000, 6_000),
        begin: |cluster, random| {
            let count = 1 + random.position((cluster.size() / 2).max(1));
            let group = some(cluster, random, count);
            isolate(cluster, &group)
        },
    },
    Nemesis {
        name: "isolate-leader",
        family: Family::Links,
        summary: "nobody hears the leader, nor it anybody",
        needs: &[],
        lasts: (1_000, 6_000),
        begin: |cluster, random| {
            let group = [leader(cluster, random)?];
            isolate(cluster, &group)
        },
    },
    Nemesis {
        name: "ring",
        family: Family::Links,
        summary: "every node hears its two neighbours only",
        needs: &[],
        lasts: (1_000, 6_000),
        begin: |cluster, _| {
            let size = cluster.size();
            fault(cluster, LinkFault::CUT, |from, to| {
                (from + 1) % size != to && (to + 1) % size != from
            })
        },
    },
    Nemesis {
        name: "one-way",
        family: Family::Links,
        summary: "all that one node sends, or all that it should hear, is lost",
        needs: &[],
        lasts: (1_000, 6_000),
        begin: |cluster, random| {
            let victim = random.position(cluster.size());
            let deaf = random.percent(50);
            fault(cluster, LinkFault::CUT, |from, to| {
                victim == if deaf { to } else { from }
            })
        },
    },
    Nemesis {
        name: "one-way-leader",
        family: Family::Links,
        summary: "the leader is heard but hears nobody",
        needs: &[],
        lasts: (1_000, 6_000),
        begin: |cluster, random| {
            let victim = leader(cluster, random)?;
            fault(cluster, LinkFault::CUT, |_, to| to == victim)
        },
    },
    Nemesis {
        name: "delay",
        family: Family::Links,
        summary: "messages arrive 5 to 300 ms later",
        needs: &[],
        lasts: (2_000, 8_000),
        begin: |cluster, random| {
            let late = LinkFault {
                delay_micros: random.between(5_000, 300_000),
                ..LinkFault::default()
            };
            fault(cluster, late, |_, _| true)
        },
    },
    Nemesis {
        name: "loss",
        family: Family::Links,
        summary: "1 to 30 % of all messages are lost",
        needs: &[],
        lasts: (2_000, 8_000),
        begin: |cluster, random| {
            let lossy = LinkFault {
                loss_permille: u16::try_from(random.between(10, 300)).unwrap_or(300),
                ..LinkFault::default()
            };
            fault(cluster, lossy, |_, _| true)
        },
    },
];

fn isolate(cluster: &mut Cluster, group: &[usize]) -> Outcome<Undo> {
    fault(cluster, LinkFault::CUT, |from, to| {
        group.contains(&from) != group.contains(&to)
    })
}

fn fault(
    cluster: &mut Cluster,
    fault: LinkFault,
    hits: impl Fn(usize, usize) -> bool,
) -> Outcome<Undo> {
    let size = cluster.size();
    let pairs = (0..size).flat_map(|from| (0..size).map(move |to| (from, to)));
    let links: Vec<_> = pairs
        .filter(|&(from, to)| from != to && hits(from, to))
        .map(|(from, to)| (from, to, fault))
        .collect();
    cluster.set_links(&links)?;
    Ok(Box::new(Cluster::heal_links))
}
