//! Every bound of a node in one place (P12.1). Those of the connections are
//! [`transport::limits`]'s, those of the replica [`consensus::limits`]'s.

use std::time::Duration;

/// What one peer may have in verification and before the replica, for each class of messages, in
/// KiB. Beyond it nothing more is read from the peer, and QUIC slows it down.
pub const PEER_INBOX_KIB: usize = 16 * 1024;
/// Messages up to this many bytes are judged where they arrive; longer ones go to the pool.
pub const INLINE_BYTES: usize = 4096;
/// Requests that wait before the replica; beyond it clients are told *busy*.
pub const CLIENT_INBOX: usize = 16_384;
/// What strangers may take is one part in so many of what members may (P12.2).
pub const STRANGERS_PART: usize = 4;
/// Client events that the replica takes at a time, so that messages do not wait behind them.
pub const CLIENT_BATCH: usize = 512;
/// Writes that wait for the disk's thread.
pub const DISK_QUEUE: usize = 1024;
/// The disk's thread writes no more than this many bytes with one sync.
pub const GROUP_COMMIT_BYTES: usize = 8 << 20;
/// Entries that wait for the application; beyond it the replica waits.
pub const APPLY_QUEUE: usize = 512;
/// Questions on their way to the application: fewer than [`APPLY_QUEUE`], so that they never keep
/// committed entries out.
pub const QUERIES: usize = 128;
/// Questions that wait for an index to be executed.
pub const WAITING_QUERIES: usize = 1024;
/// Of these so many of one session.
pub const WAITING_QUERIES_PER_SESSION: usize = 32;
/// How far beyond what is known to exist an index may be for somebody to wait for it, or to vote
/// that it is applied: the window of entries in flight, and the application's queue.
pub const NEAR_ENTRIES: u64 = 1024;
/// How long they wait before their clients are told *busy*.
pub const QUERY_PATIENCE: Duration = Duration::from_secs(5);
/// Linearizable reads under way.
pub const READS: usize = 4096;
/// Reads from disk for peers that lag.
pub const READ_QUEUE: usize = 256;
/// Receipts and blocks that wait to be read for clients; beyond it they are told *busy*. A session
/// has one under way at a time.
pub const CLIENT_READS: usize = 512;
/// Transactions whose outcomes are remembered in memory; older ones are read from disk.
pub const REMEMBERED_TRANSACTIONS: usize = 16_384;
/// Entries whose outcomes are remembered in memory.
pub const REMEMBERED_ENTRIES: usize = 2048;
/// Rows of the index of transactions that are collected in memory before they are written.
pub const INDEX_FRESH_ROWS: usize = 65_536;
/// Such collections that wait to be written; beyond it execution waits.
pub const INDEX_FROZEN: usize = 2;
/// Bytes of outcomes that are collected before they are written.
pub const INDEX_BUFFER_BYTES: usize = 256 * 1024;
/// Most bytes of one entry's outcomes: 1024 of them, and room.
pub const INDEXED_ENTRY_BYTES: usize = 1 << 20;
/// Indexes for which signed statements are kept for receipts, for each signer.
pub const REMEMBERED_STATEMENTS: usize = 2048;
/// Stored commit certificates that are read to find votes for an old result.
pub const CERTIFICATES_READ: usize = 256;
/// Receipts whose proofs are waited for, in all and for one session; others are answered at once
/// with what there is.
pub const WAITING_RECEIPTS: usize = 256;
/// See [`WAITING_RECEIPTS`].
pub const WAITING_RECEIPTS_PER_SESSION: usize = 16;
/// How long a receipt's proofs are waited for at most.
pub const RECEIPT_PATIENCE: Duration = Duration::from_secs(2);
/// While they are waited for, they are looked for no more often than this.
pub const RECEIPT_PAUSE: Duration = Duration::from_millis(5);
/// Commit certificates kept in memory for receipts.
pub const REMEMBERED_CERTIFICATES: usize = 1024;
/// Most headers between a receipt's entry and the point of its certificate.
pub const RECEIPT_HEADERS: u64 = 1024;
/// Most results roots in a receipt.
pub const RECEIPT_ROOTS: u64 = 8192;
/// Accounts that one connection may watch.
pub const WATCHED_ACCOUNTS: usize = 16_384;
/// Requests whose submitter is remembered, for refusals and outcomes.
pub const REMEMBERED_SUBMITTERS: usize = 65_536;
/// Signature checks remembered in each of two generations.
pub const REMEMBERED_SIGNATURES: usize = 8192;
/// Checked requests remembered in each of two generations.
pub const REMEMBERED_REQUESTS: usize = 32_768;
/// Complaints that a key, or an address of strangers, may make at once (P6.3, P12.2).
pub const COMPLAINT_BURST: u32 = 32;
/// After a burst, one more complaint in this time.
pub const COMPLAINT_INTERVAL: Duration = Duration::from_millis(125);
/// Keys and addresses whose complaints are counted; the oldest is forgotten first.
pub const COMPLAINING_KEYS: usize = 4096;
/// What a client is told to wait when a bound of this crate is reached, in milliseconds.
pub const RETRY_AFTER_MILLIS: u64 = 200;
/// Bytes of outcomes in one frame to a client, beyond which another is begun.
pub const OUTCOME_FRAME_BYTES: usize = 256 * 1024;
/// Bytes of payloads that a block's answer holds; a larger body is left out.
pub const BLOCK_BYTES: usize = 900 * 1024;
