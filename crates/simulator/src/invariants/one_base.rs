//! A term has one leader, the one that its number names, and one base.

use consensus::{NodeId, Notice, Point};

use super::Invariant;
use crate::oracle::{ByTerm, History, Observation};

#[derive(Default)]
pub(super) struct OneBase {
    bases: ByTerm<Point>,
}

impl Invariant for OneBase {
    fn name(&self) -> &'static str {
        "one base per term"
    }

    fn rule(&self) -> &'static str {
        "P4.1, P4.7"
    }

    fn observe(
        &mut self,
        history: &History,
        _: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        let Observation::Notice(Notice::Elected { term, leader, base }) = observation else {
            return Ok(());
        };
        if *leader != history.configuration().leader(*term) {
            return Err(format!("follows {leader} in term {term}"));
        }
        let first = *self.bases.entry(*term).or_insert(*base);
        if first == *base {
            Ok(())
        } else {
            Err(format!(
                "term {term} builds on {base}, and on {first} elsewhere"
            ))
        }
    }
}
