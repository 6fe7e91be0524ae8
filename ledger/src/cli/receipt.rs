//! `ledger receipt`: gets receipts, and judges them offline.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use client::ClientError;
use serde_json::json;
use terminal::{Output, exit::Code, explained};

use super::{
    connect::Connection,
    failure::{Failure, Outcome},
    files, receipt_verify,
    receipts::{self, Gathered},
    setup::{Common, Setup},
    transaction::parse_id,
};

pub const EXAMPLES: &str = "\
A receipt proves a payment to somebody who has the genesis file and nothing else. What it can prove
depends on the network's mode, and `verify` says it: in byzantine mode place, commit and result; in
raft-signed that a majority acknowledged it; in raft, where no node signs anything, only that the
payer signed it. `verify` ends with 0 only if the receipt proves that the payment was applied: with 4
if it was rejected or is a repeat, and with 8 if the receipt holds but does not prove what became of
it, as always in the Raft modes.

Examples:
  ledger receipt get 8f0c… --out receipt.json
  ledger receipt verify receipt.json
  ledger receipt verify receipt.json --genesis their-genesis.json --json";

#[derive(Subcommand)]
pub enum Command {
    /// Ask the nodes for a transaction's receipt, and check it
    Get(GetArguments),
    /// Check a receipt offline, step by step; exit code 0 only if it proves that the payment was made
    Verify(receipt_verify::Arguments),
}

#[derive(Args)]
pub struct GetArguments {
    /// The transaction's id: 64 hexadecimal digits
    id: String,
    /// The file to write; with - the standard output
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub async fn run(common: &Common, command: Command, output: Output) -> Outcome {
    match command {
        Command::Get(arguments) => get(common, &arguments, output).await,
        Command::Verify(arguments) => receipt_verify::run(common, &arguments, output),
    }
}

async fn get(common: &Common, arguments: &GetArguments, output: Output) -> Outcome {
    let id = parse_id(&arguments.id)?;
    let setup = Setup::load(common)?;
    let connection = Connection::open(&setup, None)?;
    let gathered = match receipts::ask(&connection, id, connection.left()).await {
        Ok(gathered) => gathered,
        Err(ClientError::NoMatch { answers, .. }) if answers > 0 => {
            Gathered::Missing("no node remembers the transaction".to_owned())
        }
        Err(error) => return Err(connection.unanswered(&error)),
    };
    let (Some(receipt), Some(verified)) = (gathered.receipt(), gathered.verified()) else {
        let missing = gathered.missing().unwrap_or("no node has it");
        return Err(Failure::new(
            Code::NoQuorum,
            format!("there is no receipt for {id}: {missing}"),
        )
        .next(explained(
            &common.command(&["tx", &id.to_string()]),
            "what became of it",
        )));
    };
    if arguments.out.as_os_str() == "-" {
        output.result(&gathered.json(), receipt.to_json().trim_end());
        return Ok(());
    }
    files::write(&arguments.out, receipt.to_json().as_bytes())?;
    let file = arguments.out.display().to_string();
    output.result(
        &json!({
            "id": id.to_string(),
            "file": file,
            "index": verified.place.index,
            "term": verified.term.0,
            "receipt": gathered.json(),
            "receipt_missing": gathered.missing(),
        }),
        &format!("Wrote {file}: {}.", gathered.text()),
    );
    output.next(&common.command(&["receipt", "verify", &file]));
    Ok(())
}
