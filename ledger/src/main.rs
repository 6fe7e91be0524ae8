//! The command `ledger`: accounts, payments, receipts and evidence; and one node.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run().into()
}
