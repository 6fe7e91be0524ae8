//! The command `ledger`: accounts, payments, receipts and evidence; and one node.

use std::process::ExitCode;

fn main() -> ExitCode {
    ledger::cli::run().into()
}
