//! Raft's leader append-only: a leader never overwrites or deletes entries in its log.

use consensus::{NodeId, Notice, Record};

use super::Invariant;
use crate::oracle::{History, Observation};

pub(super) struct LeaderAppendOnly {
    leads: Vec<bool>,
}

impl LeaderAppendOnly {
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            leads: vec![false; nodes],
        }
    }
}

impl Invariant for LeaderAppendOnly {
    fn name(&self) -> &'static str {
        "leader append-only"
    }

    fn rule(&self) -> &'static str {
        "P10.1, Raft Figure 3"
    }

    fn observe(
        &mut self,
        history: &History,
        node: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        let leads = &mut self.leads[node.position()];
        match observation {
            Observation::Notice(Notice::Elected { leader, .. }) => *leads = *leader == node,
            Observation::Notice(Notice::TermEntered { .. }) | Observation::Restarted { .. } => {
                *leads = false;
            }
            Observation::Wrote {
                records,
                vote_state,
            } if *leads => {
                let last = history.logs[node.position()].last();
                let shortens = |record: &Record| match record {
                    Record::Entry(entry) => entry.index() <= last,
                    Record::Truncate(kept) => *kept < last,
                    _ => false,
                };
                if records.iter().any(shortens) {
                    return Err(format!(
                        "rewrites its log, which ends at index {last}, while it leads term {}",
                        vote_state.term
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
