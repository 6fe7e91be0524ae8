//! One node: the place where the replica, the disk, the network and the application meet.
//!
//! [`Node::start`] recovers from disk and takes part in a network. The work is divided:
//!
//! - one thread owns the replica: it takes events from a bounded mailbox and does what the
//!   replica puts out, sending each message once the write that it names is durable (P11.1);
//! - one thread owns the disk and makes all writes that wait durable with one sync;
//! - one thread owns the [`Application`], executes committed entries and answers questions;
//! - the network's tasks decode and judge what comes in, larger things on a pool of all cores, in
//!   order for each peer and class;
//! - [`frames`] is what clients say and hear.
//!
//! Every queue is bounded; past a bound a peer is slowed down and a client told *busy* (P12.1).

mod access;
mod application;
mod application_task;
mod archive;
mod behaviour;
mod bulk_judge;
mod chain;
mod checks;
mod client_reads;
mod clock;
mod complaint;
mod conduct;
mod counters;
mod disk_task;
mod error;
mod evidence;
pub mod frames;
mod handle;
mod hosted;
mod incarnation;
pub mod limits;
mod listening;
mod losses;
mod mailbox;
mod node;
mod options;
mod outbound;
mod outcomes;
mod peers;
mod proofs;
mod reading;
mod receipts;
mod recent;
mod recovery;
mod refill;
mod replica_task;
mod reporting;
mod session;
mod sessions;
mod shared;
pub mod starting;
mod statements;
pub mod status;
mod threads;

pub use application::{Application, AppliedEntry, KnownKeys, NotAdmitted, Outcome, TransactionId};
pub use behaviour::{Behaviour, Context, Verdict};
pub use complaint::Complaint;
pub use error::{NodeError, StartError};
pub use evidence::evidence_id;
pub use handle::{NodeControl, NodeHandle};
pub use node::Node;
pub use options::{NodeOptions, configuration};
pub use status::StatusReport;
pub use transport::{LinkPolicy, LinkState};
