//! Every bound of the core in one place (P12.1).

use crate::{mode::FaultModel, types::Time};

/// W: entries that may lie beyond the best commit certificate (P3.1).
pub const WINDOW: u64 = 64;
/// Bytes of bodies that may lie beyond the best commit certificate (P3.2, 3): what a leader change
/// has to move to everybody while its term lasts.
pub const WINDOW_BYTES: u64 = 8 * 1024 * 1024;
/// Most transactions in an entry.
pub const ENTRY_PAYLOADS: usize = 1024;
/// Most bytes of one payload.
pub const PAYLOAD_BYTES: usize = 64 * 1024;
/// Most bytes of an entry's transactions together. A term record may be larger, up to
/// [`TERM_RECORD_BYTES`].
pub const ENTRY_BYTES: usize = 512 * 1024;
/// Most bytes of a term record: n − f reports with their headers and certificates.
pub const TERM_RECORD_BYTES: usize = 6 * 1024 * 1024;
/// Most entries in one message.
pub const MESSAGE_ENTRIES: usize = 64;
/// A message takes no further entries beyond this many bytes.
pub const MESSAGE_BYTES: usize = 1024 * 1024;
/// Most relayed requests in one message.
pub const RELAYED_REQUESTS: usize = 1024;
/// Most requests of a node's own clients waiting in it, and most relayed ones of all other
/// validators together; each of these has an equal share (P6.3).
pub const PENDING_REQUESTS: usize = 16_384;
/// Most bytes of them, likewise.
pub const PENDING_BYTES: usize = 32 * 1024 * 1024;
/// Most requests of one account waiting in a node, of its own clients and of each other validator.
pub const PENDING_PER_ACCOUNT: usize = 1_024;
/// How long a request may wait in a node before it is forgotten.
pub const PENDING_LIFETIME: Time = Time::from_millis(60_000);
/// How long a point may be ahead of the own chain before it is asked for: it may be on its way.
pub const FETCH_GRACE: Time = Time::from_millis(30);
/// Entries kept in memory below the commit point; older ones are read from disk.
pub const RETAINED_ENTRIES: u64 = 2 * WINDOW + 64;
/// Entries beyond its chain that a collector takes with a base (P4.5): a window, and the records
/// of as many terms that came to nothing.
pub const BASE_ENTRIES: usize = 2 * WINDOW as usize;
/// Bytes beyond its chain that a collector takes with a base: a window, the entry that goes beyond
/// it, and a term record of the most validators.
pub const BASE_BYTES: usize = 2 * WINDOW_BYTES as usize;
/// Entries kept beside the chain at least; see [`branch_entries`].
pub const BRANCH_ENTRIES: usize = 8 * WINDOW as usize;
/// Bytes kept beside the chain at least; see [`branch_bytes`].
pub const BRANCH_BYTES: usize = 64 * 1024 * 1024;
/// Terms whose votes are remembered for each node.
pub const VOTE_TERMS: usize = 3;
/// Complaints of one validator that wait for a slot at another node (P6.3).
pub const QUEUED_COMPLAINTS: usize = 512;
/// Most bytes of them.
pub const QUEUED_BYTES: usize = 512 * 1024;
/// Those among them of one account.
pub const QUEUED_PER_ACCOUNT: usize = 4;
/// Pieces of evidence kept: one of each kind of offence for each validator there can be.
pub const EVIDENCE: usize = 6 * FaultModel::MOST_VALIDATORS;
/// Most headers in a piece of evidence that show how two votes fork.
pub const EVIDENCE_HEADERS: usize = 4 * WINDOW as usize;
/// Most headers that are looked at to hold one vote against the others of its signer.
pub const COMPARED_HEADERS: usize = 2 * EVIDENCE_HEADERS;
/// Newest votes of each validator that are remembered to be held against it.
pub const HEARD_VOTES: usize = 192;
/// Votes of a validator that may turn out not to be on the chain.
pub const DOUBTED_VOTES: usize = 64;
/// Signed headers beside the chain that are remembered to be held against their author.
pub const STRAY_HEADERS: usize = 8 * WINDOW as usize;
/// Grants that are remembered to be held against their signers.
pub const HEARD_GRANTS: usize = 256;
/// Newest terms whose reports of each validator are remembered to be held against it.
pub const HEARD_REPORTS: usize = 3;
/// Most reports whose admissions one testimony tells: all that are remembered.
pub const ADMISSIONS: usize = HEARD_REPORTS * FaultModel::MOST_VALIDATORS;
/// Most statements of each kind that one testimony holds.
pub const TESTIMONY_STATEMENTS: usize = 128;
/// Most headers that lead to the votes of one testimony, for all votes together.
pub const TESTIMONY_HEADERS: usize = 4 * EVIDENCE_HEADERS;
/// Statements of one signer and term that a node shows to others because they do not fit its chain.
pub const SHOWN_PER_SIGNER: usize = 4;
/// How often a node that has evidence, or statements that do not fit its chain, tells one peer.
pub const TESTIMONY_INTERVAL: Time = Time::from_millis(1_000);
/// Shortest time between two testimonies to everybody.
pub const TESTIMONY_PAUSE: Time = Time::from_millis(200);
/// How long such a statement is told: to each of the most validators there may be twice.
pub const TESTIMONY_LIFETIME: Time =
    Time(2 * FaultModel::MOST_VALIDATORS as u64 * TESTIMONY_INTERVAL.0);
