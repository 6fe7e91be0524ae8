//! The state machine: executes committed entries in order, each exactly once (P3.6, P8.4).

use std::sync::Arc;

use consensus::{
    Configuration, Entry, EntryKind, Hash, Payloads, Point, RequestKey,
    encoding::Canonical,
    message::Applied,
    mutation::{self, Mutation},
};
use keys::Genesis;
use node::AppliedEntry;

use crate::{
    history::{ExecutedEntry, History},
    known_keys::KnownKeys,
    limits::VALIDITY_ENTRIES,
    outcome::{Earlier, Outcome, Place, Rejection, RejectionCode, TransactionResult},
    payloads::{TransactionPayloads, request_key},
    preflight::Preflight,
    references::Taken,
    state::{Account, AuditFailure, State},
    transaction::{Reference, SignedTransaction, Transaction},
};

/// The ledger: genesis and every entry executed since.
#[derive(Clone)]
pub struct Ledger {
    network: Hash,
    name: String,
    opening: Point,
    payloads: Arc<TransactionPayloads>,
    state: State,
    history: History,
    known_keys: Shared<KnownKeys>,
}

/// Shared with the network's threads; a copy of the ledger has its own.
#[derive(Debug, Default)]
struct Shared<T>(Arc<T>);

impl<T: Clone> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::new(T::clone(&self.0)))
    }
}

impl Ledger {
    /// The ledger before its first entry. `configuration` is the one that [`node::configuration`]
    /// makes of the genesis.
    #[must_use]
    pub fn new(genesis: &Genesis, configuration: &Configuration) -> Self {
        let opening = configuration.opening();
        let state = State::new(genesis);
        let known_keys = Shared::<KnownKeys>::default();
        known_keys
            .0
            .add(state.accounts().values().map(|account| account.key));
        Self {
            network: Hash(genesis.id()),
            name: genesis.network().to_owned(),
            opening,
            payloads: Arc::new(TransactionPayloads::new(genesis)),
            state,
            history: History::new(opening),
            known_keys,
        }
    }

    /// The pure judgement of payloads.
    #[must_use]
    pub fn payloads(&self) -> Arc<dyn Payloads> {
        Arc::clone(&self.payloads) as Arc<dyn Payloads>
    }

    /// The keys of all accounts, for the threads of the network.
    #[must_use]
    pub fn known_keys(&self) -> Arc<KnownKeys> {
        Arc::clone(&self.known_keys.0)
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

    /// Where a transaction was first executed, if it is among the last ones. Nodes know of all others.
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
        let mut outcomes = Vec::new();
        if header.kind == EntryKind::Transactions {
            done.reserve_exact(entry.payloads.len());
            outcomes.reserve_exact(entry.payloads.len());
            for (position, payload) in (0_u32..).zip(&entry.payloads) {
                let place = Place {
                    index: header.index.0,
                    position,
                };
                let (outcome, result) = self.execute(place, payload, entry.point().hash);
                self.history.note(result.transaction, place);
                outcomes.push(outcome);
                done.push(result);
            }
        }
        self.state.assert_conserved();
        let results: Vec<_> = done.iter().map(Canonical::to_bytes).collect();
        let (results_root, applied) = self.history.push(entry, &results);
        for (outcome, result) in outcomes.iter_mut().zip(results) {
            outcome.result = result;
        }
        AppliedEntry {
            applied,
            results_root,
            outcomes,
        }
    }

    /// What a node should do with a transaction before anybody proposes it. It looks at who asks,
    /// until when, and at the nonce, never at balances: those may change before execution.
    #[must_use]
    pub fn preflight(&self, transaction: &Transaction) -> Preflight {
        let next = self.applied().index.next().0;
        // What lasts comes first: the nonce of an account's own transaction, then time.
        let own = self.own_account(transaction);
        if let Ok(account) = own
            && account.nonces.is_settled(transaction.nonce)
        {
            let other = account.nonces.user_of(transaction.nonce);
            return match other == Some(transaction.id()) {
                true => Preflight::Repeat,
                false => Preflight::Never(Rejection {
                    other,
                    ..RejectionCode::NonceUsed.into()
                }),
            };
        }
        let Some(ahead) = transaction.valid_until.checked_sub(next) else {
            return Preflight::Never(RejectionCode::Expired.into());
        };
        let refusal = match own {
            Err(code) => Err(code),
            Ok(_) if ahead > VALIDITY_ENTRIES => Err(RejectionCode::ValidityTooLong),
            Ok(account) => account.nonces.check(transaction.nonce),
        };
        match refusal {
            Ok(()) => Preflight::Fits,
            Err(code) if code.is_lasting() => Preflight::Never(code.into()),
            Err(code) => Preflight::NotNow(code.into()),
        }
    }

