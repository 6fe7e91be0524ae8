//! Signed statements of validators about an index, kept for receipts (P7.1).

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use consensus::{NodeId, Signed};

use crate::limits::REMEMBERED_STATEMENTS;

/// The statements of each signer about the highest indexes that it made some about. What one signer
/// says takes no other's place.
#[derive(Debug)]
pub(crate) struct Statements<T>(Mutex<Vec<BTreeMap<u64, Signed<T>>>>);

impl<T: Clone> Statements<T> {
    pub(crate) fn new(validators: usize) -> Self {
        Self(Mutex::new(vec![BTreeMap::new(); validators]))
    }

    /// Takes in a statement whose signature was checked; of two of a signer about one index the
    /// first stays.
    pub(crate) fn add(&self, index: u64, statement: &Signed<T>) {
        let mut by_signer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = by_signer.get_mut(statement.signer.position()) else {
            return;
        };
        own.entry(index).or_insert_with(|| statement.clone());
        if own.len() > REMEMBERED_STATEMENTS {
            own.pop_first();
        }
    }

    /// The first `needed` statements that `fits` accepts about one index, the lowest possible one
    /// within `from..=to`.
    pub(crate) fn enough(
        &self,
        (from, to): (u64, u64),
        needed: usize,
        fits: impl Fn(u64, &Signed<T>) -> bool,
    ) -> Option<(u64, Vec<Signed<T>>)> {
        if from > to {
            return None;
        }
        let by_signer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_index: BTreeMap<u64, Vec<&Signed<T>>> = BTreeMap::new();
        for own in &*by_signer {
            for (&index, statement) in own.range(from..=to) {
                if fits(index, statement) {
                    by_index.entry(index).or_default().push(statement);
                }
            }
        }
        by_index.into_iter().find_map(|(index, fitting)| {
            let chosen: Vec<_> = fitting.into_iter().take(needed).cloned().collect();
            (chosen.len() == needed).then_some((index, chosen))
        })
    }
}

/// The highest index that each validator claims to hold, for telling how far behind a node is.
#[derive(Debug)]
pub(crate) struct Claims(Mutex<Vec<u64>>);

impl Claims {
    pub(crate) fn new(validators: usize) -> Self {
        Self(Mutex::new(vec![0; validators]))
    }

    pub(crate) fn add(&self, node: NodeId, index: u64) {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claim) = claims.get_mut(node.position()) {
            *claim = index.max(*claim);
        }
    }

    /// What at least `matching` validators claim, so that one of them is correct.
    pub(crate) fn believable(&self, matching: usize) -> u64 {
        let mut claims = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        claims.sort_unstable_by(|one, other| other.cmp(one));
        claims.get(matching.saturating_sub(1)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::Signature;

    fn statement(signer: u16, body: u64) -> Signed<u64> {
        Signed {
            signer: NodeId(signer),
            body,
            signature: Signature::NONE,
        }
    }

    #[test]
    fn enough_distinct_signers_about_one_index_are_found() {
        let statements = Statements::new(4);
        statements.add(5, &statement(0, 7));
        statements.add(5, &statement(0, 7));
        statements.add(5, &statement(1, 8));
        statements.add(6, &statement(0, 7));
        let enough = |range| {
            statements
                .enough(range, 2, |_, one| one.body == 7)
                .map(|found| found.0)
        };
        assert_eq!(enough((0, 9)), None);
        statements.add(6, &statement(2, 7));
        assert_eq!(enough((0, 9)), Some(6));
        assert_eq!(enough((7, 9)), None);
    }

    #[test]
    fn nobody_takes_the_place_of_what_others_said() {
        let statements = Statements::new(4);
        statements.add(5, &statement(0, 7));
        statements.add(5, &statement(1, 7));
        for index in 0..3 * REMEMBERED_STATEMENTS as u64 {
            statements.add(u64::MAX - index, &statement(3, 7));
            statements.add(index, &statement(2, 7));
        }
        // A signer that is no validator is not kept at all.
        statements.add(5, &statement(4, 7));
        let found = statements.enough((0, 9), 2, |_, _| true).unwrap();
        let signers: Vec<_> = found.1.iter().map(|one| one.signer.0).collect();
        assert_eq!((found.0, &signers[..]), (5, &[0, 1][..]));
        for own in &*statements.0.lock().unwrap() {
            assert!(own.len() <= REMEMBERED_STATEMENTS);
        }
    }

    #[test]
    fn a_lonely_claim_is_not_believed() {
        let claims = Claims::new(4);
        claims.add(NodeId(3), u64::MAX);
        claims.add(NodeId(9), u64::MAX);
        claims.add(NodeId(1), 12);
        claims.add(NodeId(1), 10);
        assert_eq!(claims.believable(2), 12);
        assert_eq!(claims.believable(1), u64::MAX);
    }
}
