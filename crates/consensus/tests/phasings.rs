//! Leaving term after term, whatever the phases and levels of the nodes' timers and whatever is lost at
//! the start (P4.2, P4.3): chance draws them, and every run ends within a bound.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;

use std::{cell::Cell, rc::Rc};

use cluster::Cluster;
use consensus::{Message, Term};

/// Steele, Lea and Flood's splitmix64: enough to draw schedules.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// f nodes are silent for ever: those that lead the first f terms. The others cease to hear n0 one by
/// one, lose half of their messages for up to three seconds, and some of them start again, with short
/// timers, while those of others have grown. How long it takes until all have a request that waited
/// and the network is in a term of a correct leader.
fn run(nodes: u8, seed: u64) -> Result<u64, String> {
    let mut random = Random(seed * 64 + u64::from(nodes));
    let mut cluster = Cluster::trusting(nodes);
    cluster.run_for(60);
    let all = usize::from(nodes);
    let faulty = (all - 1) / 3;
    let (now, loses) = (Rc::new(Cell::new(0_u64)), 1_000 + random.below(2_000));
    let deaf_from: Vec<u64> = (0..all).map(|_| random.below(900)).collect();
    let mut restarts: Vec<(u64, usize)> = Vec::new();
    for node in faulty..all {
        if random.below(3) == 0 {
            restarts.push((1_000 + random.below(6_000), node));
        }
    }
    restarts.sort_unstable();
    for node in 1..faulty {
        cluster.stop(node);
    }
    let time = Rc::clone(&now);
    let mut losses = Random(random.next());
    cluster.filter = Box::new(move |from, to, message: &Message| {
        let served = from != 0 && to != 0
            || time.get() < deaf_from[to] && matches!(message, Message::Heartbeat(_));
        served && (time.get() >= loses || losses.below(2) == 0)
    });
    let bound = 12_000 * (faulty as u64 + 2);
    for milli in 0..bound {
        now.set(milli);
        if milli % 1_000 == 0 {
            // The client asks again: what waits is not kept across restarts.
            (faulty..all).for_each(|node| cluster.submit(node, 7));
        }
        cluster.run_for(1);
        cluster.sent.clear();
        while restarts.first().is_some_and(|(at, _)| *at <= milli) {
            let (_, node) = restarts.remove(0);
            cluster.restart(node);
        }
        if restarts.is_empty() && (faulty..all).all(|node| cluster.has_applied(node, 1)) {
            return Ok(milli);
        }
    }
    let terms: Vec<Term> = (faulty..all)
        .map(|node| cluster.status(node).term)
        .collect();
    Err(format!(
        "n = {nodes}, seed {seed}: terms {terms:?} after {bound} ms"
    ))
}

fn every_run_ends(nodes: u8, seeds: std::ops::Range<u64>) {
    let mut longest = 0;
    for seed in seeds {
        longest = longest.max(run(nodes, seed).unwrap_or_else(|stuck| panic!("{stuck}")));
    }
    println!("n = {nodes}: {longest} ms at most");
}

#[test]
fn four_nodes_leave_whatever_the_phases() {
    every_run_ends(4, 0..60);
}

#[test]
fn seven_nodes_leave_whatever_the_phases() {
    every_run_ends(7, 0..30);
}

#[test]
fn ten_nodes_leave_whatever_the_phases() {
    every_run_ends(10, 0..12);
}

#[test]
fn thirteen_nodes_leave_whatever_the_phases() {
    every_run_ends(13, 0..8);
}

#[test]
fn sixteen_nodes_leave_whatever_the_phases() {
    every_run_ends(16, 0..5);
}
