//! Traces in a few characters per step.

use std::fmt::Write as _;

use super::{Action, Forest, Kind, Point, Protocol, Reported, Violation};

/// A point as the chain of its entries: term and branch of each, as in `0a·0b·2!`; `!` is a stop
/// sign, `?` a false one, `-` the opening.
#[must_use]
pub fn point(forest: &Forest, mut point: Point) -> String {
    if point == Point::OPENING {
        return "-".to_owned();
    }
    let mut entries = Vec::new();
    while point != Point::OPENING {
        let kind = match forest.kind(point) {
            Kind::Entry(branch) => char::from(b'a' + branch % 26),
            Kind::StopSign => '!',
            Kind::FalseStopSign => '?',
        };
        entries.push(format!("{}{kind}", forest.term(point)));
        point = forest.parent(point);
    }
    entries.reverse();
    entries.join("·")
}

/// A step in one line.
#[must_use]
pub fn step(protocol: &Protocol, action: &Action) -> String {
    let forest = protocol.forest();
    let name = |position: usize| format!("n{}", protocol.number(position));
    let who = name(action.node());
    match action {
        Action::WouldLeave { .. } => format!("{who} would leave its term"),
        Action::Leave { term, .. } => format!("{who} leaves term {term} and reports"),
        Action::Enter { term, .. } => format!("{who} enters term {term}"),
        Action::Report { .. } => format!("{who} reports again"),
        Action::Grant { base, reports, .. } => {
            let mut line = format!("{who} grants {}", point(forest, *base));
            for one in reports.iter() {
                let _ = write!(line, ", {}", reported(protocol, one));
            }
            line
        }
        Action::Adopt { term, base, .. } => {
            format!("{who} adopts term {term} from {}", point(forest, *base))
        }
        Action::Accept { point: to, .. } => format!("{who} votes {}", point(forest, *to)),
        Action::Lock { point: to, .. } => format!("{who} locks {}", point(forest, *to)),
        Action::Commit {
            term, point: to, ..
        } => format!("{who} commits {} by term {term}", point(forest, *to)),
        Action::Restart { .. } => format!("{who} restarts"),
    }
}

fn reported(protocol: &Protocol, one: &Reported) -> String {
    let forest = protocol.forest();
    let lies = match protocol.member(one.reporter) {
        Some(super::Member::Correct(_)) => "",
        _ => "*",
    };
    let mut text = format!(
        "{lies}n{}:({}, {}",
        one.reporter,
        one.report.pair_term,
        point(forest, one.report.point)
    );
    if let Some(certified) = one.report.certified {
        let _ = write!(text, ", L {}", point(forest, certified));
    }
    text.push(')');
    text
}

/// A violation with its points written out.
#[must_use]
pub fn violation(protocol: &Protocol, violation: &Violation) -> String {
    let show = |at: &Point| point(protocol.forest(), *at);
    match violation {
        Violation::Fork(one, other) => {
            format!("{} and {} are both committed", show(one), show(other))
        }
        Violation::CommitLost {
            term,
            base,
            committed,
            of,
        } => format!(
            "base {} of term {term} misses {}, committed in term {of}",
            show(base),
            show(committed)
        ),
        Violation::StopSign(at) => format!(
            "{} is committed: past a stop sign, or a false one",
            show(at)
        ),
        other => other.to_string(),
    }
}
