//! What must always hold, one invariant per file, each with the rule that it checks. All are
//! checked after every event, so each keeps just enough state to do so incrementally.

mod accusation;
mod agreement;
mod answers;
mod authenticity;
mod chain;
mod durability;
pub mod found;
mod kept_commits;
mod leader_append_only;
mod log_matching;
mod one_base;
mod one_leader;
mod permanence;
mod results;
mod steady_promises;

#[cfg(test)]
mod tests;

use consensus::{Mode, NodeId};

use crate::oracle::{History, Observation};

/// Something that must hold whatever Byzantine nodes, network and crashes do.
pub trait Invariant: Send {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The rule behind it.
    fn rule(&self) -> &'static str;

    /// Judges what a correct node just did. `history` does not hold it yet.
    ///
    /// # Errors
    /// What is wrong.
    fn observe(
        &mut self,
        history: &History,
        node: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String>;
}

/// The invariants of a mode, for so many nodes.
#[must_use]
pub fn of_mode(mode: Mode, nodes: usize) -> Vec<Box<dyn Invariant>> {
    let mut all: Vec<Box<dyn Invariant>> = vec![
        Box::new(agreement::Agreement::of_mode(mode)),
        Box::new(permanence::Permanence::new(nodes)),
        Box::new(chain::HashChain),
        Box::new(durability::Durability),
        Box::new(steady_promises::SteadyPromises::new(nodes)),
        Box::new(results::EqualResults::default()),
        Box::new(authenticity::Authenticity),
        Box::new(answers::Answers::default()),
        Box::new(kept_commits::KeptCommits::of_mode(mode)),
        Box::new(accusation::NoFalseAccusation),
    ];
    match mode {
        Mode::Byzantine => all.push(Box::new(one_base::OneBase::default())),
        Mode::Raft | Mode::RaftSigned => {
            all.push(Box::new(one_leader::ElectionSafety::default()));
            all.push(Box::new(leader_append_only::LeaderAppendOnly::new(nodes)));
            all.push(Box::new(log_matching::LogMatching::default()));
        }
    }
    all
}
