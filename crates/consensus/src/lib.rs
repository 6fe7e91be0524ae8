//! The consensus core of Hawser: replicas of every mode as deterministic state machines.
//!
//! Nothing here does IO, reads a clock, draws randomness, spawns a thread or iterates over a hash
//! map. A replica takes [`Event`]s and the time, and gives [`Output`]s; what a message must wait
//! for on disk is part of the output. Messages are judged beforehand by [`Verification`], and only
//! it can make a [`Verified`] message. The rules are numbered in `docs/protocol.md`.

pub mod byzantine;
pub mod certificate;
pub mod configuration;
pub mod encoding;
pub mod entry;
pub mod event;
pub mod evidence;
pub mod hashing;
pub mod limits;
pub mod log;
pub mod merkle;
pub mod message;
pub mod mode;
pub mod mutation;
pub mod outbox;
pub mod pending;
pub mod quorum;
pub mod raft;
mod random;
pub mod record;
pub mod replica;
pub mod request;
pub mod signature;
pub mod signed;
pub mod timers;
pub mod types;
pub mod verification;

pub use configuration::{ClientChecks, Configuration};
pub use entry::{Entry, EntryHeader, EntryKind, SignedHeader};
pub use event::{Event, Notice, Output, Recipient, Refusal, Role, Status, WriteId};
pub use evidence::Evidence;
pub use hashing::Domain;
pub use message::Message;
pub use mode::{FaultModel, Mode};
pub use outbox::Setup;
pub use record::{Record, Recovery, Restored, VoteState};
pub use replica::Replica;
pub use request::{Admittance, InvalidPayload, Payloads, Request, RequestKey};
pub use signature::{Ed25519, PublicKey, Signature, Signer, Verifier};
pub use signed::{Signed, Verified};
pub use timers::Timers;
pub use types::{Epoch, Hash, Index, NodeId, Now, Point, Term, Time};
pub use verification::{Refused, Verification};
