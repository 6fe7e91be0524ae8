//! `ledger submit FILE|-`: many transfers, one JSON object on each line.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use crate::{Operation, Outcome as Executed, RejectionCode, TransactionResult};
use clap::Args;
use client::{ClientError, Wait};
use consensus::{Hash, encoding::Canonical};
use serde_json::{Map, Value, json};
use terminal::{Output, exit::Code};
use tokio::{sync::Mutex, task::JoinSet};

use super::{
    connect::{Connection, Level},
    failure::{Failure, Outcome},
    lines::Lines,
    money::Unit,
    payment::{Order, check_memo, free_nonce, result_of},
    reference::Reference,
    refusal::rejected,
    setup::{Common, Setup},
    show,
    submit_line::Line,
};

pub const EXAMPLES: &str = "\
Each line is {\"from\", \"to\", \"amount\"} and, if wanted, \"asset\", \"memo\", \"reference\". Amounts
count the smallest unit; write large ones as strings. Results come as they are known, one line each,
with the line's number. Lines with a reference can be submitted again safely; without one each line
is a new payment every time.

Exit code: 0 if all were applied, 4 if some were rejected, 3 if the outcome of some is unknown, 2 if
some lines could not be read.

Examples:
  ledger submit payments.ndjson
  generate-payments | ledger submit - --json > results.ndjson
  echo '{\"from\":\"alice\",\"to\":\"bob\",\"amount\":\"250\",\"reference\":\"r1\"}' | ledger submit -";

/// A nonce that others took is replaced so often.
const ATTEMPTS: usize = 16;

#[derive(Args)]
pub struct Arguments {
    /// The file; - for the standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// How many are under way at once
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=512))]
    in_flight: u16,
}

/// How many lines ended how.
#[derive(Default)]
struct Totals {
    applied: u64,
    repeated: u64,
    rejected: u64,
    unknown: u64,
    invalid: u64,
    failed: u64,
}

impl Totals {
    const fn code(&self) -> Code {
        if self.unknown > 0 {
            Code::NoQuorum
        } else if self.rejected > 0 {
            Code::Rejected
        } else if self.failed > 0 {
            Code::Internal
        } else if self.invalid > 0 {
            Code::Usage
        } else {
            Code::Ok
        }
    }

    fn text(&self) -> String {
        format!(
            "{} applied, {} done before, {} rejected, {} of unknown outcome, {} unreadable, {} failed",
            self.applied, self.repeated, self.rejected, self.unknown, self.invalid, self.failed
        )
    }

    fn note(&mut self, end: &End) {
        match end {
            End::Done { result, .. } => match result.outcome {
                Executed::Applied if result.repeats.is_some() => self.repeated += 1,
                Executed::Applied => self.applied += 1,
                Executed::Rejected(_) => self.rejected += 1,
            },
            End::Failed(failure) => match failure.code {
                Code::Usage => self.invalid += 1,
                Code::NoQuorum | Code::TestnetState => self.unknown += 1,
                Code::Rejected => self.rejected += 1,
                _ => self.failed += 1,
            },
        }
    }
}

/// How a line ended.
enum End {
    Done {
        id: Hash,
        index: u64,
        term: u64,
        result: TransactionResult,
    },
    Failed(Failure),
}

/// The nonces of one account that nobody is known to have used.
#[derive(Default)]
struct Nonces {
    free: BTreeSet<u64>,
    taken: BTreeSet<u64>,
    applied: u64,
}

/// What all lines share.
struct Work {
    connection: Connection,
    accounts: Mutex<BTreeMap<keys::Address, Arc<Mutex<Nonces>>>>,
}

