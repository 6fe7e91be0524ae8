//! No correct node is ever accused, and what is called evidence proves what it says.

use consensus::{NodeId, Notice, message::Message};

use super::Invariant;
use crate::oracle::{History, Observation};

pub(super) struct NoFalseAccusation;

impl Invariant for NoFalseAccusation {
    fn name(&self) -> &'static str {
        "no correct node is accused"
    }

    fn rule(&self) -> &'static str {
        "P7.3"
    }

    fn observe(
        &mut self,
        history: &History,
        _: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        let evidence = match observation {
            Observation::Notice(Notice::Evidence(evidence)) => &**evidence,
            Observation::Sent {
                message: Message::Accuse(signed),
                ..
            } => &signed.body,
            _ => return Ok(()),
        };
        if history.is_correct(evidence.accused()) {
            return Err(format!("accuses a correct node: {evidence}"));
        }
        evidence
            .check(history.configuration(), history.verification.verifier())
            .map_err(|error| format!("holds evidence that proves nothing: {error}"))
    }
}
