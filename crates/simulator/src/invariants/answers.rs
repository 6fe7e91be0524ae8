//! What a client was told is what happened: the outcome that it believes is the first execution's
//! in the committed chain, and a request is executed at one place only.

use std::collections::BTreeMap;

use consensus::{EntryKind, Index, NodeId, RequestKey};

use super::Invariant;
use crate::oracle::{History, Observation};

#[derive(Default)]
pub(super) struct Answers {
    /// Where each request stands in the committed chain first.
    executed: BTreeMap<RequestKey, Index>,
}

impl Invariant for Answers {
    fn name(&self) -> &'static str {
        "true answers"
    }

    fn rule(&self) -> &'static str {
        "P6.1, P6.5"
    }

    fn observe(
        &mut self,
        history: &History,
        _: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        match observation {
            Observation::Applied { entry, .. }
                if entry.index() > history.committed.last()
                    && entry.header().kind == EntryKind::Transactions =>
            {
                for key in entry.keys() {
                    self.executed.entry(*key).or_insert(entry.index());
                }
                if entry.keys().len() == entry.payloads.len() {
                    Ok(())
                } else {
                    Err(format!(
                        "executes {}, which was never checked",
                        entry.point()
                    ))
                }
            }
            Observation::Answered { key, outcome } => match self.executed.get(key) {
                Some(&index) if index == outcome.index => Ok(()),
                found => Err(format!(
                    "a client was told that its request {} is in entry {}, and it is in {found:?}",
                    key.nonce, outcome.index
                )),
            },
            _ => Ok(()),
        }
    }
}
