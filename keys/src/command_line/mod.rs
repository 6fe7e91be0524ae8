//! Command line.

mod change_passphrase;
mod failure;
mod generate;
mod genesis;
mod identity;
mod init;
mod list;
mod parties;
mod show;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use keys::{KeyStore, PassphraseSource, data_directory};
use terminal::{Output, arguments, concluded, exit::Code, program, quote};

use failure::Failure;

/// Key files and genesis files of a Hawser network.
///
/// A key is an Ed25519 key pair in a file that only you can read. It can be an account's (address
/// hw1…, public key hwk1…) or a validator's (hwv1…).
#[derive(Parser)]
#[command(name = "keys", version, max_term_width = 100, after_help = EXAMPLES)]
struct CommandLine {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  keys gen alice                     make a key, in .hawser/keys/alice.pem
  keys gen admin --passphrase        make a key that is locked by a passphrase
  keys change-passphrase alice       lock a key, or lock it by another passphrase
  keys show alice                    its address and public keys
  keys list --json                   all keys, for a program
  keys init n0                       make a node's directory, .hawser/n0
  keys genesis --mode raft \\
    --validator n0@127.0.0.1:4100 --account alice:USD=100000
                                     a genesis from the directory n0 and the keys alice and admin
  keys genesis show genesis.json     what a genesis says, and the network's id

Exit codes: 0 done, 1 the system failed, 2 wrong use, 5 a file does not hold what it should.
NO_COLOR switches colours off.";

#[derive(Args)]
struct Common {
    /// The network's data directory [default: $HAWSER_DATA, else .hawser in the workspace]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder of the key files [default: keys in the data directory]
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The file that holds the passphrase of a locked key [default: $HAWSER_PASSPHRASE_FILE, else
    /// it is asked for]
    #[arg(long, global = true, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// JSON alone on standard output, text for people on standard error
    #[arg(long, global = true)]
    json: bool,
}

impl Common {
    fn data(&self) -> PathBuf {
        data_directory(self.data.clone())
    }

    fn store(&self) -> KeyStore {
        let store = match &self.dir {
            Some(directory) => KeyStore::new(directory),
            None => KeyStore::in_data_directory(self.data.clone()),
        };
        store.with_passphrases(self.passphrases())
    }

    /// Where the passphrases of locked keys come from.
    fn passphrases(&self) -> PassphraseSource {
        PassphraseSource::file_or_usual(self.passphrase_file.clone())
    }

    /// A command of this program as the user would type it, with the folders chosen this time.
    fn command(&self, words: &[&str]) -> String {
        let mut command = vec![program("keys")];
        command.extend(words.iter().map(|word| quote(word)));
        for (option, folder) in [("--data", &self.data), ("--dir", &self.dir)] {
            if let Some(folder) = folder {
                command.push(option.to_owned());
                command.push(quote(&folder.to_string_lossy()));
            }
        }
        command.join(" ")
    }
}

#[derive(Subcommand)]
enum Command {
    /// Make a new key
    #[command(alias = "generate", after_help = generate::EXAMPLES)]
    Gen(generate::Arguments),
    /// Show a key's address and public keys, never the secret
    #[command(after_help = show::EXAMPLES)]
    Show(show::Arguments),
    /// List the keys
    List,
    /// Lock a key by a passphrase, or by another one
    #[command(after_help = change_passphrase::EXAMPLES)]
    ChangePassphrase(change_passphrase::Arguments),
    /// Make a node's directory: its key, and what tells it from every other
    #[command(after_help = init::EXAMPLES)]
    Init(init::Arguments),
    /// Write a genesis file, or show one
    #[command(after_help = genesis::EXAMPLES)]
    Genesis(genesis::Arguments),
}

/// Runs the command and says how it ended.
pub fn run() -> Code {
    // Wrong use ends here, with clap's message and exit code 2.
    let CommandLine { common, command } = arguments();
    let output = Output::new(common.json).coloured();
    let result: Result<(), Failure> = match command {
        Command::Gen(arguments) => generate::run(&common, &arguments, &output),
        Command::Show(arguments) => show::run(&common, &arguments, &output),
        Command::List => list::run(&common, &output),
        Command::ChangePassphrase(arguments) => {
            change_passphrase::run(&common, &arguments, &output)
        }
        Command::Init(arguments) => init::run(&common, &arguments, &output),
        Command::Genesis(arguments) => genesis::run(&common, arguments, &output),
    };
    let code = match result {
        Ok(()) => Code::Ok,
        Err(failure) => {
            failure.tell(output);
            failure.code
        }
    };
    concluded(output, code)
}
