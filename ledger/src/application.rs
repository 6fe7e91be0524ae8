//! How a node hosts the ledger.

use std::sync::Arc;

use consensus::{Entry, Payloads, message::Applied};
use node::{Application, AppliedEntry, TransactionId};

use crate::{Ledger, SignedTransaction};

impl Application for Ledger {
    fn payloads(&self) -> Arc<dyn Payloads> {
        Self::payloads(self)
    }

    fn applied(&self) -> Applied {
        Self::applied(self)
    }

    fn apply(&mut self, entry: &Entry) -> AppliedEntry {
        Self::apply(self, entry)
    }

    fn query(&self, question: &[u8]) -> Vec<u8> {
        Self::query(self, question)
    }

    fn transaction_id(&self) -> Option<TransactionId> {
        let network = self.network();
        Some(Arc::new(move |payload| {
            let signed = SignedTransaction::read(&network, payload).ok()?;
            Some(signed.transaction.id().0)
        }))
    }
}
