//! The search for an order.

use std::collections::HashSet;

use super::{Contradiction, Interval, Model, Verdict};

/// Which operations are linearized, and the state they lead to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Position<S> {
    /// All returned operations before this one, in the order of calls, are linearized.
    prefix: usize,
    /// Those at or beyond it that are, too; ascending.
    ahead: Vec<usize>,
    /// Those of unknown outcome that are; ascending.
    open: Vec<usize>,
    state: S,
}

#[derive(Clone, Copy)]
enum Next {
    /// A place in the order of the returned operations.
    Returned(usize),
    /// A place in the order of those of unknown outcome.
    Open(usize),
}

struct Frame<S> {
    position: Position<S>,
    next: Vec<Next>,
    tried: usize,
}

struct Search<'a, M: Model> {
    model: &'a M,
    history: &'a [Interval<M::Operation>],
    /// Positions in the history, in the order of calls.
    returned: Vec<usize>,
    open: Vec<usize>,
}

/// Searches for an order that explains the history, at most so many steps long.
///
/// Times that are equal count as overlapping. `initial` is the object's state before the first
/// operation.
pub fn check<M: Model>(
    model: &M,
    initial: M::State,
    history: &[Interval<M::Operation>],
    budget: u64,
) -> Verdict {
    let (mut returned, mut open): (Vec<usize>, Vec<usize>) =
        (0..history.len()).partition(|&number| history[number].returned.is_some());
    returned.sort_by_key(|&number| history[number].invoked);
    open.sort_by_key(|&number| history[number].invoked);
    Search {
        model,
        history,
        returned,
        open,
    }
    .run(initial, budget)
}

impl<M: Model> Search<'_, M> {
    fn run(&self, initial: M::State, budget: u64) -> Verdict {
        let start = Position {
            prefix: 0,
            ahead: Vec::new(),
            open: Vec::new(),
            state: initial,
        };
        let mut steps = 0;
        let mut furthest = start.clone();
        let mut seen = HashSet::from([start.clone()]);
        let mut stack = vec![self.frame(start)];
        while let Some(frame) = stack.last_mut() {
            if frame.position.prefix == self.returned.len() {
                return Verdict::Linearizable { steps };
            }
            let Some(&next) = frame.next.get(frame.tried) else {
                stack.pop();
                continue;
            };
            frame.tried += 1;
            steps += 1;
            if steps > budget {
                return Verdict::Undecided { steps };
            }
            let Some(position) = self.take(&frame.position, next) else {
                continue;
            };
            // An operation with a known result that changes nothing may as well come first: in
            // every order that explains the rest it can be moved here.
            if matches!(next, Next::Returned(_)) && position.state == frame.position.state {
                frame.tried = frame.next.len();
            }
            if seen.insert(position.clone()) {
                if explained(&position) > explained(&furthest) {
                    furthest = position.clone();
                }
                stack.push(self.frame(position));
            }
        }
        Verdict::Violation(self.contradiction(&furthest))
    }

    fn frame(&self, position: Position<M::State>) -> Frame<M::State> {
        Frame {
            next: self.candidates(&position),
            position,
            tried: 0,
        }
    }

    /// The operations that nothing still to be linearized precedes. Those that returned first come
    /// first, as they mostly took effect first; those of unknown outcome come last, so that they
    /// are used only where nothing else explains what was seen.
    fn candidates(&self, position: &Position<M::State>) -> Vec<Next> {
        let mut earliest = u64::MAX;
        let mut found: Vec<(u64, Next)> = Vec::new();
        for (place, &number) in self.returned.iter().enumerate().skip(position.prefix) {
            let interval = &self.history[number];
            if interval.invoked > earliest {
                break;
            }
            if position.ahead.binary_search(&place).is_err() {
                let returned = interval.returned.unwrap_or(u64::MAX);
                earliest = earliest.min(returned);
                found.push((returned, Next::Returned(place)));
            }
        }
        found.sort_by_key(|(returned, _)| *returned);
        let open = self.open.iter().enumerate();
        let open = open
            .take_while(|(_, number)| self.history[**number].invoked <= earliest)
            .filter(|(place, _)| position.open.binary_search(place).is_err())
            .map(|(place, _)| Next::Open(place));
        found
            .into_iter()
            .map(|(_, next)| next)
            .chain(open)
            .collect()
    }

    fn operation(&self, next: Next) -> &M::Operation {
        let number = match next {
            Next::Returned(place) => self.returned[place],
            Next::Open(place) => self.open[place],
        };
        &self.history[number].operation
    }

    fn take(&self, from: &Position<M::State>, next: Next) -> Option<Position<M::State>> {
        let state = self.model.step(&from.state, self.operation(next))?;
        let mut position = Position {
            state,
            ..from.clone()
        };
        match next {
            Next::Open(place) => insert(&mut position.open, place),
            Next::Returned(place) => {
                insert(&mut position.ahead, place);
                let reached = position.ahead.iter().zip(position.prefix..);
                let reached = reached.take_while(|(place, prefix)| **place == *prefix);
                let reached = reached.count();
                position.ahead.drain(..reached);
                position.prefix += reached;
            }
        }
        Some(position)
    }

    fn contradiction(&self, furthest: &Position<M::State>) -> Contradiction {
        let stuck = self.candidates(furthest).into_iter();
        Contradiction {
            explained: (explained(furthest), self.returned.len()),
            state: format!("{:?}", furthest.state),
            stuck: stuck
                .filter_map(|next| match next {
                    Next::Returned(place) => Some(self.returned[place]),
                    Next::Open(_) => None,
                })
                .collect(),
        }
    }
}

fn explained<S>(position: &Position<S>) -> usize {
    position.prefix + position.ahead.len()
}

fn insert(sorted: &mut Vec<usize>, value: usize) {
    if let Err(place) = sorted.binary_search(&value) {
        sorted.insert(place, value);
    }
}
