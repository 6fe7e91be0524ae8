//! What every command of this project tells people and programs, and how it ends.
//!
//! - [`Output`]: text for people and JSON for programs, each on its own stream; [`colour_allowed`]
//!   says whether a stream may be coloured.
//! - [`exit`]: the codes that processes end with.
//! - [`program`], [`explained`], [`quote`]: commands that people copy and type.
//! - [`table`], [`grouped`], [`decimal`]: text that is easy to read.
//! - [`plain`]: foreign text that leaves the terminal alone.

pub mod exit;

mod command;
mod numbers;
mod output;
mod plain;
mod table;

pub use command::{explained, program, quote};
pub use numbers::{decimal, grouped};
pub use output::{Output, colour_allowed};
pub use plain::plain;
pub use table::{Align, table};
