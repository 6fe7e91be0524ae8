//! The pure judgement of payloads, which decides what an entry may contain (P3.2).

use std::sync::Arc;

use consensus::{Ed25519, Hash, InvalidPayload, Payloads, PublicKey, RequestKey, Verifier};
use keys::{Address, Genesis};
use rayon::prelude::*;

use crate::transaction::{SignedTransaction, Transaction, TransactionError};

/// Fewest payloads for which another thread is worth its wake-up: about 0.2 ms of signatures.
const PAYLOADS_PER_TASK: usize = 8;

/// Judges payloads for one network. It depends on nothing but the payload and the network.
#[derive(Clone)]
pub struct TransactionPayloads {
    network: Hash,
    verifier: Arc<dyn Verifier>,
}

impl TransactionPayloads {
    /// For the network of that genesis; the keys that it lists are kept decompressed.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        let accounts = genesis.accounts().iter().map(|account| account.key);
        let known = accounts
            .chain([*genesis.admin()])
            .map(|key| PublicKey(*key.as_bytes()));
        Self::with_verifier(Hash(genesis.id()), Arc::new(Ed25519::with_known(known)))
    }

    /// With another implementation of the one predicate.
    #[must_use]
    pub fn with_verifier(network: Hash, verifier: Arc<dyn Verifier>) -> Self {
        Self { network, verifier }
    }

    fn read(&self, payload: &[u8]) -> Result<SignedTransaction, TransactionError> {
        SignedTransaction::read(&self.network, payload)
    }

    fn checked(&self, payload: &[u8]) -> Result<RequestKey, TransactionError> {
        let signed = self.read(payload)?;
        signed.check_signature(&*self.verifier)?;
        Ok(request_key(&signed.transaction))
    }
}

#[cfg(feature = "mutations")]
impl TransactionPayloads {
    /// What [`Payloads::check_all`] must not do: one equation decides about all signatures.
    fn check_batch(&self, payloads: &[Arc<[u8]>]) -> Result<Vec<RequestKey>, InvalidPayload> {
        let signed: Vec<SignedTransaction> = payloads
            .iter()
            .map(|payload| self.read(payload))
            .collect::<Result<_, _>>()
            .map_err(invalid)?;
        let parts = signed.iter().map(|one| {
            let transaction = &one.transaction;
            (transaction.key, transaction.signing_digest(), one.signature)
        });
        if crate::batch::holds(&parts.collect::<Vec<_>>()) {
            let keys = signed.iter().map(|one| request_key(&one.transaction));
            Ok(keys.collect())
        } else {
            Err(invalid(TransactionError::BadSignature))
        }
    }
}

fn invalid(error: TransactionError) -> InvalidPayload {
    InvalidPayload(error.to_string())
}

/// The `account` of a [`RequestKey`]: a tagged hash of the account and of the key that signs.
///
/// Whether a key may act for an account is judged at execution only. Were the account alone the
/// identity, anybody could occupy a victim's next nonce with a request under a key of their own,
/// and the victim's request would be taken for a duplicate. This way a slot belongs to whoever
/// holds the key. Exactly once for (account, nonce) is the ledger's to uphold (P6.5).
#[must_use]
pub fn request_account(account: &Address, key: &PublicKey) -> [u8; 32] {
    consensus::hashing::tagged_hash("hawser/v1/request-account", &[account.as_bytes(), &key.0]).0
}

/// The identity under which a transaction waits to be committed.
#[must_use]
pub fn request_key(transaction: &Transaction) -> RequestKey {
    RequestKey {
        account: request_account(&transaction.account, &transaction.key),
        nonce: transaction.nonce,
    }
}

impl Payloads for TransactionPayloads {
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        let signed = self.read(payload).map_err(invalid)?;
        Ok(request_key(&signed.transaction))
    }

    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        self.checked(payload).map_err(invalid)
    }

    /// Uses the rayon pool that the caller runs in, or the global one. Each payload is judged
    /// on its own, by the predicate that [`Payloads::check`] uses.
    fn check_all(&self, payloads: &[Arc<[u8]>]) -> Result<Vec<RequestKey>, InvalidPayload> {
        #[cfg(feature = "mutations")]
        if consensus::mutation::active(consensus::mutation::Mutation::BatchDecidesAlone) {
            return self.check_batch(payloads);
        }
        payloads
            .par_iter()
            .with_min_len(PAYLOADS_PER_TASK)
            .map(|payload| self.check(payload))
            .collect()
    }
}
