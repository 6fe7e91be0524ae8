//! `cargo model`: checks the rules of the byzantine mode, exhaustively where that can be done and
//! by random walks where it cannot.

mod command;

use std::process::ExitCode;

use clap::Parser;
use command::Command;
use terminal::exit::Code;

/// Explores a compact model of the byzantine mode's rules: docs/model.md says what it covers.
///
/// Exit code 6: a rule was broken where it must hold, or held where it must be noticed as broken.
#[derive(Debug, Parser)]
#[command(name = "cargo model", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    terminal::end_unread();
    match terminal::arguments::<Arguments>().command.run() {
        Ok(code) => code.into(),
        Err(message) => {
            eprintln!("error: {message}");
            Code::Usage.into()
        }
    }
}
