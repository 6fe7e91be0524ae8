//! Which base the collected reports give, of those that this node could adopt itself (P4.5).

use super::{
    Byzantine,
    adopting::Unadoptable,
    select_base::{Reported, select_base},
    void::Path,
};
use crate::{
    limits,
    mutation::{self, Mutation},
    types::{NodeId, Point},
};

/// How often what is far ahead is held against the clock again, in milliseconds.
const CLOCK_STEP: u64 = 64;

/// All that the outcome depends on: what is unchanged is not looked through again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Situation {
    reports: usize,
    /// How many entries came beside the chain.
    arrivals: u64,
    commit: Point,
    head: Point,
    clock: u64,
}

/// Reports that gave no base yet.
pub(super) struct Examined {
    pub(super) of: Situation,
    pub(super) missing: Missing,
}

/// Entries that are missing of the bases that reports give, each with who reported that base.
pub(super) type Missing = Vec<(NodeId, Point)>;

impl Byzantine {
    pub(super) fn situation(&self) -> Situation {
        Situation {
            reports: self.candidacy.reports.len(),
            arrivals: self.branches.arrivals(),
            commit: self.commit,
            head: self.log.last(),
            clock: self.now.wall / CLOCK_STEP,
        }
    }

    /// Selects a base from the reports. One that this node cannot adopt now is left out with every
    /// report that shows it, and the others select again, as long as they are enough. A correct
    /// reporter holds all of what it shows, so it is left out no longer than until this node got it
    /// from there; and what is left out for ever was reported by traitors only. Without any base, says
    /// what is missing of those that there could be.
    pub(super) fn examine(&self) -> Result<(Point, Vec<NodeId>), Missing> {
        let configuration = self.configuration();
        let reports = self.candidacy.reports.iter();
        let mut taken: Vec<Reported> = reports
            .map(|(reporter, (_, path))| (*reporter, path.clone()))
            .collect();
        let mut missing = Vec::new();
        loop {
            let selected = select_base(configuration.sizes(), &taken, |term| {
                configuration.leader(term)
            });
            let Ok(base) = selected else {
                return Err(missing);
            };
            let unadoptable = match self.lead_as_collector(base) {
                Err(unadoptable) if !mutation::active(Mutation::DeadBaseSelected) => unadoptable,
                _ => {
                    let reporters = taken.into_iter().map(|(reporter, _)| reporter);
                    return Ok((base, reporters.collect()));
                }
            };
            if let Unadoptable::Missing(point) = unadoptable {
                let showing = taken.iter().filter(|(_, path)| shows(path, base));
                missing.extend(showing.map(|(reporter, _)| (*reporter, point)));
            }
            let before = taken.len();
            taken.retain(|(_, path)| !shows(path, base));
            assert!(taken.len() < before, "P4.8: some report shows the base");
        }
    }

    /// As [`Byzantine::lead_to`], for a base that is still to be chosen: one whose entries take more
    /// room than those that correct nodes accepted is not worth fetching.
    fn lead_as_collector(&self, base: Point) -> Result<(), Unadoptable> {
        if !self.fits(base) && !mutation::active(Mutation::BaseWithoutLimit) {
            return Err(Unadoptable::Invalid);
        }
        self.lead_to(base).map(|_| ())
    }

    /// Whether what is here from a base down to the chain, or to the first gap, keeps to the limits.
    fn fits(&self, base: Point) -> bool {
        let (mut entries, mut bytes, mut at) = (0, 0, base);
        while !self.log.contains(at)
            && let Some(entry) = self.entry(at)
        {
            entries += 1;
            bytes += entry.body_bytes();
            if entries > limits::BASE_ENTRIES || bytes > limits::BASE_BYTES {
                return false;
            }
            at = entry.previous();
        }
        true
    }
}

/// Whether a report speaks about a point: on its way, or by what it hangs from.
fn shows(path: &Path, point: Point) -> bool {
    path.points.contains(&point) || path.base == Some(point) || path.certified == Some(point)
}