pub async fn run(common: &Common, arguments: &Arguments, output: Output) -> Outcome {
    let connection = Connection::open(&Setup::load(common)?, None)?.for_many();
    let work = Arc::new(Work {
        connection,
        accounts: Mutex::default(),
    });
    let mut lines = Lines::open(&arguments.file).await?;
    let mut payers = HashMap::new();
    let mut totals = Totals::default();
    let mut tasks: JoinSet<(u64, Option<String>, End)> = JoinSet::new();
    let unread = loop {
        let room = tasks.len() < usize::from(arguments.in_flight);
        // What is over is reported while the next line is waited for, however long that takes.
        let next = tokio::select! {
            biased;
            Some(done) = tasks.join_next() => {
                finish(done, &mut totals, output)?;
                continue;
            }
            next = lines.next(), if room => next,
        };
        let (number, line) = match next {
            Ok(Some(next)) => next,
            Ok(None) => break None,
            Err(failure) => break Some(failure),
        };
        match prepare(&work.connection, &mut payers, number, &line).await {
            Ok((order, given)) => {
                let work = Arc::clone(&work);
                tasks.spawn(async move {
                    let reference = Some(order.reference.as_str().to_owned());
                    let end = work.settle(&order).await;
                    let failed = |failure| End::Failed(doubt(failure, given));
                    (number, reference, end.unwrap_or_else(failed))
                });
            }
            Err(failure) => {
                finish(
                    Ok((number, None, End::Failed(failure))),
                    &mut totals,
                    output,
                )?;
            }
        }
    };
    while let Some(done) = tasks.join_next().await {
        finish(done, &mut totals, output)?;
    }
    match unread {
        Some(failure) => {
            output.remark(&totals.text());
            Err(failure)
        }
        None => conclude(&totals, output),
    }
}

fn conclude(totals: &Totals, output: Output) -> Outcome {
    let text = totals.text();
    match totals.code() {
        Code::Ok => {
            output.remark(&format!("{text}."));
            Ok(())
        }
        // The lines' own results say the rest, also to programs.
        code => Err(Failure::new(code, text)
            .meaning("Only what is reported as applied has moved money for certain.")
            .next("Lines with a reference can be submitted again safely.")),
    }
}

type Payers = HashMap<String, super::parties::Payer>;

/// A failure's meaning depends on whether the user named the payment.
fn doubt(failure: Failure, given: bool) -> Failure {
    if given {
        failure.under_reference()
    } else {
        failure
    }
}

/// What a line orders, and whether it gives a reference.
async fn prepare(
    connection: &Connection,
    payers: &mut Payers,
    number: u64,
    line: &[u8],
) -> Outcome<(Order, bool)> {
    let line = Line::read(number, line)?;
    let given = line.reference.is_some();
    let setup = &connection.setup;
    let unit = Unit::find(&setup.genesis, line.asset.as_deref())?;
    let amount = unit.parse(&line.amount.text())?;
    check_memo(&line.memo)?;
    let reference = match &line.reference {
        Some(text) => Reference::given(text)?,
        None => Reference::random()?,
    };
    let payer = match payers.get(&line.from) {
        Some(payer) => payer.clone(),
        None => {
            let payer = setup.payer(&line.from, None)?;
            payers.insert(line.from.clone(), payer.clone());
            payer
        }
    };
    let to = connection.address(&line.to).await;
    let to = to.map_err(|failure| doubt(failure, given))?;
    let units = amount.to_string();
    let mut repeat = vec!["transfer", &line.from, &line.to, &units];
    repeat.extend(["--asset", unit.code.as_str()]);
    if !line.memo.is_empty() {
        repeat.extend(["--memo", &line.memo]);
    }
    repeat.extend(["--reference", reference.as_str()]);
    let repeat = repeat.into_iter().map(str::to_owned).collect();
    let order = Order {
        payer,
        operations: vec![Operation::Transfer {
            to,
            asset: unit.code,
            amount,
        }],
        memo: line.memo,
        reference,
        repeat,
    };
    Ok((order, given))
}

impl Work {
    async fn nonces(&self, account: keys::Address) -> Arc<Mutex<Nonces>> {
        let mut accounts = self.accounts.lock().await;
        Arc::clone(accounts.entry(account).or_default())
    }

    /// A nonce that is free as far as is known, and how far the ledger is.
    async fn nonce(&self, order: &Order, nonces: &Mutex<Nonces>) -> Outcome<(u64, u64)> {
        let mut nonces = nonces.lock().await;
        if nonces.free.is_empty() {
            let told = self
                .connection
                .account(order.payer.account, Level::Matching)
                .await?;
            let account = told
                .answer
                .ok_or_else(|| self.connection.no_account(&order.payer.named))?;
            nonces.applied = nonces.applied.max(told.applied);
            let lowest = account.next_nonce;
            nonces.taken.retain(|nonce| *nonce >= lowest);
            let mut tried = nonces.taken.clone();
            for _ in 0..256 {
                let nonce = free_nonce(&account, &tried);
                tried.insert(nonce);
                nonces.free.insert(nonce);
            }
        }
        let nonce = nonces.free.pop_first().unwrap_or_default();
        nonces.taken.insert(nonce);
        Ok((nonce, nonces.applied))
    }

