//! Nothing is executed that no client asked for.

use consensus::{EntryKind, NodeId};

use super::Invariant;
use crate::oracle::{History, Observation};

pub(super) struct Authenticity;

impl Invariant for Authenticity {
    fn name(&self) -> &'static str {
        "authenticity"
    }

    fn rule(&self) -> &'static str {
        "P1.4, P3.2"
    }

    fn observe(
        &mut self,
        history: &History,
        _: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        let Observation::Applied { entry, .. } = observation else {
            return Ok(());
        };
        // Judging it once is enough: agreement sees to it that all execute the same.
        if entry.header().kind != EntryKind::Transactions
            || entry.index() <= history.committed.last()
        {
            return Ok(());
        }
        entry.payloads.iter().try_for_each(|payload| {
            history
                .verification
                .request(payload.clone())
                .map(|_| ())
                .map_err(|error| format!("executes {}: {error}", entry.point()))
        })
    }
}
