//! How a node hosts the ledger.

use std::sync::Arc;

use consensus::{Entry, Hash, Payloads, encoding::Canonical, message::Applied};
use node::{Application, AppliedEntry, NotAdmitted, TransactionId};

use crate::{
    Earlier, Ledger, Outcome, Preflight, Rejection, RejectionCode, SignedTransaction,
    TransactionResult,
};

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

    /// Who asks, until when and under which nonce; no balance.
    fn admit(&self, payload: &[u8]) -> Result<(), NotAdmitted> {
        let Ok(signed) = SignedTransaction::read(&self.network(), payload) else {
            return Ok(());
        };
        let transaction = signed.transaction.id();
        let (settled, result) = match self.preflight(&signed.transaction) {
            Preflight::Fits => return Ok(()),
            Preflight::Repeat => (true, self.repeated(&transaction)),
            Preflight::Never(rejection) => (true, refused(transaction, rejection)),
            Preflight::NotNow(rejection) => (false, refused(transaction, rejection)),
        };
        let result = result.to_bytes();
        Err(NotAdmitted { settled, result })
    }

    fn known_keys(&self) -> Option<Arc<dyn node::KnownKeys>> {
        Some(Self::known_keys(self))
    }

    fn transaction_id(&self) -> Option<TransactionId> {
        let network = self.network();
        Some(Arc::new(move |payload| {
            let signed = SignedTransaction::read(&network, payload).ok()?;
            Some(signed.transaction.id().0)
        }))
    }
}

/// Nodes that are not equally far say the same: who came first is not told.
const fn refused(transaction: Hash, rejection: Rejection) -> TransactionResult {
    let rejection = Rejection {
        other: None,
        ..rejection
    };
    TransactionResult {
        transaction,
        repeats: None,
        outcome: Outcome::Rejected(rejection),
    }
}

impl Ledger {
    /// What a transaction that was executed before is answered with.
    fn repeated(&self, transaction: &Hash) -> TransactionResult {
        let first = self.place(transaction).and_then(|place| {
            let result = self.executed(place.index)?.result(place.position)?;
            let transaction = *transaction;
            let earlier = Earlier { transaction, place };
            Some(TransactionResult {
                repeats: Some(result.repeats.unwrap_or(earlier)),
                ..result
            })
        });
        // Forgotten meanwhile, it is one that used its nonce.
        first.unwrap_or_else(|| refused(*transaction, RejectionCode::NonceUsed.into()))
    }
}
