//! Visits every state, and says how long progress can be held up.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

use super::{
    adversary::Choice,
    graph::{Id, Ways, ways},
    rules::{HIGHEST_LEVEL, Network},
    state::{State, Suspicion},
};

/// What the rules promise under a timely network, and this search looks for a breach of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// Nothing is ever committed again.
    Stuck,
    /// A correct node stays in an earlier term for ever.
    LeftBehind,
    /// A correct leader was deposed though it led and too few suspected it.
    Deposed,
}

impl Breach {
    /// A name for tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stuck => "stuck-for-ever",
            Self::LeftBehind => "left-behind-for-ever",
            Self::Deposed => "good-leader-deposed",
        }
    }
}

/// States to start from: what a past may have left.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How far terms of correct nodes lie apart at the start.
    pub apart: u8,
    /// Whether levels of nodes differ at the start. They are the lowest or the highest.
    pub mixed_levels: bool,
    /// States at which a search gives up.
    pub most_states: usize,
}

/// What a search saw.
#[derive(Clone, Debug)]
pub struct Explored {
    /// States to start from.
    pub starts: usize,
    /// States.
    pub states: usize,
    /// Ticks between them.
    pub ticks: usize,
    /// Whether these were all.
    pub complete: bool,
    /// The longest time without progress, in ticks.
    pub longest_stall: Option<u32>,
    /// The longest time in which some correct node was behind another, in ticks.
    pub longest_apart: Option<u32>,
    /// What was broken, and the way there.
    pub breach: Option<(Breach, Vec<String>)>,
    /// How long it took.
    pub elapsed: Duration,
}

struct Seen {
    fingerprint: u64,
    parent: Id,
    apart: bool,
    /// What follows, and whether with progress.
    after: Vec<(Id, bool)>,
}

