//! Sends one transaction and waits for its outcome; never leaves the user in doubt about what is
//! known, and how to repeat safely.

use std::{collections::BTreeSet, pin::pin, time::Duration};

use crate::{
    Operation, Outcome as Executed, Reference as Named, Rejection, RejectionCode, Transaction,
    TransactionResult, hexadecimal::HexBytes, limits::MEMO_BYTES, query::AccountAnswer,
    request_key,
};
use clap::ValueEnum;
use client::{ClientError, SignedRequest, Wait};
use consensus::{Hash, PublicKey, encoding::Canonical};
use terminal::{Output, exit::Code};
use tokio::time::sleep;

use super::{
    connect::{Connection, Level},
    failure::{Failure, Outcome},
    parties::Payer,
    reference::Reference,
    sent::Sent,
    show,
};

/// How many entries beyond the present one a transaction made here stays valid: half of what the
/// ledger allows, for nodes may lag behind the one that told where the ledger is.
const VALID_FOR: u64 = 500_000;
/// After this, somebody who watches is told what is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What to wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// Its place in the ledger is certain
    Committed,
    /// Its result is certain too
    #[default]
    Applied,
}

/// What somebody wants done.
#[derive(Clone, Debug)]
pub struct Order {
    pub payer: Payer,
    pub operations: Vec<Operation>,
    pub memo: String,
    /// The user's name for it, under which it is executed once at most.
    pub reference: Option<Reference>,
    /// The words of the command that repeats it safely; none if only the very same transaction, sent
    /// once more, does.
    pub repeat: Vec<String>,
    /// What tells it from payments that are made at the same moment and otherwise alike.
    pub salt: u64,
}

/// The salt of a new order.
pub fn salt() -> Outcome<u64> {
    getrandom::u64().map_err(|error| Failure::system("draw a number", error))
}

/// What is known before a transaction is signed.
#[derive(Clone, Copy, Debug)]
pub struct Basis {
    /// The entry that opened the account.
    pub opened: Hash,
    /// Executed so far.
    pub applied: u64,
    /// The reference was free up to here.
    pub since: u64,
}

/// What became of an order.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The transaction that did it: this one, or the first of the same reference.
    pub id: Hash,
    pub index: u64,
    /// Unless the transaction was executed too long ago.
    pub term: Option<u64>,
    /// The number of the transaction that was sent now.
    pub nonce: u64,
    /// Its result; `None` if only its place is certain, or it was done before.
    pub result: Option<TransactionResult>,
    /// Whether it had been done before, and nothing was done now: under a reference, so that it was
    /// applied then.
    pub repeated: bool,
}

impl Settled {
    /// `committed`, `applied` or `rejected`.
    pub const fn status(&self) -> &'static str {
        match &self.result {
            None if self.repeated => "applied",
            None => "committed",
            Some(result) => show::status(&result.outcome),
        }
    }

    /// Why it was rejected, if it was.
    pub const fn rejection(&self) -> Option<Rejection> {
        match &self.result {
            Some(TransactionResult {
                outcome: Executed::Rejected(rejection),
                ..
            }) => Some(*rejection),
            _ => None,
        }
    }
}

/// A memo that a transaction may carry.
pub fn check_memo(memo: &str) -> Outcome {
    if memo.len() > MEMO_BYTES {
        return Err(Failure::usage(format!(
            "the memo has {} bytes; the limit is {MEMO_BYTES}",
            memo.len()
        ))
        .meaning("Nothing was sent."));
    }
    if memo.chars().any(char::is_control) {
        return Err(Failure::usage("a memo must not contain control characters")
            .meaning("Nothing was sent."));
    }
    Ok(())
}

/// The account's lowest nonce that is neither used nor among `tried`.
pub fn free_nonce(account: &AccountAnswer, tried: &BTreeSet<u64>) -> u64 {
    let used: BTreeSet<u64> = account.used_ahead.iter().copied().collect();
    (account.next_nonce..=u64::MAX)
        .find(|nonce| !used.contains(nonce) && !tried.contains(nonce))
        .unwrap_or(u64::MAX)
}

impl Order {
    /// The signed request under that nonce, and its transaction's id.
    pub fn sign(&self, network: Hash, nonce: u64, basis: &Basis) -> (SignedRequest, Transaction) {
        let reference = self.reference.as_ref().map(|reference| Named {
            name: reference.bytes(),
            since: basis.since,
        });
        let transaction = Transaction {
            network,
            account: self.payer.account,
            key: PublicKey(*self.payer.key.public_key().as_bytes()),
            opened: basis.opened,
            nonce,
            valid_until: basis.applied.saturating_add(VALID_FOR),
            salt: self.salt,
            reference,
            memo: self.memo.clone(),
            operations: self.operations.clone(),
        };
        let signed = transaction.sign(self.payer.key.signing_key());
        let request = SignedRequest {
            payload: signed.to_bytes(),
            key: request_key(&signed.transaction),
            transaction: signed.transaction.id().0,
        };
        (request, signed.transaction)
    }

