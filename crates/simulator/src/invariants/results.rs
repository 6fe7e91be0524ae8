//! Executing the same entries gives the same results everywhere, and votes say nothing else.

use std::collections::BTreeMap;

use consensus::{
    Hash, Index, NodeId,
    message::{Applied, Message},
};

use super::Invariant;
use crate::oracle::{History, Observation};

#[derive(Default)]
pub(super) struct EqualResults {
    digests: BTreeMap<Index, Hash>,
}

impl EqualResults {
    fn note(&mut self, applied: Applied) -> Result<(), String> {
        let first = *self.digests.entry(applied.index).or_insert(applied.digest);
        if first == applied.digest {
            Ok(())
        } else {
            Err(format!(
                "at index {} its results are {}, and {} elsewhere",
                applied.index,
                applied.digest.short(),
                first.short()
            ))
        }
    }
}

impl Invariant for EqualResults {
    fn name(&self) -> &'static str {
        "equal results"
    }

    fn rule(&self) -> &'static str {
        "P2.6, P8.2"
    }

    fn observe(
        &mut self,
        _: &History,
        node: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        match observation {
            Observation::Applied { applied, .. } => self.note(*applied),
            Observation::Restarted {
                restored: Some(restored),
                ..
            } if restored.applied.index > Index::ZERO => self.note(restored.applied),
            Observation::Sent {
                message: Message::Vote(vote),
                ..
            } if vote.signer == node => match vote.body.applied {
                Some(applied) if applied.index > Index::ZERO => self.note(applied),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
