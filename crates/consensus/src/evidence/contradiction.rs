//! When two statements contradict each other (P7.3): pure functions of the statements, and of the
//! headers that show how two points lie to each other.

use crate::{
    certificate::Counted,
    configuration::Configuration,
    entry::EntryHeader,
    limits,
    message::{Report, Vote},
    signed::Signed,
    types::Point,
};

/// One of a vote's two points.
pub(super) const fn point_of(vote: &Vote, counted: Counted) -> Option<Point> {
    match counted {
        Counted::Accepted => vote.accepted,
        Counted::Locked => vote.locked,
    }
}

pub(super) fn same_voter_and_term(one: &Signed<Vote>, other: &Signed<Vote>) -> bool {
    one.signer == other.signer && one.body.term == other.body.term
}

/// Whether two votes claim different results for one index.
#[must_use]
pub fn results_differ(one: &Vote, other: &Vote) -> bool {
    one.applied
        .zip(other.applied)
        .is_some_and(|(one, other)| one.index == other.index && one.digest != other.digest)
}

/// The headers that prove that `high` does not extend `low`, where `header` finds those known: from
/// just above the lower point's height to the higher point. None are needed at one height. `None`:
/// it does extend it, or nobody here knows.
#[must_use]
pub fn fork_headers<'a>(
    low: Point,
    high: Point,
    header: impl Fn(Point) -> Option<&'a EntryHeader>,
) -> Option<Vec<EntryHeader>> {
    if low.index == high.index {
        return (low.hash != high.hash).then(Vec::new);
    }
    if high.index.beyond(low.index) > limits::EVIDENCE_HEADERS as u64 {
        return None;
    }
    let mut headers = Vec::new();
    let mut at = high;
    while at.index > low.index {
        let found = header(at)?;
        at = Point {
            index: at.index.previous(),
            hash: found.previous,
        };
        headers.push(found);
    }
    (at.hash != low.hash).then(|| headers.into_iter().rev().cloned().collect())
}

/// Whether the two voted points lie on different branches. At one height that is plain; otherwise
/// the headers lead from the lower height to the higher point and show another entry below.
pub(super) fn forks(
    configuration: &Configuration,
    low: Point,
    high: Point,
    headers: &[EntryHeader],
) -> bool {
    if low.index == high.index {
        return headers.is_empty() && low.hash != high.hash;
    }
    let Some(first) = headers.first() else {
        return false;
    };
    let linked = headers.windows(2).all(|pair| {
        pair[1].index == pair[0].index.next() && pair[1].previous == pair[0].hash(configuration)
    });
    let ends_high = headers
        .last()
        .is_some_and(|last| last.point(configuration) == high);
    linked && ends_high && first.index == low.index.next() && first.previous != low.hash
}

/// The points of a reported branch, from the reported one down, as far as the report's headers are
/// linked to it.
pub(super) fn branch(configuration: &Configuration, report: &Report) -> Vec<Point> {
    let mut at = report.pair.point;
    let mut points = vec![at];
    for signed in report.pair.headers.iter().rev() {
        if signed.header.point(configuration) != at {
            break;
        }
        at = Point {
            index: at.index.previous(),
            hash: signed.header.previous,
        };
        points.push(at);
    }
    points
}
