//! The state machine: executes committed entries in order, each exactly once (P3.6, P8.4).

use std::{collections::BTreeMap, sync::Arc};

use consensus::{
    Configuration, Entry, EntryKind, Hash, Payloads, Point, RequestKey,
    encoding::Canonical,
    message::Applied,
    mutation::{self, Mutation},
};
use keys::{Address, Genesis};
use node::AppliedEntry;

use crate::{
    history::{ExecutedEntry, History},
    limits::{REFERENCES_PER_ACCOUNT, VALIDITY_ENTRIES},
    outcome::{Earlier, Outcome, Place, Rejection, RejectionCode, TransactionResult},
    payloads::{TransactionPayloads, request_key},
    preflight::Preflight,
    state::{AuditFailure, State},
    transaction::{SignedTransaction, Transaction},
};

/// The first transaction of a reference that was applied.
#[derive(Clone, Copy, Debug)]
struct Reference {
    content: Hash,
    first: Earlier,
}

/// The ledger: genesis and every entry executed since.
#[derive(Clone)]
pub struct Ledger {
    network: Hash,
    name: String,
    opening: Point,
    payloads: Arc<TransactionPayloads>,
    state: State,
    references: BTreeMap<(Address, [u8; 32]), Reference>,
    history: History,
}

impl Ledger {
    /// The ledger before its first entry. `configuration` is the one that [`node::configuration`]
    /// makes of the genesis.
    #[must_use]
    pub fn new(genesis: &Genesis, configuration: &Configuration) -> Self {
        let opening = configuration.opening();
        Self {
            network: Hash(genesis.id()),
            name: genesis.network().to_owned(),
            opening,
            payloads: Arc::new(TransactionPayloads::new(genesis)),
            state: State::new(genesis),
            references: BTreeMap::new(),
            history: History::new(opening),
        }
    }

    /// The pure judgement of payloads.
    #[must_use]
    pub fn payloads(&self) -> Arc<dyn Payloads> {
        Arc::clone(&self.payloads) as Arc<dyn Payloads>
    }

    /// The network's id.
    #[must_use]
    pub const fn network(&self) -> Hash {
        self.network
    }

    /// The network's name.
    #[must_use]
    pub fn network_name(&self) -> &str {
        &self.name
    }

    /// Accounts and assets.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// How far execution has come, and the result digest there; before the first entry, the
    /// opening's index and hash.
    #[must_use]
    pub const fn applied(&self) -> Applied {
        self.history.applied()
    }

    /// An executed entry, if it is among the last ones.
    #[must_use]
    pub fn executed(&self, index: u64) -> Option<&ExecutedEntry> {
        self.history.entry(index)
    }

    /// The last executed entry.
    #[must_use]
    pub fn last_executed(&self) -> Option<&ExecutedEntry> {
        self.history.last()
    }

    /// Where a transaction was first executed, if it is among the last ones.
    #[must_use]
    pub fn place(&self, transaction: &Hash) -> Option<Place> {
        self.history.place(transaction)
    }

    /// Adds up every balance and compares with what was issued.
    ///
    /// # Errors
    /// [`AuditFailure`] if money appeared or vanished.
    pub fn audit(&self) -> Result<(), AuditFailure> {
        self.state.audit()
    }

    /// Executes the next committed entry and gives the canonical [`TransactionResult`] of each
    /// payload. The caller has its validity from consensus; whatever the payloads hold, this does
    /// not fail.
    ///
    /// # Panics
    /// If the entry is not the next one, or supply is not conserved: both are defects here, and
    /// going on would spread them.
    pub fn apply(&mut self, entry: &Entry) -> AppliedEntry {
        let header = entry.header();
        assert_eq!(
            header.index,
            self.applied().index.next(),
            "entries are executed in order, each once"
        );
        let mut done: Vec<TransactionResult> = Vec::new();
        let mut keys = Vec::new();
        if header.kind == EntryKind::Transactions {
            done.reserve_exact(entry.payloads.len());
            keys.reserve_exact(entry.payloads.len());
            for (position, payload) in (0_u32..).zip(&entry.payloads) {
                let place = Place {
                    index: header.index.0,
                    position,
                };
                let (key, result) = self.execute(place, payload, &done);
                self.history.note(result.transaction, place);
                keys.push(key);
                done.push(result);
            }
        }
        self.state.assert_conserved();
        let results: Vec<_> = done.iter().map(Canonical::to_bytes).collect();
        let (results_root, applied) = self.history.push(entry, &results);
        let outcome =
            |((result, key), bytes): ((&TransactionResult, RequestKey), Vec<u8>)| node::Outcome {
                key,
                transaction: result.transaction.0,
                result: bytes,
            };
        AppliedEntry {
            applied,
            results_root,
            outcomes: done.iter().zip(keys).zip(results).map(outcome).collect(),
        }
    }