/// After this long a vote for a point that does not appear on the chain is shown to others.
pub const DOUBT_PATIENCE: Time = Time::from_millis(2_000);
/// How far ahead of the own clock a timestamp may lie, in milliseconds (P3.2).
pub const CLOCK_AHEAD_MILLIS: u64 = 10_000;
/// How long one fetch may stay unanswered before another peer is asked.
pub const FETCH_TIMEOUT: Time = Time::from_millis(250);
/// Bytes of entries that a peer may be sent at once in answer to its questions.
pub const SERVED_BURST_BYTES: usize = 8 * MESSAGE_BYTES;
/// Bytes of entries that a peer may be sent per second in answer to its questions.
pub const SERVED_BYTES_PER_SECOND: u64 = 64 * 1024 * 1024;
/// Raft modes: entries sent to a follower and not yet acknowledged, before the leader pauses.
pub const IN_FLIGHT_ENTRIES: u64 = 4 * WINDOW;
/// Raft modes: bytes sent to a follower and not yet acknowledged, before the leader pauses.
pub const IN_FLIGHT_BYTES: usize = 4 * MESSAGE_BYTES;
/// Raft modes: uncommitted entries up to which a leader creates another at once, however small.
/// Beyond that it waits for a full entry or a commit, so that batches grow with the load.
pub const EAGER_ENTRIES: u64 = 3;
/// Raft modes: committed entries that the application has not executed, beyond which a node takes
/// no more.
pub const UNAPPLIED_ENTRIES: u64 = 8 * WINDOW;
/// Raft modes: shortest time between two relays to the leader; what arrives meanwhile goes
/// together.
pub const RELAY_PAUSE: Time = Time::from_millis(1);
/// How long a relayed request may stay uncommitted before it is judged and relayed again.
pub const RELAY_AGAIN: Time = Time::from_millis(1_000);

/// Entries kept beside the chain: all that a collector may be looking at, which is a base for each
/// traitor and one more, and as much again for what comes along.
#[must_use]
pub const fn branch_entries(sizes: FaultModel) -> usize {
    let needed = (sizes.faulty() + 2) * BASE_ENTRIES;
    if needed > BRANCH_ENTRIES {
        needed
    } else {
        BRANCH_ENTRIES
    }
}

/// Bytes of bodies kept beside the chain; as [`branch_entries`].
#[must_use]
pub const fn branch_bytes(sizes: FaultModel) -> usize {
    let needed = (sizes.faulty() + 2) * BASE_BYTES;
    if needed > BRANCH_BYTES {
        needed
    } else {
        BRANCH_BYTES
    }
}

/// S: requests that a node watches over at once, and that a leader has room for beside all others
/// for each validator that hands them on (P6.3).
#[must_use]
pub const fn watched_requests(validators: usize) -> usize {
    if validators > 64 { validators } else { 64 }
}

/// Most bytes of what a node watches over, and of what a leader has room for likewise. The share of
/// each validator holds a request of any length.
#[must_use]
pub const fn watched_bytes(validators: usize) -> usize {
    let least = validators * PAYLOAD_BYTES;
    if least > 1024 * 1024 {
        least
    } else {
        1024 * 1024
    }
}
