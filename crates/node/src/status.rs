//! A node's state for people and programs.

use serde::{Deserialize, Serialize};

/// Everything a node says about itself. Numbers are exact; what to make of them is the reader's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The node's name in genesis.
    pub name: String,
    /// Its position among the validators.
    pub node: u16,
    /// The mode's name.
    pub mode: String,
    /// `leader`, `follower` or `candidate`.
    pub role: String,
    /// Its term.
    pub term: u64,
    /// The term's leader, if it has one: a position among the validators.
    pub leader: Option<u16>,
    /// How far it knows entries to be committed.
    pub commit: u64,
    /// Hash of that entry.
    #[serde(with = "serde_bytes")]
    pub commit_hash: [u8; 32],
    /// How many entries its commit point lies behind what enough peers claim to hold that at least
    /// one of them is correct.
    pub lag: u64,
    /// Index of its last entry.
    pub head: u64,
    /// How far the application executed.
    pub applied: u64,
    /// The digest of all results up to there.
    #[serde(with = "serde_bytes")]
    pub applied_digest: [u8; 32],
    /// Pieces of evidence held.
    pub evidence: u64,
    /// The level that timers are scaled by (P4.6).
    pub timer_level: u32,
    /// Why it suspects its leader, if it does.
    pub suspicion: Option<String>,
    /// The last leader that it saw deposed.
    pub deposed: Option<Deposed>,
    /// Requests that wait.
    pub pending: u64,
    /// The name of the misbehaviour that was set on this node, if any.
    pub behaviour: Option<String>,
    /// Whether its own results turned out not to be the certified ones, so that it neither votes nor
    /// serves (P8.2).
    pub diverged: Option<Diverged>,
    /// The other validators.
    pub peers: Vec<PeerStatus>,
    /// The timers in force.
    pub timers: TimerReport,
    /// What was done so far.
    pub counters: CounterReport,
}

/// Where a node's own results are not the certified ones (P8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diverged {
    /// An entry after which they differ.
    pub index: u64,
    /// The last entry before it after which they are known to be the same.
    pub agreed: Option<u64>,
}

/// A leader that was deposed (P4.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposed {
    /// The term that ended.
    pub term: u64,
    /// Its leader's position.
    pub leader: u16,
    /// On whose word, and why.
    pub reasons: Vec<DeposedReason>,
}

/// One node's reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeposedReason {
    /// Who would leave the term.
    pub node: u16,
    /// `silent`, `starved`, `misbehaved`, `crawling` or `restarted`.
    pub reason: String,
    /// Whose request starved, for `starved`.
    pub account: Option<crate::frames::Id>,
    /// Whether the node did not suspect the leader itself, but went along with others who did.
    pub followed: bool,
}

/// The link to another validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its name in genesis.
    pub name: String,
    /// Its position.
    pub node: u16,
    /// Whether frames go through.
    pub up: bool,
    /// Why not, if not.
    pub problem: Option<String>,
    /// A fault on purpose in force on the link, in words.
    pub fault: Option<String>,
    /// Messages of it that this node refused as malformed or not valid.
    pub refused: u64,
    /// Questions for entries that it was sent.
    pub asked: u64,
    /// Answers to them.
    pub answered: u64,
    /// The highest term that it spoke of, if that is beyond any that f + 1 nodes spoke of.
    pub lone_term: Option<u64>,
    /// By how many milliseconds its entries are dated ahead of this node's clock, if they are refused
    /// for that (P3.2).
    pub clock_ahead: Option<u64>,
}

/// The timers in force, in milliseconds (P1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerReport {
    /// Between two heartbeats of an idle leader.
    pub heartbeat: u64,
    /// Shortest silence before a leader is suspected.
    pub silence_shortest: u64,
    /// Longest such silence.
    pub silence_longest: u64,
    /// How long a complained request may wait.
    pub starvation: u64,
    /// How long a term may take to its first commit, at level 0.
    pub term: u64,
    /// Longest that a timer grows to.
    pub longest: u64,
}

/// Totals since the node started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterReport {
    /// Messages sent to validators, by kind; a broadcast counts once for each receiver.
    pub sent: Vec<KindCount>,
    /// Messages received from validators, by kind.
    pub received: Vec<KindCount>,
    /// Messages refused as malformed or not valid.
    pub refused: u64,
    /// Bytes sent, to validators and clients, without QUIC's and UDP's own.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Signatures of validators checked.
    pub node_signatures: u64,
    /// Such checks answered from the cache.
    pub node_signatures_cached: u64,
    /// Requests whose client signatures were checked.
    pub client_signatures: u64,
    /// Such checks answered from the cache.
    pub client_signatures_cached: u64,
    /// Syncs of the disk.
    pub syncs: u64,
    /// Batches of records written.
    pub writes: u64,
    /// Entries applied.
    pub entries: u64,
    /// Transactions applied.
    pub transactions: u64,
    /// Client connections at the moment.
    pub sessions: u64,
    /// Microseconds since the start.
    pub uptime_micros: u64,
    /// Microseconds of processor time that the process used.
    pub cpu_micros: u64,
}

/// How many messages of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCount {
    /// The kind's name.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}
