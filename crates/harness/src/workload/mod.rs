//! The clients of a run: few accounts, concurrent transfers and linearizable reads, everything
//! written down.
//!
//! Accounts are divided into groups, and money moves within a group only: each group is one object
//! for the checker. They hold so little that some transfers are refused, whose outcomes then say
//! something about the order, too.

mod bank;
mod client;
mod recorder;

pub use bank::Bank;
pub use client::{PATIENCE, Worker, ask_again, balance};
pub use recorder::{Acknowledged, Recorder, Tally};

/// Groups of accounts.
pub const GROUPS: usize = 4;
/// Accounts in a group.
pub const ACCOUNTS: usize = 3;
/// Clients of a group, each with one operation at a time.
pub const CLIENTS: usize = 3;
/// What each account begins with, in smallest units.
pub const BALANCE: u64 = 100;
