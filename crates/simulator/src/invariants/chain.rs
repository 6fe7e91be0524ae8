//! The log is chained: every entry names the hash of the one before, indexes are consecutive, terms
//! and timestamps never decrease.

use consensus::{Entry, Index, NodeId, Record};

use super::Invariant;
use crate::{
    durable::Chain,
    oracle::{History, Observation},
};

pub(super) struct HashChain;

impl HashChain {
    /// Checks entries that are put onto `log` one after the other.
    fn check(history: &History, log: &Chain, records: &[Record]) -> Result<(), String> {
        let opening = history.configuration().opening();
        // What the write put before the entry in question, where it did.
        let mut last_put: Option<&Entry> = None;
        let mut end = log.last();
        for record in records {
            match record {
                Record::Entry(entry) => {
                    let before = entry.index().previous();
                    if before > end {
                        return Err(format!("writes {} after index {end}", entry.point()));
                    }
                    let put = last_put.filter(|last| last.index() == before);
                    let (hash, term) = match put {
                        Some(last) => (last.point().hash, last.term()),
                        None if before == Index::ZERO => (opening.hash, consensus::Term::ZERO),
                        None => log
                            .get(before)
                            .map(|entry| (entry.hash, entry.term))
                            .ok_or_else(|| format!("writes {} onto nothing", entry.point()))?,
                    };
                    let timestamp = put.map_or(0, |last| last.header().timestamp);
                    if entry.header().previous != hash
                        || entry.term() < term
                        || entry.header().timestamp < timestamp
                    {
                        return Err(format!(
                            "writes {} of term {}, which does not follow {} of term {term}",
                            entry.point(),
                            entry.term(),
                            hash.short()
                        ));
                    }
                    last_put = Some(entry);
                    end = entry.index();
                }
                Record::Truncate(last) => {
                    end = end.min(*last);
                    last_put = last_put.filter(|put| put.index() <= *last);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Invariant for HashChain {
    fn name(&self) -> &'static str {
        "hash chain"
    }

    fn rule(&self) -> &'static str {
        "P2.4"
    }

    fn observe(
        &mut self,
        history: &History,
        node: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        match observation {
            Observation::Wrote { records, .. } => {
                Self::check(history, &history.logs[node.position()], records)
            }
            _ => Ok(()),
        }
    }
}
