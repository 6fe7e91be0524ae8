//! The command `ledger`.

mod account;
mod audit;
mod balance;
mod block;
mod connect;
mod evidence;
mod failure;
mod files;
mod lines;
mod money;
mod node;
mod parties;
mod payment;
mod reach;
mod receipt;
mod receipt_verify;
mod receipts;
mod reference;
mod refusal;
mod resend;
mod sent;
mod setup;
mod show;
mod status;
mod submit;
mod submit_interrupt;
mod submit_line;
mod submit_report;
pub mod testing;
mod transaction;
mod transfer;

use clap::{CommandFactory, Parser, Subcommand};
use terminal::{Output, arguments_of, concluded, exit::Code, program};
use tokio::{
    runtime::{Builder, Handle},
    time::{Duration, sleep},
};

use failure::{Failure, Outcome};
use setup::Common;

/// How long connections have to say goodbye. A node holds one that ended without a word for some
/// seconds, and lets a key have few.
const FAREWELL: Duration = Duration::from_millis(5);

/// Accounts, payments and their proofs in a Hawser network.
///
/// One node's word is never enough: what this program reports was said by enough nodes that at
/// least one of them is honest, or it says so.
#[derive(Parser)]
#[command(name = "ledger", version, max_term_width = 100, after_help = EXAMPLES)]
struct CommandLine {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  ledger balance alice                          # what alice holds, as f + 1 nodes say
  ledger transfer alice bob 250                 # a payment, and the proof of it
  ledger tx 8f0c…                               # what became of a transaction
  ledger receipt get 8f0c… --out receipt.json
  ledger receipt verify receipt.json            # offline, from the genesis file alone
  ledger node --data n0 --listen 0.0.0.0:4100   # run one node of a network

Exit codes: 0 done, 1 the system failed, 2 wrong use, 3 too few nodes answer or the outcome is
unknown, 4 rejected, 5 a proof does not hold, 7 no running network here, 8 a receipt holds and proves
no payment, 130 interrupted.
NO_COLOR switches colours off.";

#[derive(Subcommand)]
enum Command {
    /// List, show and open accounts
    #[command(subcommand, after_help = account::EXAMPLES)]
    Account(account::Command),
    /// What accounts hold, and how much the answer can be relied on
    #[command(after_help = balance::EXAMPLES)]
    Balance(balance::Arguments),
    /// Pay from one account to another
    #[command(aliases = ["pay", "send"], after_help = transfer::TRANSFER_EXAMPLES)]
    Transfer(transfer::TransferArguments),
    /// Create money (the admin alone)
    #[command(after_help = transfer::ISSUE_EXAMPLES)]
    Issue(transfer::IssueArguments),
    /// Make many payments, one JSON object on each line
    #[command(after_help = submit::EXAMPLES)]
    Submit(submit::Arguments),
    /// What became of a transaction
    #[command(after_help = transaction::EXAMPLES)]
    Tx(transaction::Arguments),
    /// Send a payment whose outcome is unknown once more, the very same one
    #[command(after_help = resend::EXAMPLES)]
    Resend(resend::Arguments),
    /// A committed entry and its transactions
    #[command(after_help = block::EXAMPLES)]
    Block(block::Arguments),
    /// Get receipts, and verify them offline
    #[command(subcommand, after_help = receipt::EXAMPLES)]
    Receipt(receipt::Command),
    /// Proofs that a node broke the rules
    #[command(subcommand, after_help = evidence::EXAMPLES)]
    Evidence(evidence::Command),
    /// Judge the data of stopped nodes offline; where two ledgers part, name who did it
    #[command(after_help = audit::EXAMPLES)]
    Audit(audit::Arguments),
    /// How the nodes are, in brief
    #[command(after_help = status::EXAMPLES)]
    Status,
    /// Run one node
    #[command(after_help = node::EXAMPLES)]
    Node(node::Arguments),
}

impl Command {
    /// Whether one thread is not enough.
    const fn is_heavy(&self) -> bool {
        matches!(self, Self::Node(_) | Self::Submit(_))
    }

