//! Whether a report counts (P4.5): a pure function of the report and the configuration. Signatures
//! were checked by [`crate::verification`]; bodies are the collector's business.

use thiserror::Error;

use crate::{
    configuration::Configuration,
    entry::EntryKind,
    limits,
    message::{Justification, Report},
    mutation::{self, Mutation},
    types::{Point, Term},
};

/// Why a report is void as a whole.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Void {
    /// Its terms do not fit each other.
    #[error("its pair, certificates or leave certificate are of the wrong term")]
    Terms,
    /// What entitles the node to its pair is missing.
    #[error("its pair is not justified")]
    Unjustified,
    /// The point hangs in the air, or from something that is not certified.
    #[error("its point is not linked to base or to a certified point of its term")]
    Unlinked,
    /// A header is not by the leader of the pair's term.
    #[error("a header is not of the pair's term and leader")]
    Author,
    /// No correct node would have accepted an entry with such a header there (P3.2).
    #[error("a header is of the wrong kind or of an empty entry, or its timestamp goes back")]
    Header,
}

/// The points of a sound report's pair: from its anchor to the accepted point, each linked to the
/// one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// w.
    pub term: Term,
    /// From the anchor, which is base(w) or certified in w, to the accepted point.
    pub points: Vec<Point>,
    /// base(w), if the report shows it.
    pub base: Option<Point>,
    /// The furthest point that a certificate of w in the report speaks about.
    pub certified: Option<Point>,
}

impl Path {
    /// The accepted point.
    #[must_use]
    pub fn head(&self) -> Point {
        self.points[self.points.len() - 1]
    }

    /// The point that the headers hang from.
    #[must_use]
    pub fn anchor(&self) -> Point {
        self.points[0]
    }
}

/// Judges a report for term T = `report.term`.
///
/// # Errors
/// [`Void`]; such a report counts for nothing.
pub fn judge(configuration: &Configuration, report: &Report) -> Result<Path, Void> {
    let pair = &report.pair;
    let terms_fit = pair.term < report.term
        && report.leave.term.next() == report.term
        && report
            .accept
            .as_ref()
            .is_none_or(|accept| accept.term() == pair.term)
        && report.commit.as_ref().is_none_or(|commit| {
            commit.term() <= pair.term && commit.commits(configuration.sizes())
        });
    if !terms_fit {
        return Err(Void::Terms);
    }
    let base = match &pair.justification {
        Justification::Opening if pair.term == Term::ZERO => Some(configuration.opening()),
        Justification::Election(election) if election.term() == pair.term => Some(election.base()),
        Justification::Commit(commit)
            if commit.term() == pair.term && commit.commits(configuration.sizes()) =>
        {
            // In term 0 everybody knows what it builds on.
            (pair.term == Term::ZERO).then(|| configuration.opening())
        }
        _ if mutation::active(Mutation::UnjustifiedReportCounts) => None,
        _ => return Err(Void::Unjustified),
    };
    let certified: Vec<Point> = report
        .certificates()
        .map(|certificate| certificate.point(configuration))
        .collect();
    let points = link(configuration, report, |point| {
        base == Some(point)
            || certified.contains(&point)
            || mutation::active(Mutation::UnjustifiedReportCounts)
    })?;
    let anchor = points[0];
    check_headers(report, base == Some(anchor))?;
    Ok(Path {
        term: pair.term,
        points,
        base,
        certified: certified
            .into_iter()
            .max_by_key(|point| point.index)
            .or(mutation::active(Mutation::UnjustifiedReportCounts).then_some(anchor)),
    })
}

/// What P3.2 says about the headers among themselves: the first entry after base, and no other, is
/// the term record, none is empty, and timestamps do not go back.
fn check_headers(report: &Report, from_base: bool) -> Result<(), Void> {
    let headers = &report.pair.headers;
    let right_kinds = headers.iter().enumerate().all(|(position, signed)| {
        (signed.header.kind == EntryKind::TermRecord) == (from_base && position == 0)
    });
    let in_order = headers
        .windows(2)
        .all(|pair| pair[0].header.timestamp <= pair[1].header.timestamp);
    let none_empty = headers.iter().all(|signed| signed.header.count > 0)
        || mutation::active(Mutation::EmptyEntryValid);
    if right_kinds && in_order && none_empty {
        Ok(())
    } else {
        Err(Void::Header)
    }
}

fn link(
    configuration: &Configuration,
    report: &Report,
    is_anchor: impl Fn(Point) -> bool,
) -> Result<Vec<Point>, Void> {
    let pair = &report.pair;
    if pair.headers.len() as u64 > limits::WINDOW {
        return Err(Void::Unlinked);
    }
    let anchor = match pair.headers.first() {
        None => pair.point,
        Some(first) => Point {
            index: first.header.index.previous(),
            hash: first.header.previous,
        },
    };
    if !is_anchor(anchor) {
        return Err(Void::Unlinked);
    }
    let leader = configuration.leader(pair.term);
    let mut points = vec![anchor];
    for signed in &pair.headers {
        let header = &signed.header;
        if header.term != pair.term || header.author != leader {
            return Err(Void::Author);
        }
        let last = points[points.len() - 1];
        if header.previous != last.hash || header.index != last.index.next() {
            return Err(Void::Unlinked);
        }
        points.push(header.point(configuration));
    }
    if points[points.len() - 1] != pair.point {
        return Err(Void::Unlinked);
    }
    Ok(points)
}
