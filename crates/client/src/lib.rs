//! The client: submits, gathers matching answers, resends, complains (P6.1, P6.2).
//!
//! One node's word is never enough in Byzantine mode: an outcome or an answer counts once f + 1
//! nodes, over their own authenticated connections, say the same. In the Raft modes every node is
//! believed and one answer is enough.
//!
//! - [`Client::submit_and_wait`] sends one signed request and waits for its outcome;
//! - [`Client::query`] reads, at a chosen [`Consistency`];
//! - [`Client::load`] keeps many requests under way over the same connections;
//! - the rest asks nodes about themselves, transactions, receipts, blocks and evidence.

mod asking;
mod client;
mod error;
mod link;
mod load;
mod query;
mod questions;
mod requests;
mod resend;
mod shared;
pub mod tally;
mod view;

pub use asking::NodeStatus;
pub use client::{Client, ClientOptions};
pub use error::{Cause, ClientError, Unreachable};
pub use load::{Completion, Load, LoadOptions};
pub use node::frames::{
    BlockFrame, EvidenceSummary, Id, OutcomeFrame, ReceiptParts, TransactionState,
};
pub use node::status::StatusReport;
pub use query::{Answer, Consistency};
pub use requests::{Outcome, SignedRequest, Wait};
pub use transport::RefusalReason;