    async fn settle(&self, order: &Order) -> Outcome<End> {
        let nonces = self.nonces(order.payer.account).await;
        let network = self.connection.configuration.domain().network;
        for _ in 0..ATTEMPTS {
            let (nonce, applied) = self.nonce(order, &nonces).await?;
            let (request, _) = order.sign(network, nonce, applied);
            let id = Hash(request.transaction);
            let submitted = self.connection.client.submit_and_wait(
                request,
                Wait::Applied,
                self.connection.left(),
            );
            let done = match submitted.await {
                Ok(done) => done,
                Err(ClientError::NonceUsed { .. }) => {
                    nonces.lock().await.free.clear();
                    continue;
                }
                Err(error) => {
                    // Should it never be executed, its nonce must not hold up the others'.
                    nonces.lock().await.taken.remove(&nonce);
                    return Err(order.failure(&self.connection, &id, &error));
                }
            };
            let result = result_of(&done.result)?;
            if let Executed::Rejected(rejection) = &result.outcome {
                let mut nonces = nonces.lock().await;
                match rejection.code {
                    RejectionCode::NonceUsed | RejectionCode::NonceTooFar => {
                        // What is known of the account's nonces is out of date.
                        nonces.free.clear();
                        nonces.taken.remove(&nonce);
                        continue;
                    }
                    code if !code.uses_nonce() => {
                        nonces.taken.remove(&nonce);
                        nonces.free.insert(nonce);
                    }
                    _ => {}
                }
            }
            return Ok(End::Done {
                id,
                index: done.index,
                term: done.term,
                result,
            });
        }
        Err(rejected(&RejectionCode::NonceUsed.into()))
    }
}

type Finished = (u64, Option<String>, End);

/// Reports a line that is over.
fn finish(
    done: Result<Finished, tokio::task::JoinError>,
    totals: &mut Totals,
    output: Output,
) -> Outcome {
    let (number, reference, end) = done.map_err(|error| Failure::system("finish a line", error))?;
    totals.note(&end);
    let (mut json, text) = match end {
        End::Done {
            id,
            index,
            term,
            result,
        } => {
            let first = result.repeats.map_or(id, |earlier| earlier.transaction);
            let index = result.repeats.map_or(index, |earlier| earlier.place.index);
            let json = json!({
                "id": first.to_string(),
                "status": show::status(&result.outcome),
                "index": index,
                "term": result.repeats.is_none().then_some(term),
                "repeated": result.repeats.is_some(),
                "rejection": show::rejection(&result.outcome),
                "result": keys::to_hex(&result.to_bytes()),
            });
            let text = match &result.outcome {
                Executed::Applied => format!("applied in entry {index}  {first}"),
                Executed::Rejected(rejection) => format!("rejected: {rejection}  {first}"),
            };
            (json, text)
        }
        End::Failed(failure) => {
            let status = match failure.code {
                Code::Usage => "invalid",
                Code::Rejected => "rejected",
                _ => "unknown",
            };
            let mut object = failure.json();
            object.entry("status").or_insert_with(|| status.into());
            (
                Value::Object(object),
                format!("{status}: {}", failure.message),
            )
        }
    };
    let mut line = Map::from_iter([("line".to_owned(), number.into())]);
    line.insert("reference".to_owned(), reference.into());
    if let Value::Object(object) = &mut json {
        line.append(object);
    }
    output.line(&line, &format!("line {number}: {text}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_weighs_most() {
        let mut totals = Totals::default();
        assert_eq!(totals.code(), Code::Ok);
        totals.invalid = 1;
        assert_eq!(totals.code(), Code::Usage);
        totals.rejected = 1;
        assert_eq!(totals.code(), Code::Rejected);
        totals.unknown = 1;
        assert_eq!(totals.code(), Code::NoQuorum);
    }
}
