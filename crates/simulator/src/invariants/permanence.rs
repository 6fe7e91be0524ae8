//! Nothing committed ever changes: a node never replaces or drops an entry that it knows to be
//! committed, its commit point never falls, and it executes every committed entry once, in order.

use consensus::{Index, NodeId, Notice, Point, Record};

use super::Invariant;
use crate::oracle::{History, Observation};

#[derive(Clone, Copy, Default)]
struct Progress {
    committed: Index,
    applied: Index,
}

pub(super) struct Permanence {
    nodes: Vec<Progress>,
}

impl Permanence {
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            nodes: vec![Progress::default(); nodes],
        }
    }
}

/// Checks a write. A node may write what it commits later than it says so; so what counts is what
/// its log held, and what it holds instead.
fn check_write(
    history: &History,
    node: NodeId,
    committed: Index,
    records: &[Record],
) -> Result<(), String> {
    let log = &history.logs[node.position()];
    // How much of the log is still as it was before the write.
    let mut end = log.last();
    let is_committed = |point: Point| point.index <= committed && history.committed.contains(point);
    let held = |index: Index| {
        log.get(index).map(|entry| Point {
            index,
            hash: entry.hash,
        })
    };
    for record in records {
        let (kept, replacement) = match record {
            Record::Entry(entry) => (entry.index().previous(), Some(entry.point())),
            Record::Truncate(last) => (*last, None),
            _ => continue,
        };
        let first_dropped = held(kept.next()).filter(|dropped| dropped.index <= end);
        if let Some(dropped) = first_dropped.filter(|&dropped| is_committed(dropped)) {
            return Err(format!("drops {dropped}, which it committed"));
        }
        let wrong = replacement
            .filter(|new| new.index <= committed && history.committed.get(new.index).is_some())
            .filter(|new| !history.committed.contains(*new));
        if let Some(wrong) = wrong {
            return Err(format!(
                "writes {wrong} although it committed up to index {committed}"
            ));
        }
        end = end.min(kept);
    }
    Ok(())
}

impl Invariant for Permanence {
    fn name(&self) -> &'static str {
        "permanence"
    }

    fn rule(&self) -> &'static str {
        "P3.2, P3.6, P8.4"
    }

    fn observe(
        &mut self,
        history: &History,
        node: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        let progress = &mut self.nodes[node.position()];
        match observation {
            Observation::Wrote { records, .. } => {
                check_write(history, node, progress.committed, records)
            }
            Observation::Notice(Notice::Committed { point }) => {
                if point.index < progress.committed {
                    return Err(format!(
                        "its commit point fell from index {} to {point}",
                        progress.committed
                    ));
                }
                progress.committed = point.index;
                Ok(())
            }
            Observation::Applied { entry, .. } => {
                if entry.index() != progress.applied.next() {
                    return Err(format!(
                        "executes {} after index {}",
                        entry.point(),
                        progress.applied
                    ));
                }
                progress.applied = entry.index();
                Ok(())
            }
            Observation::Restarted { restored, .. } => {
                let applied = restored.map_or(Index::ZERO, |restored| restored.applied.index);
                *progress = Progress {
                    committed: applied,
                    applied,
                };
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
