//! `keys genesis` and `keys genesis show`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use keys::genesis::FORMAT;
use keys::{
    Access, Address, Asset, ClientChecks, FileError, Genesis, GenesisError, GenesisFile, Mode,
    Overwrite, PublicKey, Validator, to_hex,
};
use serde::Serialize;
use std::collections::BTreeMap;
use terminal::{Output, exit::Code, program, quote};

use super::Common;
use super::failure::Failure;
use super::parties::{KeyReader, asset};

pub const EXAMPLES: &str = "\
A validator is KEY/INCARNATION as `keys init` printed it on the validator's machine, or the directory
that was made on this one; left out, it is the directory NAME. Any other KEY is a public key (hwk1… or
64 hexadecimal digits) or the name of a key file in --dir; left out, it is the key file NAME. An AMOUNT
counts the asset's smallest unit: USD=100000 with two decimals is 1,000.00.

Examples:
  keys genesis --validator n0@10.0.0.1:4100 --validator n1@10.0.0.2:4100 \\
    --validator n2@10.0.0.3:4100 --validator n3@10.0.0.4:4100 \\
    --account alice:USD=100000 --account bob --admin admin --out genesis.json
  keys genesis --mode raft --validator n0=hwv1…/3f…@127.0.0.1:4100 --admin hwk1…
  keys genesis show genesis.json";

#[derive(Args)]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<GenesisCommand>,
    #[command(flatten)]
    create: CreateArguments,
}

#[derive(Subcommand)]
enum GenesisCommand {
    /// Check a genesis file and show its id, mode, validators and accounts
    Show {
        /// The file [default: genesis.json in the data directory]
        file: Option<PathBuf>,
    },
}

#[derive(Args)]
struct CreateArguments {
    /// How the validators agree: raft, raft-signed or byzantine
    #[arg(long, default_value_t = Mode::Byzantine)]
    mode: Mode,
    /// Who checks clients' signatures: leader or all [default: leader in mode raft, else all]
    #[arg(long, value_name = "WHO")]
    client_checks: Option<ClientChecks>,
    /// Who may connect as a client: members (accounts, the admin, validators, readers) or anybody
    #[arg(long, value_name = "WHO", default_value_t = Access::Members)]
    access: Access,
    /// A key without an account that may connect and read, where members alone may
    #[arg(long = "reader", value_name = "KEY")]
    readers: Vec<String>,
    /// A validator; give them in the order in which they shall lead
    #[arg(
        long = "validator",
        value_name = "NAME[=KEY/INCARNATION]@ADDRESS",
        required = true
    )]
    validators: Vec<String>,
    /// An account with its first balances
    #[arg(long = "account", value_name = "NAME[=KEY][:ASSET=AMOUNT]…")]
    accounts: Vec<String>,
    /// The key that may change the network and issue assets
    #[arg(long, value_name = "KEY", default_value = "admin")]
    admin: String,
    /// An asset and its decimal places
    #[arg(
        long = "asset",
        value_name = "CODE[:DECIMALS]",
        default_value = "USD:2"
    )]
    assets: Vec<String>,
    /// The network's name
    #[arg(long, value_name = "NAME", default_value = "local")]
    network: String,
    /// The founding time in milliseconds since 1970 [default: now]; fixes the network's id
    #[arg(long, value_name = "MS")]
    created_unix_ms: Option<u64>,
    /// The file to write [default: genesis.json in the data directory]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file; nodes that ran with the old one will refuse the new one
    #[arg(long)]
    force: bool,
}

/// What is shown of a genesis.
#[derive(Serialize)]
struct Summary<'a> {
    file: String,
    id: String,
    format: u32,
    network: &'a str,
    mode: Mode,
    client_checks: ClientChecks,
    access: Access,
    created_unix_ms: u64,
    validators: &'a [Validator],
    admin: &'a PublicKey,
    assets: &'a [Asset],
    accounts: Vec<AccountSummary<'a>>,
    readers: &'a [PublicKey],
}

#[derive(Serialize)]
struct AccountSummary<'a> {
    name: &'a str,
    address: Address,
    key: &'a PublicKey,
    /// Amounts as strings, as in the file.
    balances: BTreeMap<&'a str, String>,
}

pub fn run(common: &Common, arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let default = || common.data().join("genesis.json");
    match arguments.command {
        Some(GenesisCommand::Show { file }) => show(common, &file.unwrap_or_else(default), output),
        None => {
            let out = arguments.create.out.clone().unwrap_or_else(default);
            create(common, &arguments.create, &out, output)
        }
    }
}

