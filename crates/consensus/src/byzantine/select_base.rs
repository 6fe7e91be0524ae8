//! `select_base` (P4.8): what a new term must keep, as a pure function of sound reports.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::void::{Path, Void, judge};
use crate::{
    configuration::Configuration,
    message::Report,
    mode::FaultModel,
    mutation::{self, Mutation},
    signed::Signed,
    types::{NodeId, Point, Term},
};

/// Why reports give no base.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NoBase {
    /// A reporter stands among them twice, or a report is for another term.
    #[error("a reporter is counted twice, or a report is for another term")]
    Reporters,
    /// A report is void.
    #[error("a report is void: {0}")]
    Void(#[from] Void),
    /// Fewer than n − f reports; where the last leader equivocated, its own does not count.
    #[error("{found} reports are fewer than the {needed} needed")]
    TooFew {
        /// How many count.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
}

/// A reporter with the path of its report.
pub type Reported = (NodeId, Path);

/// Judges all reports for `term` and selects the base: what a voter recomputes (P4.7).
///
/// # Errors
/// [`NoBase`].
pub fn from_reports(
    configuration: &Configuration,
    term: Term,
    reports: &[Signed<Report>],
) -> Result<Point, NoBase> {
    let mut reporters = BTreeSet::new();
    let mut paths = Vec::with_capacity(reports.len());
    for report in reports {
        if report.body.term != term || !reporters.insert(report.signer) {
            return Err(NoBase::Reporters);
        }
        paths.push((report.signer, judge(configuration, &report.body)?));
    }
    select_base(configuration.sizes(), &paths, |term| {
        configuration.leader(term)
    })
}

/// Selects what the next term must keep from the paths of sound reports of distinct reporters.
///
/// # Errors
/// [`NoBase::TooFew`].
pub fn select_base(
    sizes: FaultModel,
    reports: &[Reported],
    leader: impl Fn(Term) -> NodeId,
) -> Result<Point, NoBase> {
    let needed = sizes.reports() - usize::from(mutation::active(Mutation::FewerReports));
    let enough = |found: usize| {
        if found < needed {
            return Err(NoBase::TooFew { found, needed });
        }
        Ok(())
    };
    enough(reports.len())?;
    let term = reports
        .iter()
        .map(|(_, path)| path.term)
        .max()
        .ok_or(NoBase::TooFew { found: 0, needed })?;
    let of_term = || reports.iter().filter(|(_, path)| path.term == term);
    // L and base(w). Certificates of one term lie on one chain, and all beyond base(w).
    let certified = of_term()
        .filter_map(|(_, path)| path.certified)
        .filter(|_| !mutation::active(Mutation::CertificatesIgnored))
        .max_by_key(|point| point.index);
    let base = of_term().find_map(|(_, path)| path.base);
    let start = certified
        .or(base)
        .expect("a sound report shows base(w) or a certificate of w");
    let tree = Tree::new(of_term().map(|(_, path)| path));

    // Heads at or below L do not matter: L stands for everything below it.
    let heads = || {
        of_term()
            .map(|(reporter, path)| (*reporter, path.head()))
            .filter(|(_, head)| head.index > start.index)
    };
    let furthest = heads()
        .map(|(_, head)| head)
        .max_by_key(|head| head.index)
        .unwrap_or(start);
    let one_chain =
        tree.extends(furthest, start) && heads().all(|(_, head)| tree.extends(furthest, head));
    if one_chain {
        return Ok(furthest);
    }

    // Two branches: leader(w) signed both. Its own report is set aside; the others decide.
    let culprit = leader(term);
    let counts =
        |reporter| reporter != culprit || mutation::active(Mutation::EquivocatorReportCounts);
    let count = reports
        .iter()
        .filter(|(reporter, _)| counts(*reporter))
        .count();
    enough(count)?;
    let threshold = threshold(sizes, count);
    let mut selected = start;
    while let Some(next) = tree.children(selected).find(|&child| {
        let extending = heads()
            .filter(|&(reporter, head)| counts(reporter) && tree.extends(head, child))
            .count();
        extending >= threshold
    }) {
        selected = next;
    }
    Ok(selected)
}

/// How many of so many reports must extend what is kept, where two branches are reported.
fn threshold(sizes: FaultModel, reports: usize) -> usize {
    if mutation::active(Mutation::ThresholdConstant) {
        return sizes.faulty() + 1;
    }
    let threshold = (reports + 1)
        .saturating_sub(sizes.faulty() + sizes.slack())
        .max(1);
    if mutation::active(Mutation::ThresholdLower) {
        threshold.saturating_sub(1).max(1)
    } else {
        threshold + usize::from(mutation::active(Mutation::ThresholdHigher))
    }
}

/// The points that the reports show, each with the one before.
struct Tree {
    previous: BTreeMap<Point, Point>,
}

impl Tree {
    fn new<'a>(paths: impl Iterator<Item = &'a Path>) -> Self {
        Self {
            previous: paths
                .flat_map(|path| path.points.windows(2).map(|pair| (pair[1], pair[0])))
                .collect(),
        }
    }

    /// Whether `point` is `ancestor` or lies beyond it on the same branch (P2.5).
    fn extends(&self, mut point: Point, ancestor: Point) -> bool {
        while point.index > ancestor.index {
            let Some(&previous) = self.previous.get(&point) else {
                return false;
            };
            point = previous;
            if mutation::active(Mutation::StrictExtends) && point == ancestor {
                return true;
            }
        }
        point == ancestor && !mutation::active(Mutation::StrictExtends)
    }

    fn children(&self, point: Point) -> impl Iterator<Item = Point> {
        self.previous
            .iter()
            .filter(move |(_, previous)| **previous == point)
            .map(|(child, _)| *child)
    }
}
