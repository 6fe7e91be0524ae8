//! Raft's election safety: at most one leader is elected in a term.

use consensus::{NodeId, Notice};

use super::Invariant;
use crate::oracle::{ByTerm, History, Observation};

#[derive(Default)]
pub(super) struct ElectionSafety {
    leaders: ByTerm<NodeId>,
}

impl Invariant for ElectionSafety {
    fn name(&self) -> &'static str {
        "election safety"
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
        let Observation::Notice(Notice::Elected { term, leader, .. }) = observation else {
            return Ok(());
        };
        let first = *self.leaders.entry(*term).or_insert(*leader);
        if first == *leader {
            Ok(())
        } else {
            Err(format!("term {term} has the leaders {first} and {leader}"))
        }
    }
}
