//! A local network of real processes: start it, break it, measure it, compare its modes.
//!
//! [`network`] knows the folder, the processes and their health; [`control`] is how a node is
//! steered; [`traitor`] holds the ways in which it can betray; [`compare`] measures the modes
//! beside each other and [`report`] draws what it found. Nodes are this crate's own executable run
//! again ([`node_process`]).

pub mod balance;
pub mod cli;
pub mod compare;
pub mod control;
pub mod failure;
pub mod history;
pub mod interrupt;
pub mod network;
pub mod node_process;
pub mod report;
pub mod supervisor;
pub mod traitor;
