//! `ledger block N`: a committed entry.

use crate::{Answer, Query, SignedTransaction, TransactionResult};
use clap::Args;
use consensus::{EntryKind, Hash, NodeId, SignedHeader, encoding::Canonical, merkle};
use keys::Address;
use serde_json::{Value, json};
use terminal::Output;

use super::{
    connect::{Connection, Level},
    failure::{Failure, Outcome},
    setup::{Common, Setup},
    show,
};

pub const EXAMPLES: &str = "\
Examples:
  ledger block 1
  ledger block 12 --json";

#[derive(Args)]
pub struct Arguments {
    /// The entry's index; the first is 1
    index: u64,
}

pub async fn run(common: &Common, arguments: &Arguments, output: Output) -> Outcome {
    let index = arguments.index;
    if index == 0 {
        return Err(Failure::usage("there is no entry 0: indices start at 1"));
    }
    let setup = Setup::load(common)?;
    let connection = Connection::open(&setup, None)?;
    let found = connection.client.block(index, connection.left()).await;
    let found = found.map_err(|error| connection.unanswered(&error))?;
    let Some(block) = found else {
        let last = last(&connection).await?;
        return Err(Failure::usage(format!(
            "nothing is committed at index {index} yet: the last entry is {last}"
        ))
        .next(common.command(&["block", &last.to_string()])));
    };
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::unverified(format!("the nodes' entry {index} does not hold: {error}"))
    };
    let signed = SignedHeader::from_bytes(&block.header).map_err(|error| unreadable(&error))?;
    let header = &signed.header;
    let hash = header.hash(&connection.configuration);
    if header.index.0 != index || hash.0 != block.hash.0 {
        return Err(unreadable(&"it is another one than was asked for"));
    }
    let payloads: Option<Vec<&[u8]>> = block
        .payloads
        .as_ref()
        .map(|payloads| payloads.iter().map(|payload| &payload.0[..]).collect());
    if let Some(payloads) = &payloads
        && merkle::root(payloads) != header.body_root
    {
        return Err(unreadable(&"its body is not the one that its header names"));
    }
    let results = results(&connection, index, header.kind).await?;
    let network = connection.configuration.domain().network;
    let transactions: Vec<Line> = match header.kind {
        EntryKind::TermRecord => Vec::new(),
        EntryKind::Transactions => payloads
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .map(|(position, payload)| Line {
                signed: SignedTransaction::read(&network, payload).ok(),
                result: results.get(position).copied(),
            })
            .collect(),
    };
    let author = connection.name(NodeId(header.author.0));
    let kind = match header.kind {
        EntryKind::TermRecord => "term-record",
        EntryKind::Transactions => "transactions",
    };
    let name = |account: &Address| {
        let known = setup.name_of(account);
        known.unwrap_or_else(|| account.to_string())
    };
    let mut text = format!(
        "entry        {index}\n\
         hash         {hash}\n\
         previous     {}\n\
         term         {}\n\
         leader       {author}\n\
         time         {}\n\
         kind         {kind}\n\
         transactions {}",
        header.previous,
        header.term,
        show::time(header.timestamp),
        transactions.len(),
    );
    for line in &transactions {
        text.push_str(&line.text(&setup, name));
    }
    let json = json!({
        "index": index,
        "hash": hash.to_string(),
        "previous": header.previous.to_string(),
        "term": header.term.0,
        "author": author,
        "timestamp_unix_ms": header.timestamp,
        "kind": kind,
        "body_root": header.body_root.to_string(),
        "transactions": transactions.iter().map(Line::json).collect::<Vec<_>>(),
    });
    output.result(&json, &text);
    Ok(())
}

/// How far enough nodes are.
async fn last(connection: &Connection) -> Outcome<u64> {
    let admin = connection.setup.genesis.admin().address();
    let told = connection.account(admin, Level::Matching).await?;
    Ok(told.applied)
}

/// What became of the entry's transactions, if the nodes still remember.
async fn results(
    connection: &Connection,
    index: u64,
    kind: EntryKind,
) -> Outcome<Vec<TransactionResult>> {
    if kind == EntryKind::TermRecord {
        return Ok(Vec::new());
    }
    let query = Query::Block { index };
    let told = connection.ask(&query, Level::Matching).await?;
    match told.answer {
        Answer::Block(Some(block)) => Ok(block.results),
        _ => Ok(Vec::new()),
    }
}

/// A transaction of the entry.
struct Line {
    /// Unless the payload is none.
    signed: Option<SignedTransaction>,
    /// Unless it is forgotten.
    result: Option<TransactionResult>,
}

impl Line {
    fn id(&self) -> Option<Hash> {
        let signed = self.signed.as_ref();
        signed
            .map(|signed| signed.transaction.id())
            .or_else(|| self.result.map(|result| result.transaction))
    }

    fn status(&self) -> &'static str {
        self.result
            .map_or("unknown", |result| show::status(&result.outcome))
    }

    fn json(&self) -> Value {
        let signed = self.signed.as_ref();
        json!({
            "id": self.id().map(|id| id.to_string()),
            "status": self.status(),
            "rejection": self.result.map(|result| show::rejection(&result.outcome)),
            "repeats": self.result.map(|result| show::repeats(&result)),
            "transaction": signed.map(|signed| show::transaction(&signed.transaction)),
        })
    }

    fn text(&self, setup: &Setup, name: impl Fn(&Address) -> String) -> String {
        let id = self
            .id()
            .map_or_else(|| "unreadable".to_owned(), |id| id.to_string());
        let mut text = format!("\n\n{id}  {}", self.status());
        if let Some(signed) = &self.signed {
            for line in show::operations(&setup.genesis, &signed.transaction, name) {
                text.push_str("\n  ");
                text.push_str(&line);
            }
        }
        text
    }
}