fn create(
    common: &Common,
    arguments: &CreateArguments,
    out: &Path,
    output: &Output,
) -> Result<(), Failure> {
    let reader = KeyReader::new(common);
    let content = GenesisFile {
        format: FORMAT,
        network: arguments.network.clone(),
        mode: arguments.mode,
        client_checks: arguments.client_checks,
        access: arguments.access,
        created_unix_ms: match arguments.created_unix_ms {
            Some(time) => time,
            None => now()?,
        },
        validators: arguments
            .validators
            .iter()
            .map(|text| reader.validator(text))
            .collect::<Result<_, _>>()?,
        admin: reader.public_key(&arguments.admin)?,
        assets: arguments
            .assets
            .iter()
            .map(|text| asset(text))
            .collect::<Result<_, _>>()?,
        accounts: arguments
            .accounts
            .iter()
            .map(|text| reader.account(text))
            .collect::<Result<_, _>>()?,
        readers: arguments
            .readers
            .iter()
            .map(|text| reader.public_key(text))
            .collect::<Result<_, _>>()?,
    };
    // What the command line asked for is wrong here, not a file.
    let genesis = Genesis::new(content).map_err(|error| {
        Failure::usage(error.to_string()).next(format!(
            "For the options and examples: {}",
            common.command(&["genesis", "--help"])
        ))
    })?;
    let overwrite = if arguments.force {
        Overwrite::Replace
    } else {
        Overwrite::Refuse
    };
    let shown = out.to_string_lossy();
    let show_command = common.command(&["genesis", "show", &shown]);
    genesis.store(out, overwrite).map_err(|error| {
        let there = matches!(error, GenesisError::File(FileError::Exists(_)));
        let failure = Failure::from(error);
        if there {
            failure.next(format!(
                "To see it: {show_command}\n  To replace it, repeat the command with --force"
            ))
        } else {
            failure
        }
    })?;
    let summary = summary(&genesis, out);
    output.result(&summary, &text(&summary));
    output.next(&show_command);
    Ok(())
}

fn show(common: &Common, file: &Path, output: &Output) -> Result<(), Failure> {
    let genesis = Genesis::load(file).map_err(|error| {
        let absent = matches!(error, GenesisError::File(FileError::NotFound(_)));
        let mut failure = Failure::from(error);
        if failure.code == Code::VerificationFailed {
            failure.message = format!("{}: {}", file.display(), failure.message);
        }
        if absent {
            failure.next(format!(
                "To write one: {}",
                common.command(&["genesis", "--help"])
            ))
        } else {
            failure
        }
    })?;
    let summary = summary(&genesis, file);
    output.result(&summary, &text(&summary));
    output.next(&node_command(&genesis, file));
    Ok(())
}

/// The command that runs the first validator on its machine.
fn node_command(genesis: &Genesis, file: &Path) -> String {
    let data = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    format!(
        "{} node --data {} --listen {}",
        program("ledger"),
        quote(&data.to_string_lossy()),
        genesis.validators()[0].address
    )
}

fn now() -> Result<u64, Failure> {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .ok_or_else(|| {
            Failure::usage("this machine's clock stands before 1970")
                .next("Set the clock, or give --created-unix-ms")
        })
}

fn summary<'a>(genesis: &'a Genesis, file: &Path) -> Summary<'a> {
    Summary {
        file: file.display().to_string(),
        id: to_hex(&genesis.id()),
        format: genesis.content().format,
        network: genesis.network(),
        mode: genesis.mode(),
        client_checks: genesis.client_checks(),
        access: genesis.access(),
        created_unix_ms: genesis.created_unix_ms(),
        validators: genesis.validators(),
        admin: genesis.admin(),
        assets: genesis.assets(),
        accounts: genesis
            .accounts()
            .iter()
            .map(|account| AccountSummary {
                name: &account.name,
                address: account.address(),
                key: &account.key,
                balances: account
                    .balances
                    .iter()
                    .map(|(code, amount)| (code.as_str(), amount.to_string()))
                    .collect(),
            })
            .collect(),
        readers: genesis.readers(),
    }
}

fn text(summary: &Summary<'_>) -> String {
    let Summary {
        file,
        id,
        network,
        mode,
        client_checks,
        access,
        created_unix_ms,
        validators,
        admin,
        assets,
        accounts,
        readers,
        ..
    } = summary;
    let mut text = format!(
        "genesis        {file}\n\
         network        {network}\n\
         id             {id}\n\
         mode           {mode}, clients' signatures checked by {client_checks}\n\
         access         {access}\n\
         created        {created_unix_ms} ms since 1970\n\
         admin          {admin}\n\
         validators     {}",
        validators.len()
    );
    let width = validators
        .iter()
        .map(|validator| validator.name.len())
        .chain(accounts.iter().map(|account| account.name.len()))
        .max()
        .unwrap_or(0);
    // Writing to a string cannot fail.
    for Validator {
        name,
        key,
        incarnation,
        address,
    } in *validators
    {
        let _ = write!(text, "\n  {name:width$}  {key}/{incarnation}  {address}");
    }
    let _ = write!(text, "\nassets         {}", assets.len());
    for Asset { code, decimals } in *assets {
        let _ = write!(text, "\n  {code}, {decimals} decimals");
    }
    let _ = write!(text, "\naccounts       {}", accounts.len());
    for account in accounts {
        let _ = write!(text, "\n  {:width$}  {}", account.name, account.address);
        for (code, amount) in &account.balances {
            let _ = write!(text, "  {code} {amount}");
        }
    }
    if !readers.is_empty() {
        let _ = write!(text, "\nreaders        {}", readers.len());
        for reader in *readers {
            let _ = write!(text, "\n  {reader}");
        }
    }
    text
}
