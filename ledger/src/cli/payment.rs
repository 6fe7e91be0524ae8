//! Sends one transaction and waits for its outcome; never leaves the user in doubt about what is
//! known, and how to repeat safely.

use std::{collections::BTreeSet, pin::pin, time::Duration};

use crate::{
    Operation, Outcome as Executed, Rejection, RejectionCode, Transaction, TransactionResult,
    limits::MEMO_BYTES, query::AccountAnswer, request_key,
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

/// How many entries beyond the present one a transaction made here stays valid.
const VALID_FOR: u64 = 100_000;
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
    /// Executed once at most under it.
    pub reference: Reference,
    /// The words of the command that repeats it.
    pub repeat: Vec<String>,
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
    /// Its result; `None` if only its place is certain.
    pub result: Option<TransactionResult>,
    /// Whether it had been done before, and nothing was done now.
    pub repeated: bool,
}

impl Settled {
    /// `committed`, `applied` or `rejected`.
    pub const fn status(&self) -> &'static str {
        match &self.result {
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
    pub fn sign(&self, network: Hash, nonce: u64, applied: u64) -> (SignedRequest, Transaction) {
        let transaction = Transaction {
            network,
            account: self.payer.account,
            key: PublicKey(*self.payer.key.public_key().as_bytes()),
            nonce,
            valid_until: applied.saturating_add(VALID_FOR),
            reference: Some(self.reference.bytes()),
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
        let account = connection
            .account(self.payer.account, Level::Matching)
            .await?;
        let mut applied = account.applied;
        let mut account = account
            .answer
            .ok_or_else(|| connection.no_account(&self.payer.named))?;
        let mut tried = BTreeSet::new();
        loop {
            let nonce = free_nonce(&account, &tried);
            tried.insert(nonce);
            if let Some(settled) = self.attempt(connection, nonce, applied, until).await? {
                return Ok(settled);
            }
            if connection.left().is_zero() {
                return Err(self.crowded());
            }
            let again = connection
                .account(self.payer.account, Level::Matching)
                .await?;
            applied = again.applied;
            account = again.answer.unwrap_or(account);
        }
    }

    /// One transaction; `None` if its nonce was used by another one.
    async fn attempt(
        &self,
        connection: &Connection,
        nonce: u64,
        applied: u64,
        until: Until,
    ) -> Outcome<Option<Settled>> {
        let common = &connection.setup.common;
        let network = connection.configuration.domain().network;
        let (request, transaction) = self.sign(network, nonce, applied);
        let id = Hash(request.transaction);
        let note = Sent {
            network: network.to_string(),
            repeat: self.repeat.clone(),
            made_at: applied,
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
        let mut result = result_of(&done.result)?;
        let mut done = done;
        if until == Until::Committed && result.outcome != Executed::Applied {
            // One node says that it failed. Whether that is so, enough nodes must say.
            match self.submit(connection, &id, request, Wait::Applied).await? {
                Some(again) => done = again,
                None => return Ok(None),
            }
            result = result_of(&done.result)?;
        }
        Sent::forget(common, &id);
        if let Executed::Rejected(rejection) = &result.outcome
            && rejection.code == RejectionCode::NonceUsed
        {
            return Ok(None);
        }
        let certain = until == Until::Applied || result.outcome != Executed::Applied;
        let mut settled = Settled {
            id,
            index: done.index,
            term: Some(done.term),
            nonce,
            result: certain.then_some(result),
            repeated: false,
        };
        if let Some(earlier) = result.repeats
            && earlier.transaction != id
        {
            settled.id = earlier.transaction;
            settled.index = earlier.place.index;
            settled.term = term_of(connection, earlier.transaction).await;
            settled.repeated = true;
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
            Err(ClientError::NonceUsed { .. }) => Ok(None),
            Err(error) => Err(self.failure(connection, id, &error)),
        }
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

    #[test]
    fn memos_are_bounded_and_plain() {
        assert!(check_memo("rent for May").is_ok());
        assert!(check_memo(&"x".repeat(MEMO_BYTES)).is_ok());
        assert!(check_memo(&"x".repeat(MEMO_BYTES + 1)).is_err());
        assert!(check_memo("a\x1b[2J").is_err());
    }
}
