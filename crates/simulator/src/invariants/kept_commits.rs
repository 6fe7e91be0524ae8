//! Whoever is elected keeps everything committed before. In Raft's terms: leader completeness.

use consensus::{Index, Mode, NodeId, Notice, Point, Term};

use super::Invariant;
use crate::oracle::{History, Observation};

pub(super) struct KeptCommits {
    mode: Mode,
    /// The highest term that is known to have a leader.
    highest: Option<Term>,
}

impl KeptCommits {
    pub(super) const fn of_mode(mode: Mode) -> Self {
        Self {
            mode,
            highest: None,
        }
    }
}

impl Invariant for KeptCommits {
    fn name(&self) -> &'static str {
        match self.mode {
            Mode::Byzantine => "base keeps what is committed",
            Mode::Raft | Mode::RaftSigned => "leader completeness",
        }
    }

    fn rule(&self) -> &'static str {
        match self.mode {
            Mode::Byzantine => "P4.8, P5",
            Mode::Raft | Mode::RaftSigned => "P10.1, Raft Figure 3",
        }
    }

    fn observe(
        &mut self,
        history: &History,
        node: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        let Observation::Notice(Notice::Elected { term, leader, base }) = observation else {
            return Ok(());
        };
        // The first to learn of the newest term: everything committed so far was committed in
        // terms before it. A node that learns of an older term late proves nothing.
        if self.highest.is_some_and(|highest| *term <= highest) {
            return Ok(());
        }
        let committed = history.committed.last();
        let Some(last) = history.committed.get(committed) else {
            self.highest = Some(*term);
            return Ok(());
        };
        let last = Point {
            index: committed,
            hash: last.hash,
        };
        let kept = match self.mode {
            Mode::Byzantine => committed == Index::ZERO || history.extends(*base, last),
            // Only the leader itself knows its log at the moment of its election.
            Mode::Raft | Mode::RaftSigned if *leader == node => {
                history.logs[node.position()].contains(last)
            }
            Mode::Raft | Mode::RaftSigned => return Ok(()),
        };
        self.highest = Some(*term);
        if kept {
            Ok(())
        } else {
            Err(format!(
                "term {term} of {leader} builds on {base}, which leaves out the committed {last}"
            ))
        }
    }
}