    /// What a node should do with a transaction before anybody proposes it. It looks at who asks,
    /// until when, and at the nonce, never at balances: those may change before execution.
    #[must_use]
    pub fn preflight(&self, transaction: &Transaction) -> Preflight {
        if self.history.place(&transaction.id()).is_some() {
            return Preflight::Repeat;
        }
        match self.check_identity(transaction, self.applied().index.next().0) {
            Ok(()) => Preflight::Fits,
            Err(rejection) if rejection.code.is_lasting() => Preflight::Never(rejection),
            Err(rejection) => Preflight::NotNow(rejection),
        }
    }

    fn execute(
        &mut self,
        place: Place,
        payload: &[u8],
        done: &[TransactionResult],
    ) -> (RequestKey, TransactionResult) {
        let Ok(SignedTransaction { transaction, .. }) =
            SignedTransaction::read(&self.network, payload)
        else {
            let result = TransactionResult {
                transaction: consensus::hashing::tagged_hash("hawser/v1/malformed", &[payload]),
                repeats: None,
                outcome: Outcome::Rejected(RejectionCode::Malformed.into()),
            };
            // No entry with such a payload is valid in any mode, so nobody waits under any key.
            let nobody = RequestKey {
                account: [0; 32],
                nonce: 0,
            };
            return (nobody, result);
        };
        let key = request_key(&transaction);
        let id = transaction.id();
        let first = self
            .first_result(&id, place, done)
            .filter(|_| !mutation::active(Mutation::RepeatsExecuted));
        if let Some(first) = first {
            return (key, first);
        }
        let (repeats, outcome) = match self.execute_first(place, id, &transaction) {
            Ok(None) => (None, Outcome::Applied),
            Ok(Some(earlier)) => (Some(earlier), Outcome::Applied),
            Err(rejection) => (None, Outcome::Rejected(rejection)),
        };
        let result = TransactionResult {
            transaction: id,
            repeats,
            outcome,
        };
        (key, result)
    }

    /// The outcome of the same transaction's first execution, if it is remembered (P6.5). What the
    /// entry in progress has done so far is in `done`.
    fn first_result(
        &self,
        id: &Hash,
        now: Place,
        done: &[TransactionResult],
    ) -> Option<TransactionResult> {
        let place = self.history.place(id)?;
        let first = if place.index == now.index {
            *done.get(place.position as usize)?
        } else {
            self.history.result_at(place)?
        };
        Some(TransactionResult {
            repeats: Some(first.repeats.unwrap_or(Earlier {
                transaction: *id,
                place,
            })),
            ..first
        })
    }

    /// Executes a transaction that is no repeat. Returns the earlier execution if one of the same
    /// reference did the same thing before.
    fn execute_first(
        &mut self,
        place: Place,
        id: Hash,
        transaction: &Transaction,
    ) -> Result<Option<Earlier>, Rejection> {
        self.check_identity(transaction, place.index)?;
        let account = transaction.account;
        let acting = self.state.account_mut(&account);
        let acting = acting.expect("its identity was checked");
        if !mutation::active(Mutation::RepeatsExecuted) {
            acting.nonces.take(transaction.nonce, id);
        }
        if let Some(reference) = transaction.reference {
            if let Some(taken) = self.references.get(&(account, reference)) {
                if taken.content == transaction.content() {
                    return Ok(Some(taken.first));
                }
                return Err(Rejection {
                    other: Some(taken.first.transaction),
                    ..RejectionCode::ReferenceConflict.into()
                });
            }
            if acting.references >= REFERENCES_PER_ACCOUNT {
                return Err(RejectionCode::TooManyReferences.into());
            }
        }
        self.state.operate(account, &transaction.operations)?;
        if let Some(reference) = transaction.reference {
            self.take_reference(transaction, reference, id, place);
        }
        Ok(None)
    }

    /// Who acts, until when, and under which nonce.
    fn check_identity(&self, transaction: &Transaction, index: u64) -> Result<(), Rejection> {
        // What lasts comes first: an expired transaction is that, whoever sends it.
        let Some(ahead) = transaction.valid_until.checked_sub(index) else {
            return Err(RejectionCode::Expired.into());
        };
        let account = self
            .state
            .account(&transaction.account)
            .ok_or(RejectionCode::UnknownAccount)?;
        if account.key != transaction.key {
            return Err(RejectionCode::WrongKey.into());
        }
        if ahead > VALIDITY_ENTRIES {
            return Err(RejectionCode::ValidityTooLong.into());
        }
        if mutation::active(Mutation::RepeatsExecuted) {
            return Ok(());
        }
        account
            .nonces
            .check(transaction.nonce)
            .map_err(|code| Rejection {
                other: account.nonces.user_of(transaction.nonce),
                ..code.into()
            })
    }

    fn take_reference(
        &mut self,
        transaction: &Transaction,
        reference: [u8; 32],
        id: Hash,
        place: Place,
    ) {
        let account = transaction.account;
        let acting = self.state.account_mut(&account);
        acting.expect("it has just acted").references += 1;
        let first = Earlier {
            transaction: id,
            place,
        };
        let content = transaction.content();
        self.references
            .insert((account, reference), Reference { content, first });
    }

    /// The point that the network's log begins at.
    #[must_use]
    pub const fn opening(&self) -> Point {
        self.opening
    }
}
