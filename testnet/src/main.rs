//! The command `testnet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    testnet::cli::run().into()
}
