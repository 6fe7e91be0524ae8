//! Whether a node has stored what the model's node has promised.

use consensus::VoteState;

use super::{names, replay::Replay};

impl Replay {
    /// Compares the promises on disk with the model's node.
    pub(super) fn compare(&self, position: usize, stored: &VoteState) -> Result<(), String> {
        let own = self.node(position);
        let differs = |what: &str, code: String, model: String| {
            Err(format!("stores {what} {code}; by the model it is {model}"))
        };
        if stored.term.0 != u64::from(own.term) {
            return differs("term", stored.term.to_string(), own.term.to_string());
        }
        if stored.pair_term.0 != u64::from(own.pair_term)
            || self.names.find(stored.pair_point)? != own.point
        {
            let code = format!("{} of term {}", stored.pair_point, stored.pair_term);
            let model = format!("{} of term {}", self.names.point(own.point), own.pair_term);
            return differs("the accepted pair", code, model);
        }
        let locked = own
            .locked
            .iter()
            .filter(|(term, _)| *term == own.pair_term)
            .map(|(_, point)| *point)
            .max_by_key(|&point| self.protocol.forest().index(point));
        let promised = stored
            .locked
            .map(|point| self.names.find(point))
            .transpose()?;
        if promised != locked {
            let told = |point| self.names.optional(point);
            return differs("the lock", told(promised), told(locked));
        }
        if let Some(grant) = &stored.granted {
            let base = self.names.find(grant.base)?;
            let term = names::term(grant.term)?;
            if !own.granted(term).any(|granted| granted == base) {
                let granted = self.names.optional(own.granted(term).next());
                let code = format!("{} in term {term}", grant.base);
                return differs("the grant", code, granted);
            }
        }
        Ok(())
    }
}
