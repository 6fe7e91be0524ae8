//! The evidence that a node holds, for whoever asks (P7.3).

use std::sync::{Arc, PoisonError, RwLock};

use consensus::{Evidence, Hash, encoding::Canonical, hashing::tagged_hash, limits::EVIDENCE};

use crate::frames::{EvidenceSummary, Id};

/// The name of a piece of evidence: the hash of its canonical bytes.
#[must_use]
pub fn evidence_id(evidence: &Evidence) -> Hash {
    tagged_hash("hawser/v1/evidence-id", &[&evidence.to_bytes()])
}

/// Evidence in the order in which it was found, each piece once.
#[derive(Debug, Default)]
pub(crate) struct EvidenceStore(RwLock<Vec<(Hash, Arc<Evidence>)>>);

impl EvidenceStore {
    pub(crate) fn new(evidence: &[Arc<Evidence>]) -> Self {
        let store = Self::default();
        evidence
            .iter()
            .for_each(|piece| store.add(Arc::clone(piece)));
        store
    }

    pub(crate) fn add(&self, evidence: Arc<Evidence>) {
        let id = evidence_id(&evidence);
        let mut store = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if store.len() < EVIDENCE && store.iter().all(|(known, _)| *known != id) {
            store.push((id, evidence));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn list(&self) -> Vec<EvidenceSummary> {
        let store = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let summary = |(id, evidence): &(Hash, Arc<Evidence>)| EvidenceSummary {
            id: Id(id.0),
            offence: evidence.name().to_owned(),
            accused: evidence.accused().0,
            text: evidence.to_string(),
        };
        store.iter().map(summary).collect()
    }

    pub(crate) fn get(&self, id: &[u8; 32]) -> Option<Arc<Evidence>> {
        let store = self.0.read().unwrap_or_else(PoisonError::into_inner);
        store
            .iter()
            .find(|(known, _)| known.0 == *id)
            .map(|(_, evidence)| Arc::clone(evidence))
    }
}
