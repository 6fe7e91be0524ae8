//! Makes a counterexample short enough to read.

use super::{Action, Member, Point, Protocol, Reported, State, Term, Violation, state::of_term};

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
    let Some(mut best) = violates(protocol, actions, name, false) else {
        return actions.to_vec();
    };
    let mut size = best.len().div_ceil(2);
    while size > 0 {
        let mut end = best.len();
        let mut shorter_at_this_size = false;
        while end > 0 {
            let start = end.saturating_sub(size);
            let mut fewer = best.clone();
            fewer.drain(start..end);
            let shorter = violates(protocol, &fewer, name, false)
                .or_else(|| violates(protocol, &fewer, name, true))
                .filter(|shorter| shorter.len() < best.len());
            if let Some(shorter) = shorter {
                best = shorter;
                shorter_at_this_size = true;
            }
            end = start.min(best.len());
        }
        if size > 1 {
            size /= 2;
        } else if !shorter_at_this_size {
            break;
        }
    }
    best
}

/// The steps taken until something of that name is violated, if it is.
fn violates(
    protocol: &Protocol,
    actions: &[Action],
    name: &str,
    mend: bool,
) -> Option<Vec<Action>> {
    let mut state = State::new(protocol);
    let mut taken = Vec::new();
    for action in actions {
        let action = if mend {
            mended(protocol, &state, action)
        } else {
            action.clone()
        };
        if protocol.apply(&mut state, &action).is_err() {
            continue;
        }
        taken.push(action);
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
}

/// A step that means the same after steps before it were left out: terms have other bases then,
/// and correct nodes report something else.
fn mended(protocol: &Protocol, state: &State, action: &Action) -> Action {
    let moved = |term, point| transplanted(protocol, state, term, point);
    let mut action = action.clone();
    match &mut action {
        Action::Accept { node, point } | Action::Lock { node, point } => {
            if let Some(node) = state.nodes.get(*node) {
                *point = moved(node.pair_term, *point);
            }
        }
        Action::Commit { term, point, .. } => *point = moved(*term, *point),
        Action::Adopt { term, base, .. } => {
            *base = protocol
                .bases(state, *term)
                .first()
                .copied()
                .unwrap_or(*base);
        }
        Action::Grant {
            node,
            base,
            reports,
        } => {
            let Some(term) = state.nodes.get(*node).map(|node| node.term) else {
                return action;
            };
            let said: Vec<Reported> = reports
                .iter()
                .filter_map(|one| reported(protocol, state, term, one))
                .collect();
            if let Some(other) = protocol.select_base(&said) {
                *base = other;
                *reports = said.into();
            }
        }
        _ => {}
    }
    action
}

/// What the same reporter can say now.
fn reported(protocol: &Protocol, state: &State, term: Term, one: &Reported) -> Option<Reported> {
    let mut one = *one;
    if let Some(Member::Correct(position)) = protocol.member(one.reporter) {
        let reports = &state.nodes[position].reports;
        if !of_term(reports, term).any(|report| report == one.report) {
            one.report = of_term(reports, term).last()?;
        }
    } else {
        let of = one.report.pair_term;
        one.report.point = transplanted(protocol, state, of, one.report.point);
        one.report.certified = one
            .report
            .certified
            .map(|point| transplanted(protocol, state, of, point));
    }
    Some(one)
}

/// The same entries of a term after the base that the term has now.
fn transplanted(protocol: &Protocol, state: &State, term: Term, point: Point) -> Point {
    let forest = protocol.forest();
    let bases = protocol.bases(state, term);
    let root = forest.root(term, point);
    if bases.is_empty() || bases.contains(&root) {
        return point;
    }
    let mut kinds = Vec::new();
    let mut entry = point;
    while entry != root {
        kinds.push(forest.kind(entry));
        entry = forest.parent(entry);
    }
    kinds
        .into_iter()
        .rev()
        .try_fold(bases[0], |parent, kind| forest.after(parent, term, kind))
        .unwrap_or(point)
}