    async fn run(self, common: &Common, output: Output) -> Outcome {
        match self {
            Self::Account(command) => account::run(common, command, output).await,
            Self::Balance(arguments) => balance::run(common, &arguments, output).await,
            Self::Transfer(arguments) => transfer::transfer(common, &arguments, output).await,
            Self::Issue(arguments) => transfer::issue(common, &arguments, output).await,
            Self::Submit(arguments) => submit::run(common, &arguments, output).await,
            Self::Tx(arguments) => transaction::run(common, &arguments, output).await,
            Self::Resend(arguments) => resend::run(common, &arguments, output).await,
            Self::Block(arguments) => block::run(common, &arguments, output).await,
            Self::Receipt(command) => receipt::run(common, command, output).await,
            Self::Evidence(command) => evidence::run(common, command, output).await,
            Self::Audit(arguments) => audit::run(common, &arguments, output),
            Self::Status => status::run(common, output).await,
            Self::Node(arguments) => node::run(common, arguments, output).await,
        }
    }
}

/// Runs the command and says how it ended.
pub fn run() -> Code {
    // Wrong use ends here, with clap's message and exit code 2.
    let CommandLine { common, command } =
        arguments_of(started_as(CommandLine::command(), &program("ledger")));
    let output = match command {
        Command::Submit(_) => Output::new(common.json).in_lines(),
        _ => Output::new(common.json),
    };
    let code = match run_command(&common, command, output) {
        Ok(()) => Code::Ok,
        Err(failure) => {
            failure.tell(output);
            failure.code
        }
    };
    concluded(output, code)
}

/// Help that names the program as the user started it: what stands there can be typed.
fn started_as(command: clap::Command, program: &str) -> clap::Command {
    examples_of(command.bin_name(program.to_owned()), program)
}

fn examples_of(command: clap::Command, program: &str) -> clap::Command {
    let help = command.get_after_help().map(ToString::to_string);
    let command = match help {
        Some(help) => {
            let named = |before: &str| format!("{before}{program} ");
            let help = help
                .replace("\n  ledger ", &named("\n  "))
                .replace("| ledger ", &named("| "))
                .replace("=debug ledger ", &named("=debug "));
            command.after_help(help)
        }
        None => command,
    };
    command.mut_subcommands(|command| examples_of(command, program))
}

fn run_command(common: &Common, command: Command, output: Output) -> Outcome {
    let mut builder = if command.is_heavy() {
        Builder::new_multi_thread()
    } else {
        Builder::new_current_thread()
    };
    let runtime = builder.enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system("start", error))?;
    let outcome = runtime.block_on(async {
        let outcome = command.run(common, output).await;
        if Handle::current().metrics().num_alive_tasks() > 0 {
            sleep(FAREWELL).await;
        }
        outcome
    });
    // A read of the standard input may still wait for a terminal.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn options_of_every_command_work_after_it_too() {
        let parse = |line: &str| CommandLine::try_parse_from(line.split(' '));
        for line in [
            "ledger --json --data d transfer alice bob 250",
            "ledger transfer alice bob 250 --json --data d --timeout 3s --client-key alice",
            "ledger receipt get 00 --out f --json --data d",
            "ledger account list --data d --json",
            "ledger submit - --json --data d",
            "ledger node --data d --listen 127.0.0.1:0",
        ] {
            let parsed = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(parsed.common.data.as_deref(), Some("d".as_ref()), "{line}");
        }
    }

    #[test]
    fn help_names_the_program_as_it_was_started() {
        let mut command = started_as(CommandLine::command(), "cargo ledger");
        command.build();
        let mut shown = vec![command.render_help().to_string()];
        for command in command.get_subcommands_mut() {
            shown.push(command.render_help().to_string());
        }
        for help in shown {
            assert!(help.contains("Usage: cargo ledger"), "{help}");
            assert!(!help.contains("\n  ledger "), "{help}");
            assert!(!help.contains("| ledger "), "{help}");
        }
    }

    #[test]
    fn a_negative_amount_is_read_as_one_and_not_as_an_option() {
        let line = ["ledger", "transfer", "alice", "bob", "-5"];
        let parsed = CommandLine::try_parse_from(line).unwrap();
        assert!(matches!(parsed.command, Command::Transfer(_)));
    }

    #[test]
    fn a_broken_command_line_is_wrong_use() {
        for line in [
            "ledger",
            "ledger transfer alice bob",
            "ledger transfer alice bob 5 --timeout soon",
            "ledger balance --consistency eventual",
            "ledger submit - --in-flight 0",
        ] {
            let Err(error) = CommandLine::try_parse_from(line.split(' ')) else {
                panic!("{line} was accepted");
            };
            assert_eq!(error.exit_code(), i32::from(Code::Usage.number()), "{line}");
        }
    }
}
