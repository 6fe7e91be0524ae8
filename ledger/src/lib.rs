//! The ledger: accounts, assets, transfers and receipts.
//!
//! - [`Transaction`] and [`SignedTransaction`]: what clients sign (P2.3); [`TransactionPayloads`]:
//!   the pure judgement that decides what an entry may contain (P3.2).
//! - [`Ledger`]: the state machine that executes committed entries in order, each exactly once
//!   (P8.4); [`Outcome`] and [`RejectionCode`]: what becomes of a transaction (P6.5).
//! - [`application`]: how a node hosts it.
//! - [`Query`] and [`Response`]: reads of executed state (P7.2).
//! - [`cli`]: the command `ledger` itself, for its binary and for tests of what it reads.
//! - [`observations`]: what stands out in what nodes say of each other.
//! - [`audit`]: judging the data of stopped nodes, and naming who forked a ledger (P7.3).
//! - [`Receipt`]: proof of all this, verified offline from the genesis file alone (P7.1).
//!
//! # What holds
//! - After every entry the balances of each asset add up to what was issued.
//! - A transaction takes effect as a whole or not at all. A rejected one changes nothing but that
//!   it uses up its nonce, where its code says so ([`RejectionCode::uses_nonce`]).
//! - No nonce of an account is used twice, and what was rejected once is never applied. Under a
//!   settled nonce nothing is done, and nodes answer with the transaction's first outcome.
//! - Of the transactions of an account with one reference, one is applied at most, for ever, if its
//!   clients look before they sign; a later one that does the same repeats it, a later one that does
//!   something else is rejected. A rejected transaction does not take its reference.

pub mod application;
pub mod asset;
pub mod audit;
pub mod cli;
pub mod history;
pub mod known_keys;
pub mod ledger;
pub mod limits;
pub mod nonces;
pub mod observations;
pub mod outcome;
pub mod payloads;
pub mod preflight;
pub mod query;
pub mod receipt;
pub mod references;
pub mod state;
pub mod transaction;

#[cfg(feature = "mutations")]
mod batch;
mod hexadecimal;

pub use asset::{AssetCode, AssetCodeError};
pub use history::{ExecutedEntry, next_digest};
pub use ledger::Ledger;
pub use outcome::{Earlier, Outcome, Place, Rejection, RejectionCode, TransactionResult};
pub use payloads::{TransactionPayloads, request_account, request_key};
pub use preflight::Preflight;
pub use query::{Answer, Query, Response};
pub use receipt::{
    Assurance, Receipt, ReceiptError, ReceiptFailure, ReceiptParts, VerifiedReceipt,
};
pub use state::{AuditFailure, State};
pub use transaction::{Operation, Reference, SignedTransaction, Transaction, TransactionError};
