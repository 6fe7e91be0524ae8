//! The command line.

mod check;
mod clean;
mod kills;
mod list;
mod run;
mod soak;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};
use terminal::{Output, arguments, concluded, exit::Code};
use testnet::{failure::Outcome, node_process};

/// Breaks a network of real processes on purpose, and checks what its clients saw.
///
/// Concurrent clients move money and read balances while nodes are killed, paused, cut off, turned
/// into traitors or lose their disks. Then the history must be linearizable, all correct nodes must
/// hold the same ledger, nothing acknowledged may be lost, and money must be conserved.
#[derive(Parser)]
#[command(name = "harness", version, max_term_width = 100, after_help = EXAMPLES)]
struct CommandLine {
    /// JSON alone on standard output, text for people on standard error
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cargo harness list                                   what can be broken, and what cannot here
  cargo harness run                                    a minute of everything, mode byzantine
  cargo harness run --mode raft --nemesis kill,pause   some of it
  cargo harness run --seed 7 --nemesis power-loss      the same schedule again
  cargo harness check history.jsonl                    a kept history once more
  cargo harness kills --count 1000                     a writer killed in the middle of large batches
  cargo harness soak --hours 8                         all modes, over and over, with totals

Exit codes: 0 all held, 1 the system failed, 2 wrong use, 6 something did not hold, 130 stopped by
Ctrl-C. A run that ends with 6 keeps its folder. RUST_LOG says what nodes log.";

#[derive(Subcommand)]
enum Command {
    /// Run one network through a schedule of faults, and check it
    #[command(after_help = run::NOTES)]
    Run(run::Arguments),
    /// Run one network after another until the time is over, and print totals
    Soak(soak::Arguments),
    /// List what can be broken, and what cannot on this machine
    List(list::Arguments),
    /// Kill a process in the middle of large writes to its disk, over and over, and open what it left
    Kills(kills::Arguments),
    /// Check the history that a run kept once more
    Check(check::Arguments),
    /// Take down and remove what earlier runs left
    Clean(clean::Arguments),
    /// Write batches until killed (what `kills` kills)
    #[command(hide = true)]
    Writer(kills::Writer),
    /// Run one node (what a run starts)
    #[command(hide = true)]
    Node {
        /// The node's folder
        #[arg(long)]
        directory: PathBuf,
        /// Where it listens, if not on the loopback interface
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
}

/// Runs the command and says how it ended.
#[must_use]
pub fn run() -> Code {
    // Wrong use ends here, with clap's message and exit code 2.
    let CommandLine { json, command } = arguments();
    let output = Output::new(json).coloured();
    let result: Outcome<Code> = match command {
        Command::Run(arguments) => run::run(&arguments, &output),
        Command::Soak(arguments) => soak::run(&arguments, &output),
        Command::Kills(arguments) => kills::run(&arguments, &output),
        Command::Writer(arguments) => kills::writer(&arguments),
        Command::List(arguments) => list::run(&arguments, &output),
        Command::Check(arguments) => check::run(&arguments, &output),
        Command::Clean(arguments) => clean::run(&arguments, &output),
        Command::Node { directory, listen } => {
            node_process::run(&directory, listen).map(|()| Code::Ok)
        }
    };
    let code = match result {
        Ok(code) => code,
        Err(failure) => {
            failure.tell(output);
            failure.code
        }
    };
    concluded(output, code)
}
