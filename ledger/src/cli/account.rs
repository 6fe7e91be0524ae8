//! `ledger account`: lists, shows and opens accounts.

use crate::{
    Answer, Operation, Query, RejectionCode, limits::ACCOUNTS_PER_ANSWER, query::AccountAnswer,
};
use clap::{Args, Subcommand};
use consensus::PublicKey;
use keys::{Address, check_name};
use serde_json::{Value, json};
use terminal::{Align, Output, explained, table};

use super::{
    balance::{amounts, balances, reliance},
    connect::{Connection, Level, Told, unexpected},
    failure::{Failure, Outcome, missing},
    parties::{ADMIN, Party},
    payment::{Order, Until},
    refusal::rejected,
    setup::{Common, Setup},
};

pub const EXAMPLES: &str = "\
Examples:
  ledger account list
  ledger account show alice --json
  ledger account new erin                 # makes a key, and the admin opens its account
  ledger account new erin --key hwk1…     # opens the account of somebody else's key";

#[derive(Subcommand)]
pub enum Command {
    /// The accounts of the ledger
    List(ListArguments),
    /// One account: address, key, balances, next nonce
    Show(ShowArguments),
    /// Open an account: makes a key, and has the admin enter it in the ledger
    New(NewArguments),
}

#[derive(Args)]
pub struct ListArguments {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    /// How much the answer must be relied on
    #[arg(long, value_name = "LEVEL", default_value = "matching")]
    consistency: Level,
}

#[derive(Args)]
pub struct ShowArguments {
    /// The account's name or address
    #[arg(value_name = "NAME|ADDRESS")]
    account: String,
    /// How much the answer must be relied on
    #[arg(long, value_name = "LEVEL", default_value = "matching")]
    consistency: Level,
}

#[derive(Args)]
pub struct NewArguments {
    /// The account's name: 1 to 32 of a-z, 0-9, _ and -
    name: String,
    /// The account's public key, hwk1… [default: that of DIR/keys/NAME.pem, made if it is missing]
    #[arg(long, value_name = "PUBLIC-KEY")]
    key: Option<String>,
}

pub async fn run(common: &Common, command: Command, output: Output) -> Outcome {
    let setup = Setup::load(common)?;
    match command {
        Command::List(arguments) => list(&setup, &arguments, output).await,
        Command::Show(arguments) => show(&setup, &arguments, output).await,
        Command::New(arguments) => new(&setup, &arguments, output).await,
    }
}

async fn list(setup: &Setup, arguments: &ListArguments, output: Output) -> Outcome {
    let connection = Connection::open(setup, None)?;
    let level = arguments.consistency;
    let mut found: Vec<AccountAnswer> = Vec::new();
    let (mut applied, mut nodes) = (0, Vec::new());
    let mut after: Option<Address> = None;
    let mut ended = false;
    while found.len() < arguments.limit && !ended {
        let left = arguments.limit - found.len();
        let limit = u32::try_from(left).unwrap_or(u32::MAX);
        let limit = limit.min(ACCOUNTS_PER_ANSWER);
        let query = Query::Accounts { after, limit };
        let told = connection.ask(&query, level).await?;
        let Answer::Accounts(page) = told.answer else {
            return Err(unexpected());
        };
        (applied, nodes) = (told.applied, told.nodes);
        ended = page.is_empty();
        after = page.last().map(|account| account.account).or(after);
        found.extend(page);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|account| {
            let held: Vec<String> = amounts(setup, account)
                .into_iter()
                .map(|(unit, amount)| format!("{} {}", unit.decimal(amount), unit.code))
                .collect();
            vec![
                name_of(setup, account).unwrap_or_else(|| "-".to_owned()),
                account.account.to_string(),
                held.join(", "),
                if holds_key(setup, account) { "yes" } else { "" }.to_owned(),
            ]
        })
        .collect();
    let told = Told {
        answer: (),
        applied,
        nodes,
    };
    let mut text = table(
        &[
            ("name", Align::Left),
            ("address", Align::Left),
            ("balances", Align::Left),
            ("key here", Align::Left),
        ],
        &rows,
    );
    if !ended {
        text.push_str(&format!(
            "\nThe first {}; more with --limit.",
            arguments.limit
        ));
    }
    text.push('\n');
    text.push_str(&reliance(&connection, level, &told));
    let accounts: Vec<Value> = found
        .iter()
        .map(|account| described(setup, account))
        .collect();
    let json = json!({
        "accounts": accounts,
        "complete": ended,
        "consistency": level.as_str(),
        "nodes": connection.names(&told.nodes),
        "applied": applied,
    });
    output.result(&json, &text);
    Ok(())
}

async fn show(setup: &Setup, arguments: &ShowArguments, output: Output) -> Outcome {
    let connection = Connection::open(setup, None)?;
    let level = arguments.consistency;
    let told = connection.find(&arguments.account, level).await;
    let told = told.map_err(Failure::of_a_question)?;
    let account = &told.answer;
    let held: Vec<String> = amounts(setup, account)
        .into_iter()
        .map(|(unit, amount)| unit.text(amount))
        .collect();
    let mut json = described(setup, account);
    if let Value::Object(object) = &mut json {
        object.insert("consistency".to_owned(), level.as_str().into());
        object.insert("nodes".to_owned(), connection.names(&told.nodes).into());
        object.insert("applied".to_owned(), told.applied.into());
    }
    let text = format!(
        "name         {}\n\
         address      {}\n\
         public key   {}\n\
         balances     {}\n\
         next nonce   {}\n\
         admin        {}\n\
         key here     {}\n\
         {}",
        name_of(setup, account).unwrap_or_else(|| "-".to_owned()),
        account.account,
        account.key,
        held.join(", "),
        account.next_nonce,
        if account.admin { "yes" } else { "no" },
        if holds_key(setup, account) {
            "yes"
        } else {
            "no"
        },
        reliance(&connection, level, &told),
    );
    output.result(&json, &text);
    Ok(())
}

