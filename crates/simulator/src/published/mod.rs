//! A small model of the *published* Tangaroa protocol, kept to compare ours with the real thing.
//!
//! Tangaroa (Raft made to tolerate Byzantine nodes) was published as a paper and as two programs,
//! and the three do not agree with each other. Each attack in [`SCENARIOS`] names the
//! [`Reading`] it applies to and the outcome that follows there: a fork, a halt, a stolen term.
//! Without this the claim "the published protocol forks here, ours does not" would have only one
//! half that runs.
//!
//! # Sources
//!
//! | reading | source |
//! |---|---|
//! | [`Reading::Paper`] | C. Copeland and H. Zhong, *Tangaroa: a Byzantine Fault Tolerant Raft*, 2014, read as generously as its text allows |
//! | [`Reading::Code`] | `chrisnc/tangaroa`, `src/Network/Tangaroa/Byzantine/*.hs` |
//! | [`Reading::Juno`] | `kadena-io/juno`, `src/Juno/Consensus/*.hs`, a descendant of that program |
//!
//! The critique of the safety and liveness of Tangaroa that A1 and A2 act out is section 3.5 of
//! C. Cachin and M. Vukolić, *Blockchain Consensus Protocols in the Wild*, arXiv 1707.01873.
//!
//! # What a reading is
//!
//! One choice for every question on which the three sources differ: who counts as a voter, what a
//! voter checks, when an entry is committed. All of these questions are methods of [`Reading`];
//! nothing else in the model asks which reading it is in. Where the paper is silent, its reading
//! takes the safer answer, so an attack that works there is no accident of wording.
//!
//! # What the model leaves out
//!
//! - Time. A trace fires a node's election timer when it wants to, as an asynchronous network may.
//! - Bytes. A signature is the identity of its signer; [`Network::deliver`] refuses a message
//!   signed by an honest node that this node never sent. Hashes are a 64-bit FNV-1a chain: a
//!   stand-in for a cryptographic hash, enough to tell two logs of a trace apart.
//! - Client requests beyond their value: no replay table, no replies, no signature on commands.
//!   Attacks on those (forged commands, single-reply clients, malleable signatures) are not here.
//! - Batching. A leader sends entries as soon as it has them; Juno waits for its next heartbeat.
//!   Every node looks for new commits after each append; Juno waits for the next acknowledgement.
//! - Juno's leader that abdicates when it hears no followers; no trace reaches that state.

mod log;
mod message;
mod network;
mod node;
mod outcome;
mod random;
mod rules;
mod scenarios;

pub use log::{ChainHash, Entry, Log, Position};
pub use message::{
    AppendEntries, AppendEntriesResponse, ClientId, Command, Envelope, Message, NodeId,
    RequestVote, RequestVoteResponse, Revolution, START_TERM, Signed, Term, Votes,
};
pub use network::{Network, TraceError};
pub use node::{Node, Role};
pub use outcome::{Fork, Halt, Outcome, OutcomeKind};
pub use rules::{CommitRule, Reading, VoteRule};
pub use scenarios::{SCENARIOS, Scenario};
