//! Random walks, for sizes that cannot be searched whole.

use std::time::{Duration, Instant};

use super::{
    adversary::Choice,
    explore::Breach,
    rules::{Broken, Disturbance, HIGHEST_LEVEL, LONGEST_TIMER, Network},
    state::State,
};
use crate::random::Random;

/// Ticks of a walk.
const TICKS: u32 = 1_500;

/// What many walks came to.
#[derive(Clone, Debug, Default)]
pub struct Walked {
    /// How many.
    pub walks: u64,
    /// Ticks of all of them.
    pub ticks: u64,
    /// Ticks in which a request was committed.
    pub commits: u64,
    /// How often the furthest node entered another term.
    pub terms: u64,
    /// The longest time without progress, in ticks.
    pub longest_stall: u32,
    /// The longest time in which some correct node was behind another, in ticks.
    pub longest_apart: u32,
    /// The first breach and its seed. A bound exceeded counts: a walk sees no circle.
    pub breach: Option<(u64, Breach)>,
    /// How long they took.
    pub elapsed: Duration,
}

/// The time within which a network of `nodes` commits, in ticks: at most one term for each level
/// and one for each node, none longer than starvation and term timer together. Generous, as a walk
/// tells for ever from long by nothing else.
#[must_use]
pub const fn bound(nodes: usize) -> u32 {
    let terms = nodes as u32 + HIGHEST_LEVEL as u32 + 1;
    terms * (LONGEST_TIMER as u32 + Network::starvation(HIGHEST_LEVEL) as u32)
}

/// Walks seed after seed, until all are done or one finds a breach.
#[must_use]
pub fn walks(nodes: usize, broken: Broken, first: u64, count: u64) -> Walked {
    let began = Instant::now();
    let mut walked = Walked::default();
    for seed in first..first.saturating_add(count) {
        walked.walks += 1;
        if let Some(breach) = walk(nodes, broken, seed, &mut walked) {
            walked.breach = Some((seed, breach));
            break;
        }
    }
    walked.elapsed = began.elapsed();
    walked
}

fn walk(nodes: usize, broken: Broken, seed: u64, walked: &mut Walked) -> Option<Breach> {
    let mut random = Random::new(seed);
    let mut order: Vec<usize> = (0..nodes).collect();
    random.shuffle(&mut order);
    let disturbance = Disturbance::Traitors { hasty: None };
    let mut network = Network::new(nodes, &order[..(nodes - 1) / 3], disturbance, broken)?;
    network.complaints = !random.one_in(3);
    network.evidence = random.one_in(2);
    network.quiet_timers = Some(10);
    let base = random.below(nodes);
    let start: Vec<(u8, u8, bool)> = network
        .correct
        .iter()
        .map(|_| {
            let term = u8::try_from(base + random.below(3)).unwrap_or_default();
            let level = u8::try_from(random.below(usize::from(HIGHEST_LEVEL) + 1));
            let adopted = network.leader(term).is_none() && random.one_in(2);
            (term, level.unwrap_or_default(), adopted)
        })
        .collect();
    let mut state = State::start(&network, &start);
    // How busy the traitors are, and whether they like to end terms.
    let (busy, leaves) = (1 + random.below(6), random.one_in(2));
    let (mut stall, mut apart) = (0, 0);
    for _ in 0..TICKS {
        let choices: Vec<Choice> = (0..state.nodes.len())
            .map(|position| {
                let mut options = network.options(&state, position);
                if !leaves {
                    options.retain(|option| !matches!(option, Choice::Leave(_)));
                }
                match random.one_in(busy) {
                    true => random.pick(&options).copied().unwrap_or(Choice::Nothing),
                    false => Choice::Nothing,
                }
            })
            .collect();
        let before = state.highest();
        let tick = network.tick(&state, &choices);
        state = tick.state;
        walked.ticks += 1;
        walked.commits += u64::from(tick.progress);
        walked.terms += u64::from(state.highest() != before);
        stall = if tick.progress { 0 } else { stall + 1 };
        apart = if state.is_apart() { apart + 1 } else { 0 };
        walked.longest_stall = walked.longest_stall.max(stall);
        walked.longest_apart = walked.longest_apart.max(apart);
        let bound = bound(nodes);
        match (tick.deposed, stall > bound, apart > bound) {
            (true, ..) => return Some(Breach::Deposed),
            (_, true, _) => return Some(Breach::Stuck),
            (.., true) => return Some(Breach::LeftBehind),
            _ => {}
        }
    }
    None
}
