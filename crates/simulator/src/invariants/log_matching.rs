//! Raft's log matching: two logs that hold an entry of the same index and term are equal up to it.
//! With the hash chain it is enough that there is one entry for each index and term.

use std::collections::BTreeMap;

use consensus::{Hash, Index, NodeId, Record, Term};

use super::Invariant;
use crate::oracle::{History, Observation};

#[derive(Default)]
pub(super) struct LogMatching {
    entries: BTreeMap<(Index, Term), Hash>,
}

impl Invariant for LogMatching {
    fn name(&self) -> &'static str {
        "log matching"
    }

    fn rule(&self) -> &'static str {
        "P10.1, Raft Figure 3"
    }

    fn observe(
        &mut self,
        _: &History,
        _: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        let Observation::Wrote { records, .. } = observation else {
            return Ok(());
        };
        for record in *records {
            let Record::Entry(entry) = record else {
                continue;
            };
            let point = entry.point();
            let first = *self
                .entries
                .entry((point.index, entry.term()))
                .or_insert(point.hash);
            if first != point.hash {
                return Err(format!(
                    "holds {point} of term {}, and another log holds {}",
                    entry.term(),
                    first.short()
                ));
            }
        }
        Ok(())
    }
}
