//! What every command of this project tells people and programs, and how it ends.
//!
//! - [`Output`]: text for people and JSON for programs, each on its own stream; [`colour_allowed`]
//!   says whether a stream may be coloured.
//! - [`exit`]: the codes that processes end with; [`concluded`]: none of them says *done* of what
//!   could not be printed; [`end_unread`] is for those that print with `println!`.
//! - [`arguments`]: the command line, and what is wrong with it in words of this project.
//! - [`program`], [`explained`], [`quote`]: commands that people copy and type.
//! - [`table`], [`grouped`], [`decimal`]: text that is easy to read.
//! - [`parse_span`], [`show_span`]: spans of time, the same for all.
//! - [`plain`]: foreign text that leaves the terminal alone.

pub mod exit;

mod command;
mod command_line;
mod numbers;
mod output;
mod plain;
mod said;
mod span;
mod table;

pub use command::{explained, program, quote};
pub use command_line::{arguments, arguments_of};
pub use numbers::{counted, decimal, grouped};
pub use output::{Output, colour_allowed};
pub use plain::plain;
pub use said::{concluded, end_unread, note_written, unsaid};
pub use span::{LONGEST_SPAN, parse_span, show_span};
pub use table::{Align, table};
