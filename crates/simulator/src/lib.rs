//! A whole network in one thread and virtual time, from one seed.
//!
//! The replicas are the real ones ([`consensus::Replica`]); disks, network, clocks and clients are
//! simulated, and break. Byzantine nodes ([`adversary`]) hold a real replica and tamper with what
//! it says. The [`oracle`] checks the [`invariants`] after every event. A run is a function of its
//! seed: whatever breaks can be replayed.
//!
//! [`published`] is a model of the published protocol, for comparison; [`scenario`] plays the same
//! attacks against both.

pub mod adversary;
pub mod application;
pub mod attacks;
pub mod bounds;
pub mod client;
pub mod clock;
pub mod conformance;
pub mod describe;
pub mod disk;
pub mod durable;
pub mod fault;
pub mod host;
pub mod invariants;
#[cfg(feature = "mutations")]
pub mod mutations;
pub mod network;
pub mod oracle;
pub mod payload;
pub mod plan;
pub mod published;
pub mod random;
pub mod run;
pub mod scenario;
pub mod search;
pub mod seat;
pub mod shrink;
pub mod signing;
pub mod simulation;
pub mod trace;
pub mod twins;
pub mod world;
