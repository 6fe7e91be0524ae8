//! No two correct nodes commit different entries at an index. In Raft's terms: state machine
//! safety.

use consensus::{Mode, NodeId, Notice};

use super::Invariant;
use crate::oracle::{History, Observation, same_as_committed};

pub(super) struct Agreement {
    name: &'static str,
    rule: &'static str,
}

impl Agreement {
    pub(super) const fn of_mode(mode: Mode) -> Self {
        match mode {
            Mode::Byzantine => Self {
                name: "agreement",
                rule: "P3.6, P5",
            },
            Mode::Raft | Mode::RaftSigned => Self {
                name: "state machine safety",
                rule: "P10.1, Raft Figure 3",
            },
        }
    }
}

impl Invariant for Agreement {
    fn name(&self) -> &'static str {
        self.name
    }

    fn rule(&self) -> &'static str {
        self.rule
    }

    fn observe(
        &mut self,
        history: &History,
        _: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        match observation {
            Observation::Applied { entry, .. } => same_as_committed(history, entry.point()),
            Observation::Notice(Notice::Committed { point }) => same_as_committed(history, *point),
            _ => Ok(()),
        }
    }
}