fn fingerprint(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// The states to start from.
#[must_use]
pub fn starts(network: &Network, bounds: Bounds) -> Vec<State> {
    let levels = [0, HIGHEST_LEVEL];
    let mut sets = vec![Vec::new()];
    for _ in &network.correct {
        let options = (0..=bounds.apart).flat_map(|term| {
            let levels = levels.iter().map(move |&level| (term, level));
            levels.flat_map(|(term, level)| [(term, level, false), (term, level, true)])
        });
        let options: Vec<(u8, u8, bool)> = options.collect();
        sets = sets
            .into_iter()
            .flat_map(|set: Vec<_>| options.iter().map(move |&one| [&set[..], &[one]].concat()))
            .collect();
    }
    sets.retain(|set| set.iter().any(|node| node.0 == 0));
    sets.retain(|set| bounds.mixed_levels || set.iter().all(|node| node.1 == set[0].1));
    let bases = 0..u8::try_from(network.sizes.nodes).unwrap_or(u8::MAX);
    bases
        .flat_map(|base| {
            sets.iter().map(move |set| {
                let moved = set
                    .iter()
                    .map(|&(term, level, adopted)| (term + base, level, adopted));
                moved.collect::<Vec<_>>()
            })
        })
        .filter(|set| possible(network, set))
        .flat_map(|set| {
            let state = State::start(network, &set);
            let again = restarted(network, &state);
            let leaving = leaving(&state);
            std::iter::once(state).chain(again).chain([leaving])
        })
        .collect()
}

/// A correct leader is the first to adopt its term.
fn possible(network: &Network, nodes: &[(u8, u8, bool)]) -> bool {
    nodes.iter().all(|&(term, _, adopted)| {
        let leads = network.leader(term).map(|leader| nodes[leader]);
        !adopted || leads.is_none_or(|leader| leader.0 > term || leader == (term, leader.1, true))
    })
}

/// The same with leaders that led before a restart, and so suspect themselves (P3.8).
fn restarted(network: &Network, state: &State) -> Option<State> {
    let mut again = state.clone();
    for (position, node) in again.nodes.iter_mut().enumerate() {
        if node.adopted && network.leader(node.term) == Some(position) {
            node.suspicion = Suspicion::Lasting;
        }
    }
    (again != *state).then_some(again)
}

/// The same with nodes that all signed that they would leave, and were not heard.
fn leaving(state: &State) -> State {
    let mut leaving = state.clone();
    let lowest = leaving.lowest();
    for (position, node) in leaving.nodes.iter_mut().enumerate() {
        node.leaves = 1 << position;
        leaving.said[usize::from(node.term - lowest)].would_leave |= 1 << position;
    }
    leaving
}

/// Visits every state that can be reached.
#[must_use]
pub fn explore(network: &Network, bounds: Bounds) -> Explored {
    let began = Instant::now();
    let starts = starts(network, bounds);
    let mut seen: Vec<Seen> = Vec::new();
    let mut known: HashMap<u64, Id> = HashMap::new();
    let mut queue = VecDeque::new();
    let mut ticks = 0;
    let mut find = |state: State, parent: Id, seen: &mut Vec<Seen>, queue: &mut VecDeque<_>| {
        let fingerprint = fingerprint(&state);
        let new = Id::try_from(seen.len()).unwrap_or(Id::MAX);
        let id = *known.entry(fingerprint).or_insert(new);
        if id == new {
            seen.push(Seen {
                fingerprint,
                parent,
                apart: state.is_apart(),
                after: Vec::new(),
            });
            queue.push_back((id, state));
        }
        id
    };
    for state in &starts {
        find(state.clone(), Id::MAX, &mut seen, &mut queue);
    }
    let mut deposed = None;
    while let Some((id, state)) = queue.pop_front() {
        if seen.len() > bounds.most_states || deposed.is_some() {
            break;
        }
        let mut after = Vec::new();
        for choices in network.choices(&state) {
            let tick = network.tick(&state, &choices);
            ticks += 1;
            let next = find(tick.state, id, &mut seen, &mut queue);
            after.push((next, tick.progress));
            if tick.deposed {
                deposed = Some(vec![id, next]);
            }
        }
        after.sort_unstable();
        after.dedup();
        seen[id as usize].after = after;
    }
    let complete = queue.is_empty();
    let mut result = Explored {
        starts: starts.len(),
        states: seen.len(),
        ticks,
        complete,
        longest_stall: None,
        longest_apart: None,
        breach: None,
        elapsed: Duration::ZERO,
    };
    let told = |path: &[Id]| tell(network, &starts, &seen, path);
    if let Some(path) = deposed {
        result.breach = Some((Breach::Deposed, told(&path)));
    }
    let after = |id: Id| seen[id as usize].after.iter().copied();
    if result.breach.is_none() {
        let still = |id| {
            after(id)
                .filter(|(_, progress)| !progress)
                .map(|(id, _)| id)
        };
        match ways(seen.len(), still) {
            Ways::Circle(circle) => result.breach = Some((Breach::Stuck, told(&circle))),
            Ways::Longest(longest) => result.longest_stall = complete.then_some(longest),
        }
    }
    if result.breach.is_none() {
        let apart = |id: Id| {
            let here = seen[id as usize].apart;
            after(id)
                .map(|(id, _)| id)
                .filter(move |_| here)
                .filter(|&id| seen[id as usize].apart)
        };
        match ways(seen.len(), apart) {
            Ways::Circle(circle) => result.breach = Some((Breach::LeftBehind, told(&circle))),
            Ways::Longest(longest) => result.longest_apart = complete.then_some(longest),
        }
    }
    result.elapsed = began.elapsed();
    result
}

/// The way from a start to a path of states, in words.
fn tell(network: &Network, starts: &[State], seen: &[Seen], path: &[Id]) -> Vec<String> {
    let mut ids = Vec::new();
    let mut id = path[0];
    while seen[id as usize].parent != Id::MAX {
        ids.push(id);
        id = seen[id as usize].parent;
    }
    ids.reverse();
    let mut lines = Vec::new();
    let Some(start) = starts
        .iter()
        .find(|state| fingerprint(state) == seen[id as usize].fingerprint)
    else {
        return lines;
    };
    let mut state = start.clone();
    lines.push(describe(&state, &[]));
    let length = path.len();
    for (place, id) in ids.iter().chain(&path[1..]).chain(&path[..1]).enumerate() {
        if place == ids.len() && length > 1 {
            lines.push("from here:".to_owned());
        }
        let wanted = seen[*id as usize].fingerprint;
        let found = network.choices(&state).into_iter().find_map(|choices| {
            let tick = network.tick(&state, &choices);
            (fingerprint(&tick.state) == wanted).then_some((choices, tick.state))
        });
        let Some((choices, next)) = found else { break };
        state = next;
        lines.push(describe(&state, &choices));
    }
    lines
}

/// A state in a line: of each correct node its term, level, and what it waits for.
#[must_use]
pub fn describe(state: &State, choices: &[Choice]) -> String {
    let nodes = state.nodes.iter().map(|node| {
        format!(
            "T{}{} level {} waits {}/{} {:?}",
            node.term,
            if node.adopted { " adopted" } else { "" },
            node.level,
            node.waited,
            node.starving,
            node.suspicion
        )
    });
    let nodes: Vec<String> = nodes.collect();
    let done: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
    format!("[{}] -> {}", done.join(", "), nodes.join(" | "))
}
