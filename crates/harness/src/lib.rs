//! Breaks a network of real processes on purpose, and checks what its clients saw.
//!
//! A [`run`] founds a network ([`cluster`]), lets clients move money and read balances
//! ([`workload`]), breaks things on a schedule drawn from a seed ([`nemesis`]), mends them, and
//! [`checks`] what the clients wrote down ([`history`], [`linearizability`]) against the nodes.
//! Nodes are this crate's own executable run again, as in the testnet.

pub mod checks;
pub mod cli;
pub mod cluster;
pub mod history;
pub mod linearizability;
pub mod nemesis;
pub mod random;
pub mod run;
pub mod stream_kills;
pub mod workload;