    /// Sends it and waits. A nonce that somebody else used first means that this transaction will
    /// never be executed, so it is made anew with another.
    ///
    /// The outcome may be a rejection: that is the caller's to report.
    pub async fn settle(&self, connection: &Connection, until: Until) -> Outcome<Settled> {
        let mut tried = BTreeSet::new();
        loop {
            let looked = self.look_for_reference(connection).await?;
            let told = connection
                .account(self.payer.account, Level::Matching)
                .await?;
            let account = told
                .answer
                .ok_or_else(|| connection.no_account(&self.payer.named))?;
            let basis = Basis {
                opened: account.opened,
                applied: told.applied,
                since: looked.since,
            };
            let nonce = free_nonce(&account, &tried);
            tried.insert(nonce);
            if let Some(settled) = self.attempt(connection, nonce, &basis, until).await? {
                let rejection = settled.rejection();
                let too_old = |one: &Rejection| one.code == RejectionCode::ReferenceTooOld;
                match (rejection.filter(too_old), looked.taken) {
                    (None, _) => return Ok(settled),
                    (Some(_), Some(taken)) => return Err(self.taken_long_ago(connection, &taken)),
                    // Very many were taken since this one was looked for.
                    (Some(_), None) => {}
                }
            }
            if connection.left().is_zero() {
                return Err(self.crowded());
            }
        }
    }

    /// Asks whether anything was ever done under the reference. Execution remembers the newest ones
    /// only, so that whoever signs says up to where it was free (P6.5).
    pub async fn look_for_reference(&self, connection: &Connection) -> Outcome<Looked> {
        let Some(reference) = &self.reference else {
            return Ok(Looked::default());
        };
        let lookup = Named::lookup(&self.payer.account, &reference.bytes());
        let found = connection.client.reference(lookup.0, connection.left());
        match found.await.map_err(|error| connection.unanswered(&error))? {
            client::TransactionState::Applied { index, outcome, .. } => Ok(Looked {
                since: index.saturating_sub(1),
                taken: Some((Hash(outcome.transaction.0), index)),
            }),
            client::TransactionState::Unknown { applied } => Ok(Looked {
                since: applied,
                taken: None,
            }),
            // Some nodes know of something, and others do not yet: execution decides.
            client::TransactionState::Pending | client::TransactionState::Superseded { .. } => {
                Ok(Looked::default())
            }
        }
    }

    /// One transaction; `None` if its nonce was used by another one.
    async fn attempt(
        &self,
        connection: &Connection,
        nonce: u64,
        basis: &Basis,
        until: Until,
    ) -> Outcome<Option<Settled>> {
        let common = &connection.setup.common;
        let network = connection.configuration.domain().network;
        let (request, transaction) = self.sign(network, nonce, basis);
        let id = Hash(request.transaction);
        let note = Sent {
            network: network.to_string(),
            repeat: self.repeat.clone(),
            payload: HexBytes(request.payload.clone()),
            valid_until: transaction.valid_until,
        };
        note.store(common, &id);
        let wait = match until {
            Until::Committed => Wait::Committed,
            Until::Applied => Wait::Applied,
        };
        let done = match self.submit(connection, &id, request.clone(), wait).await? {
            Some(done) => done,
            None => {
                Sent::forget(common, &id);
                return Ok(None);
            }
        };
        let mut settled = Settled {
            id,
            index: done.index,
            term: Some(done.term),
            nonce,
            result: None,
            repeated: false,
        };
        let done = if until == Until::Committed {
            // The place is certain; what became of it is one node's word. If that is anything but
            // good news, enough nodes must say it.
            let said = TransactionResult::from_bytes(&done.result);
            if said.is_ok_and(|said| said.outcome == Executed::Applied) {
                Sent::forget(common, &id);
                return Ok(Some(settled));
            }
            match self.submit(connection, &id, request, Wait::Applied).await? {
                Some(again) => again,
                None => return Ok(None),
            }
        } else {
            done
        };
        let result = result_of(&done.result)?;
        Sent::forget(common, &id);
        (settled.index, settled.term) = (done.index, Some(done.term));
        match (result.outcome, result.repeats) {
            // Another transaction settled the nonce.
            (Executed::Repeat, None) => return Ok(None),
            (Executed::Repeat, Some(earlier)) => {
                settled.id = earlier.transaction;
                settled.index = earlier.place.index;
                settled.term = term_of(connection, earlier.transaction).await;
                settled.repeated = true;
            }
            (Executed::Applied | Executed::Rejected(_), _) => settled.result = Some(result),
        }
        Ok(Some(settled))
    }

