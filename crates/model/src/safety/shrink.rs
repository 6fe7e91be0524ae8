//! Makes a counterexample short enough to read.

use super::{Action, Protocol, State, Violation};

/// Takes the steps that the rules allow, leaving out those they refuse, until something is
/// violated. Returns the steps taken and what they violate.
#[must_use]
pub fn replay(protocol: &Protocol, actions: &[Action]) -> (Vec<Action>, Option<Violation>) {
    let mut state = State::new(protocol);
    let mut taken = Vec::new();
    for action in actions {
        if protocol.apply(&mut state, action).is_ok() {
            taken.push(action.clone());
            if let Some(violation) = protocol.violation(&state) {
                return (taken, Some(violation));
            }
        }
    }
    (taken, None)
}

/// Leaves out steps as long as something of the same name is still violated.
#[must_use]
pub fn shrink(protocol: &Protocol, actions: &[Action], name: &str) -> Vec<Action> {
    let violates = |actions: &[Action]| {
        let mut state = State::new(protocol);
        let mut taken = Vec::new();
        for action in actions {
            if protocol.apply(&mut state, action).is_err() {
                continue;
            }
            taken.push(action.clone());
            let found = protocol
                .fork(&state)
                .into_iter()
                .chain(protocol.accusation(&state))
                .any(|violation| violation.name() == name);
            if found {
                return Some(taken);
            }
        }
        None
    };
    let mut best = violates(actions).unwrap_or_else(|| actions.to_vec());
    loop {
        let before = best.len();
        let mut place = best.len();
        while place > 0 {
            place -= 1;
            let mut fewer = best.clone();
            fewer.remove(place);
            if let Some(shorter) = violates(&fewer) {
                best = shorter;
                place = place.min(best.len());
            }
        }
        if best.len() == before {
            return best;
        }
    }
}
