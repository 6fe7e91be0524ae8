//! Hostile bytes for everything that reads what somebody else wrote.
//!
//! Each [`Target`] is a function of bytes that panics if a promise is broken: not only that no
//! input crashes a reader, but that what is accepted has one encoding, that memory follows the
//! input's length, and what else a reader promises. Three ways run them, over one corpus:
//!
//! - the test `replay` runs the corpus and a fixed number of mutations of it;
//! - `cargo run --release -p fuzzing` mutates for as long as wanted;
//! - `fuzz/run` builds the libFuzzer binary in `fuzz/libfuzzer`, which follows coverage.
//!
//! See `docs/fuzzing.md`.

pub mod campaign;
pub mod corpus;
pub mod memory;
pub mod mutation;
pub mod seeds;
pub mod target;

mod input;
mod network;
mod replicas;

pub use target::{TARGETS, Target};
