//! A disk for tests, with a volatile cache, crashes and faults. Nothing but tests uses it.

mod file;
mod memory_disk;
mod random;

pub use memory_disk::{CrashOutcome, MemoryDisk};
pub use random::Random;
