//! The command `keys`: makes and shows key files, writes and shows genesis files.

mod command_line;

use std::process::ExitCode;

fn main() -> ExitCode {
    command_line::run().into()
}