    /// Executes a payload; the outcome's result bytes are still to come.
    fn execute(
        &mut self,
        place: Place,
        payload: &[u8],
        entry: Hash,
    ) -> (node::Outcome, TransactionResult) {
        let Ok(SignedTransaction { transaction, .. }) =
            SignedTransaction::read(&self.network, payload)
        else {
            // No entry with such a payload is valid in any mode, so nobody waits under any key.
            let nobody = RequestKey {
                account: [0; 32],
                nonce: 0,
            };
            let result = TransactionResult {
                transaction: consensus::hashing::tagged_hash("hawser/v1/malformed", &[payload]),
                repeats: None,
                outcome: Outcome::Rejected(RejectionCode::Malformed.into()),
            };
            return (outcome(nobody, &result, None), result);
        };
        let id = transaction.id();
        let (repeats, executed) = match self.execute_transaction(place, id, &transaction, entry) {
            Ok(done) => done,
            Err(rejection) => (None, Outcome::Rejected(rejection)),
        };
        let result = TransactionResult {
            transaction: id,
            repeats,
            outcome: executed,
        };
        let reference = transaction
            .reference
            .filter(|_| executed == Outcome::Applied)
            .map(|reference| Reference::lookup(&transaction.account, &reference.name).0);
        let key = request_key(&transaction);
        (outcome(key, &result, reference), result)
    }

    /// The rules of P6.5, in their order. A transaction that is not the account's own cannot ever
    /// become it; one that is settles its nonce, or found it settled, or its time is over.
    fn execute_transaction(
        &mut self,
        place: Place,
        id: Hash,
        transaction: &Transaction,
        entry: Hash,
    ) -> Result<(Option<Earlier>, Outcome), Rejection> {
        let forgetful = mutation::active(Mutation::RepeatsExecuted);
        let account = self.own_account(transaction)?;
        if account.nonces.is_settled(transaction.nonce) && !forgetful {
            return Ok((None, Outcome::Repeat));
        }
        let ahead = transaction.valid_until.checked_sub(place.index);
        let ahead = ahead.ok_or(RejectionCode::Expired)?;
        let account = self.state.account_mut(&transaction.account);
        let account = account.expect("it was looked up");
        if !forgetful {
            account.nonces.settle(transaction.nonce, id);
        }
        if ahead > VALIDITY_ENTRIES {
            return Err(RejectionCode::ValidityTooLong.into());
        }
        if let Some(reference) = &transaction.reference {
            match account.references.find(&reference.name) {
                Some(taken) if taken.content == transaction.content() => {
                    return Ok((Some(taken.first), Outcome::Repeat));
                }
                Some(taken) => {
                    return Err(Rejection {
                        other: Some(taken.first.transaction),
                        ..RejectionCode::ReferenceConflict.into()
                    });
                }
                None if !account.references.covers(reference, place.index) => {
                    return Err(RejectionCode::ReferenceTooOld.into());
                }
                None => {}
            }
        }
        self.state
            .operate(transaction.account, &transaction.operations, entry)?;
        self.known_keys.0.add(transaction.opened_keys());
        if let Some(reference) = &transaction.reference {
            let account = self.state.account_mut(&transaction.account);
            let first = Earlier {
                transaction: id,
                place,
            };
            let content = transaction.content();
            account
                .expect("it has just acted")
                .references
                .take(reference.name, Taken { content, first });
        }
        Ok((None, Outcome::Applied))
    }

    /// The acting account, if the transaction was made with its key and after it was opened.
    fn own_account(&self, transaction: &Transaction) -> Result<&Account, RejectionCode> {
        let account = self.state.account(&transaction.account);
        let account = account.ok_or(RejectionCode::UnknownAccount)?;
        if account.key != transaction.key {
            return Err(RejectionCode::WrongKey);
        }
        if account.opened != transaction.opened {
            return Err(RejectionCode::OtherOpening);
        }
        Ok(account)
    }

    /// The point that the network's log begins at.
    #[must_use]
    pub const fn opening(&self) -> Point {
        self.opening
    }
}

/// What nodes are told of a result; its bytes are still to come.
fn outcome(
    key: RequestKey,
    result: &TransactionResult,
    reference: Option<[u8; 32]>,
) -> node::Outcome {
    node::Outcome {
        key,
        transaction: result.transaction.0,
        result: Vec::new(),
        repeat: result.outcome == Outcome::Repeat && result.repeats.is_none(),
        reference,
    }
}
