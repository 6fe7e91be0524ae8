//! Every bound of the ledger in one place (P12.1).

/// Most operations in one transaction (P2.3).
pub const OPERATIONS: usize = 128;
/// Most bytes of a memo.
pub const MEMO_BYTES: usize = 256;
/// Most bytes of an asset's code.
pub const ASSET_CODE_BYTES: usize = 12;
/// How many nonces an account may use ahead of its lowest unused one (P6.5).
pub const NONCE_WINDOW: u64 = 1024;
/// How many entries beyond the one that executes it a transaction may stay valid. It makes "not
/// included, and never will be" provable after a bounded wait (P6.5).
pub const VALIDITY_ENTRIES: u64 = 1_000_000;
/// Most accounts.
pub const ACCOUNTS: usize = 1_000_000;
/// How many references of an account are remembered by execution: its newest ones. Nodes look up all
/// others on disk (P6.5).
pub const REFERENCES_PER_ACCOUNT: usize = 4096;
/// How many transactions at most are in the entries that the state machine itself can tell of.
pub const RETAINED_TRANSACTIONS: usize = 8192;
/// How many executed entries the state machine itself can tell of; nodes look up all others on disk.
pub const RETAINED_ENTRIES: usize = 1024;
/// Most accounts in one answer.
pub const ACCOUNTS_PER_ANSWER: u32 = 256;
/// Most bytes of a query.
pub const QUERY_BYTES: usize = 512;
/// Most bytes of an answer.
pub const ANSWER_BYTES: usize = 1024 * 1024;

/// Most headers between an entry and the proof of its commit in a receipt.
pub const RECEIPT_HEADERS: usize = 1024;
/// Most results roots between an entry and the votes for its result in a receipt.
pub const RECEIPT_ROOTS: usize = 8192;
/// Longest Merkle path in a receipt: an entry has at most 2¹⁰ transactions.
pub const RECEIPT_PATH: usize = 10;
/// Most bytes of a receipt's JSON.
pub const RECEIPT_BYTES: usize = 4 * 1024 * 1024;