    async fn submit(
        &self,
        connection: &Connection,
        id: &Hash,
        request: SignedRequest,
        wait: Wait,
    ) -> Outcome<Option<client::Outcome>> {
        let submitted = connection
            .client
            .submit_and_wait(request, wait, connection.left());
        let mut submitted = pin!(submitted);
        let mut patience = pin!(sleep(PATIENCE));
        let mut waiting = true;
        let done = loop {
            tokio::select! {
                done = &mut submitted => break done,
                () = &mut patience, if waiting => {
                    waiting = false;
                    let output = Output::new(connection.setup.common.json);
                    output.progress("Sent, and waiting for the nodes to agree on it…");
                }
                interrupted = tokio::signal::ctrl_c() => {
                    interrupted.map_err(|error| Failure::system("wait for Ctrl-C", error))?;
                    let what = "interrupted before the outcome was known";
                    let failure = Failure::new(Code::Interrupted, what);
                    return Err(self.undecided(connection, id, failure));
                }
            }
        };
        match done {
            Ok(done) => Ok(Some(done)),
            Err(ClientError::NotAdmitted { result, .. })
                if refused_for(&result) == Some(RejectionCode::NonceUsed) =>
            {
                Ok(None)
            }
            Err(error) => Err(self.failure(connection, id, &error)),
        }
    }
}

/// What is known of a reference before a transaction is signed under it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looked {
    /// Free up to here.
    pub since: u64,
    /// The transaction that was applied under it, and the index of its entry.
    pub taken: Option<(Hash, u64)>,
}

/// Why enough nodes do not take a transaction, if it was not executed before.
pub fn refused_for(result: &[u8]) -> Option<RejectionCode> {
    match TransactionResult::from_bytes(result) {
        Ok(TransactionResult {
            repeats: None,
            outcome: Executed::Rejected(rejection),
            ..
        }) => Some(rejection.code),
        _ => None,
    }
}

/// The result that enough nodes gave.
pub fn result_of(bytes: &[u8]) -> Outcome<TransactionResult> {
    TransactionResult::from_bytes(bytes).map_err(|error| {
        Failure::new(
            Code::Internal,
            format!("the nodes' result cannot be read, they run another version: {error}"),
        )
    })
}

async fn term_of(connection: &Connection, id: Hash) -> Option<u64> {
    let state = connection.client.transaction(id.0, connection.left()).await;
    match state {
        Ok(client::TransactionState::Applied { term, .. }) => Some(term),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use keys::KeyPair;

    use super::*;

    fn account(next_nonce: u64, used_ahead: &[u64]) -> AccountAnswer {
        let key = KeyPair::from_seed("alice").public_key();
        AccountAnswer {
            account: key.address(),
            key,
            opened: Hash::default(),
            name: None,
            balances: BTreeMap::new(),
            next_nonce,
            used_ahead: used_ahead.to_vec(),
            admin: false,
        }
    }

    #[test]
    fn the_lowest_free_nonce_is_taken() {
        let none = BTreeSet::new();
        assert_eq!(free_nonce(&account(0, &[]), &none), 0);
        assert_eq!(free_nonce(&account(5, &[6, 7]), &none), 5);
        let tried = BTreeSet::from([5]);
        assert_eq!(free_nonce(&account(5, &[6, 7]), &tried), 8);
        assert_eq!(free_nonce(&account(u64::MAX, &[]), &none), u64::MAX);
    }

    /// Two processes of one account may see the same free nonce at the same moment.
    #[test]
    fn alike_payments_of_one_moment_are_two_transactions() {
        let key = KeyPair::from_seed("alice");
        let order = |salt| Order {
            payer: Payer {
                account: key.public_key().address(),
                key: key.clone(),
                named: "alice".to_owned(),
            },
            operations: Vec::new(),
            memo: String::new(),
            reference: None,
            repeat: Vec::new(),
            salt,
        };
        let basis = Basis {
            opened: Hash::default(),
            applied: 7,
            since: 0,
        };
        let sign = |salt| order(salt).sign(Hash::default(), 1, &basis);
        let ((one, _), (other, _), (again, _)) = (sign(1), sign(2), sign(1));
        assert_eq!(one.key, other.key, "they compete for one nonce");
        assert_ne!(one.transaction, other.transaction);
        assert_eq!(one.payload, again.payload);
        let drawn = [salt().unwrap(), salt().unwrap()];
        assert_ne!(drawn[0], drawn[1]);
    }

    #[test]
    fn memos_are_bounded_and_plain() {
        assert!(check_memo("rent for May").is_ok());
        assert!(check_memo(&"x".repeat(MEMO_BYTES)).is_ok());
        assert!(check_memo(&"x".repeat(MEMO_BYTES + 1)).is_err());
        assert!(check_memo("a\x1b[2J").is_err());
    }
}