fn name_of(setup: &Setup, account: &AccountAnswer) -> Option<String> {
    let listed = account.name.clone();
    listed.or_else(|| setup.name_of(&account.account))
}

/// Whether the key that may act for the account is here, under its name.
fn holds_key(setup: &Setup, account: &AccountAnswer) -> bool {
    let keys = setup.silent_keys();
    let side = name_of(setup, account).and_then(|name| keys.public_side(&name).ok());
    side.is_some_and(|side| side.key == account.key)
}

fn described(setup: &Setup, account: &AccountAnswer) -> Value {
    json!({
        "name": name_of(setup, account),
        "account": account.account.to_string(),
        "key": account.key.to_string(),
        "opened": account.opened.to_string(),
        "balances": balances(setup, account),
        "next_nonce": account.next_nonce,
        "used_ahead": account.used_ahead,
        "admin": account.admin,
        "key_here": holds_key(setup, account),
    })
}

async fn new(setup: &Setup, arguments: &NewArguments, output: Output) -> Outcome {
    let common = &setup.common;
    let name = arguments.name.as_str();
    check_name(name)?;
    let public = match &arguments.key {
        Some(text) => text.parse().map_err(|error| {
            Failure::usage(format!("{text:?} is no public key of an account: {error}"))
        })?,
        None => match setup.keys.public_side(name) {
            Ok(side) => side.key,
            Err(error) if missing(&error) => setup.keys.create(name)?.public_key(),
            Err(error) => return Err(error.into()),
        },
    };
    let address = public.address();
    let admin = setup.payer(ADMIN, None).map_err(|failure| {
        failure
            .known("account", address.to_string())
            .known("key", public.to_string())
            .meaning(format!(
                "The key is there ({public}), but the account is not open yet."
            ))
            .next(explained(
                &common.command(&["account", "new", name, "--key", &public.to_string()]),
                "for the admin to run",
            ))
    })?;
    let connection = Connection::open(setup, Some(&admin.key))?;
    let order = Order {
        payer: admin,
        operations: vec![Operation::OpenAccount {
            key: PublicKey(*public.as_bytes()),
            name: Some(name.to_owned()),
        }],
        memo: String::new(),
        // It needs none: no account is opened twice.
        reference: None,
        salt: 0,
        repeat: ["account", "new", name, "--key", &public.to_string()]
            .map(str::to_owned)
            .to_vec(),
    };
    let settled = order.settle(&connection, Until::Applied).await?;
    let mut open_already = false;
    if let Some(rejection) = settled.rejection() {
        // By an earlier call, or in genesis.
        open_already = rejection.code == RejectionCode::AccountExists
            && is_open(&connection, name, address).await?;
    }
    if let Some(rejection) = settled.rejection().filter(|_| !open_already) {
        let failure = rejected(&rejection)
            .meaning("The account was not opened.")
            .known("account", address.to_string());
        return Err(failure);
    }
    let file = match setup.party(name) {
        Ok(Party::Known(_)) => setup.keys.path(name).ok().filter(|path| path.is_file()),
        _ => None,
    };
    output.result(
        &json!({
            "name": name,
            "account": address.to_string(),
            "key": public.to_string(),
            "id": settled.id.to_string(),
            "status": if open_already { "applied" } else { settled.status() },
            "index": settled.index,
            "term": settled.term,
            "repeated": open_already,
            "file": file.as_ref().map(|file| file.display().to_string()),
        }),
        &format!(
            "The account {name} is open{}: {address}\n  \
             public key  {public}\n  \
             key file    {}",
            if open_already { " already" } else { "" },
            file.map_or_else(|| "not here".to_owned(), |file| file.display().to_string()),
        ),
    );
    match payer_for(setup, address) {
        Some(payer) => output.next(&common.command(&["transfer", &payer, name, "250"])),
        None => output.next(&common.command(&["issue", name, "250"])),
    }
    Ok(())
}

/// An account of genesis whose key is here and that could pay the new one.
fn payer_for(setup: &Setup, new: Address) -> Option<String> {
    let keys = setup.silent_keys();
    let mut accounts = setup.genesis.accounts().iter();
    let payer = accounts.find(|account| {
        let side = keys.public_side(&account.name);
        account.address() != new && side.is_ok_and(|side| side.key == account.key)
    });
    payer.map(|account| account.name.clone())
}

/// Whether the account of that address is open under that name.
async fn is_open(connection: &Connection, name: &str, address: Address) -> Outcome<bool> {
    let told = connection.account(address, Level::Matching).await?;
    let found = told.answer;
    Ok(found.is_some_and(|found| name_of(&connection.setup, &found).as_deref() == Some(name)))
}
