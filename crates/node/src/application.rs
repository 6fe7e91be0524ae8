//! What a network agrees for: a deterministic state machine behind one trait.

use std::sync::Arc;

use consensus::{Entry, Hash, Payloads, RequestKey, message::Applied};

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The request's identity (P2.3).
    pub key: RequestKey,
    /// The transaction's id, by which people and receipts name it.
    pub transaction: [u8; 32],
    /// The result in the application's canonical bytes: the leaf under the results root.
    pub result: Vec<u8>,
    /// Nothing was done here, since the request's number was settled before: by this transaction,
    /// whose first outcome then is the answer, or by another one (P6.5).
    pub repeat: bool,
    /// A second name under which it can be looked up, if the client gave it one and it was applied.
    pub reference: Option<[u8; 32]>,
}

/// What executing one entry gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedEntry {
    /// The entry's index, and the digest that chains the results root of every entry up to it
    /// (P2.6).
    pub applied: Applied,
    /// RFC 9162 Merkle root ([`consensus::merkle::root`]) of the outcomes' `result` bytes, in
    /// order.
    pub results_root: Hash,
    /// One outcome for each payload of the entry, in the same order; none for a term record.
    pub outcomes: Vec<Outcome>,
}

/// Why a node takes no part in having a request agreed on (P6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAdmitted {
    /// Whether no later state admits it: its number is settled, or its validity is over.
    pub settled: bool,
    /// The result that executing it now would give, in the application's canonical bytes.
    pub result: Vec<u8>,
}

/// A deterministic state machine. Two instances that applied the same entries answer alike.
///
/// One thread executes entries, others ask. After a restart it starts empty and every committed entry is applied
/// again from disk; entries come with [`Entry::keys`] empty then, so identities are read from the
/// payloads.
pub trait Application: Send + Sync + 'static {
    /// The pure judgement of payloads (P3.2), shared by all threads.
    fn payloads(&self) -> Arc<dyn Payloads>;

    /// How far it executed; index 0 with the digest of no results at first.
    fn applied(&self) -> Applied;

    /// Executes the entry after the last one. Called once for each committed entry of any kind, in
    /// order (P8.4). A transaction that fails has an outcome that says so.
    fn apply(&mut self, entry: &Entry) -> AppliedEntry;

    /// Whether the present state would take a payload up, and not refuse it at once (P6.2). It looks
    /// at who asks, until when and under which number, never at what many requests may change back
    /// and forth, like a balance: it decides what nodes take in and hand on, and for what a leader
    /// is suspected. A payload that cannot be read is admitted, and judged by [`Payloads::check`].
    ///
    /// # Errors
    /// [`NotAdmitted`].
    fn admit(&self, _payload: &[u8]) -> Result<(), NotAdmitted> {
        Ok(())
    }

    /// Answers a question about the present state. Question and answer are the application's own
    /// bytes; a malformed question gets an answer that says so.
    fn query(&self, question: &[u8]) -> Vec<u8>;

    /// The keys that act for accounts, if there are accounts: their holders are members of the
    /// network (P12.2).
    fn known_keys(&self) -> Option<Arc<dyn KnownKeys>> {
        None
    }

    /// Reads a transaction's id out of a payload, if it can be read; lets a node tell a
    /// transaction that waits from one that it never saw.
    fn transaction_id(&self) -> Option<TransactionId> {
        None
    }
}

/// The keys that an application knows, as far as it has executed. Asked on the network's threads:
/// it must not block for long.
pub trait KnownKeys: Send + Sync {
    /// Whether an account has this key.
    fn knows(&self, key: &[u8; 32]) -> bool;
}

/// Reads a transaction's id out of a payload.
pub type TransactionId = Arc<dyn Fn(&[u8]) -> Option<[u8; 32]> + Send + Sync>;
