//! `ledger submit FILE|-`: many transfers, one JSON object on each line.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use crate::{Operation, Outcome as Executed, RejectionCode};
use clap::Args;
use client::{ClientError, Wait};
use consensus::Hash;
use terminal::{Output, exit::Code, unsaid};
use tokio::{
    sync::Mutex,
    time::{Duration, sleep},
};

use super::{
    connect::{Connection, Level},
    failure::{Failure, Outcome},
    lines::Lines,
    money::Unit,
    payment::{Basis, Order, check_memo, free_nonce, refused_for, result_of, salt},
    reference::Reference,
    refusal::rejected,
    setup::{Common, Setup},
    submit_interrupt::{Event, UnderWay},
    submit_line::Line,
    submit_report::{End, Totals, finish},
};

pub const EXAMPLES: &str = "\
Each line is {\"from\", \"to\", \"amount\"} and, if wanted, \"asset\", \"memo\", \"reference\". Amounts
count the smallest unit; write large ones as strings. Results come as they are known, one line each,
with the line's number: many lines are under way together, and a later one may be carried out first.
With --in-flight 1 they keep their order. Lines with a reference can be submitted again safely; without
one each line is a new payment every time.

The status of a line is applied, rejected, invalid, unknown (it may still be carried out, once) or
unsent (this call did not send it). When too few nodes answer, or the results cannot be printed, no
further line is sent. Neither is it after Ctrl-C: what is under way is waited for, unless Ctrl-C is
pressed again.

Exit code: 0 if all were applied, 4 if some were rejected, 3 if some are unknown or unsent, 2 if some
lines could not be read, 1 if the results could not be printed, 130 after Ctrl-C.

Examples:
  ledger submit payments.ndjson
  generate-payments | ledger submit - --json > results.ndjson
  echo '{\"from\":\"alice\",\"to\":\"bob\",\"amount\":\"250\",\"reference\":\"r1\"}' | ledger submit -";

/// After this, it is said which nodes are waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// A nonce that others took is replaced so often.
const ATTEMPTS: usize = 16;

#[derive(Args)]
pub struct Arguments {
    /// The file; - for the standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// How many are under way at once, 1 to 512
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=512))]
    in_flight: u16,
}

/// The nonces of one account that nobody is known to have used.
#[derive(Default)]
struct Nonces {
    free: BTreeSet<u64>,
    taken: BTreeSet<u64>,
    applied: u64,
    opened: Hash,
}

/// What all lines share.
struct Work {
    connection: Connection,
    accounts: Mutex<BTreeMap<keys::Address, Arc<Mutex<Nonces>>>>,
    /// What was seen when too few nodes answered: nothing is sent any more.
    gone: OnceLock<Failure>,
}

pub async fn run(common: &Common, arguments: &Arguments, output: Output) -> Outcome {
    let connection = Connection::open(&Setup::load(common)?, None)?.for_many();
    let work = Arc::new(Work {
        connection,
        accounts: Mutex::default(),
        gone: OnceLock::new(),
    });
    let mut lines = Lines::open(&arguments.file).await?;
    let mut payers = HashMap::new();
    let mut totals = Totals::default();
    let mut under_way = UnderWay::new()?;
    let (mut last, mut told) = (0, false);
    let unread = loop {
        if work.gone.get().is_some() || unsaid().is_some() {
            break None;
        }
        let under_way_now = under_way.tasks.len();
        let room = under_way_now < usize::from(arguments.in_flight);
        // What is over is reported while the next line is waited for, however long that takes.
        let next = tokio::select! {
            biased;
            Some(event) = under_way.next() => match event {
                Event::Over(done) => {
                    finish(*done, &mut totals, output)?;
                    continue;
                }
                Event::Interrupt => {
                    under_way.interrupted = true;
                    break None;
                }
            },
            next = lines.next(), if room => next,
            () = sleep(PATIENCE), if !told && under_way_now > 0 => {
                told = work.say_who_answers(output).await;
                continue;
            }
        };
        let (number, line) = match next {
            Ok(Some(next)) => next,
            Ok(None) => break None,
            Err(failure) => break Some(failure),
        };
        last = number;
        match prepare(&work.connection, &mut payers, number, &line).await {
            Ok((order, given)) => {
                let work = Arc::clone(&work);
                let reference = order.reference.as_ref();
                let reference = reference.map(|reference| reference.as_str().to_owned());
                under_way.begin(number, reference, async move {
                    match work.settle(&order).await {
                        Ok(end) => end,
                        Err(failure) => {
                            work.note_absence(&failure).await;
                            End::Failed(doubt(failure, given))
                        }
                    }
                });
            }
            Err(failure) => {
                work.note_absence(&failure).await;
                finish(
                    Ok((number, None, End::Failed(failure))),
                    &mut totals,
                    output,
                )?;
            }
        }
    };
    under_way.drain(&mut totals, output).await?;
    if unsaid().is_some() {
        output.aside(&format!(
            "{}. Nothing after line {last} was sent.",
            totals.text()
        ));
        return Err(Failure::after_result(Code::Internal));
    }
    if under_way.interrupted {
        let seen = Failure::new(Code::Interrupted, "Ctrl-C");
        return Err(stopped(&totals, last, &seen));
    }
    if let Some(failure) = work.gone.get() {
        let seen = Failure {
            code: Code::NoQuorum,
            ..failure.clone()
        };
        return Err(stopped(&totals, last, &seen));
    }
    match unread {
        Some(failure) => {
            output.remark(&totals.text());
            Err(failure)
        }
        None => conclude(&totals, output),
    }
}

/// Too few nodes answered to go on, or nobody wanted to.
fn stopped(totals: &Totals, last: u64, seen: &Failure) -> Failure {
    let next =
        "Submit again what was not sent. Lines with a reference can all be submitted again safely.";
    let next = match &seen.next {
        Some(first) => format!("{first}\n  {next}"),
        None => next.to_owned(),
    };
    let message = format!(
        "stopped after line {last}: {}; {}",
        seen.message,
        totals.text()
    );
    Failure::new(seen.code, message)
        .meaning(format!(
            "Only what is reported as applied has moved money for certain, what is unknown may \
             still do so. What is unsent, and every line after line {last}, was not sent."
        ))
        .next(next)
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
    let reference = line.reference.as_deref().map(Reference::given);
    let reference = reference.transpose()?;
    let payer = match payers.get(&line.from) {
        Some(payer) => payer.clone(),
        None => {
            let payer = match setup.payer(&line.from, None) {
                Ok(payer) => payer,
                Err(failure) if failure.code == Code::Usage && setup.party(&line.from).is_ok() => {
                    return Err(connection.unsigned(&line.from, failure).await);
                }
                Err(failure) => return Err(failure),
            };
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
    let repeat = match &reference {
        Some(reference) => {
            repeat.extend(["--reference", reference.as_str()]);
            repeat.into_iter().map(str::to_owned).collect()
        }
        None => Vec::new(),
    };
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
        salt: salt()?,
    };
    Ok((order, given))
}

impl Work {
    /// Notes that too few nodes are left to commit anything, if that is behind a failure.
    async fn note_absence(&self, failure: &Failure) {
        if matches!(failure.code, Code::NoQuorum | Code::TestnetState) && self.missing().await > 0 {
            // The first one was seen first.
            let _ = self.gone.set(failure.clone());
        }
    }

    /// How many more nodes would have to answer for anything to be committed.
    async fn missing(&self) -> usize {
        let quorum = self.connection.configuration.sizes().quorum();
        let reachable = self
            .connection
            .client
            .wait_connected(quorum, Duration::ZERO);
        quorum.saturating_sub(reachable.await)
    }

    /// Says what is waited for, if it is nodes.
    async fn say_who_answers(&self, output: Output) -> bool {
        let missing = self.missing().await;
        if missing > 0 {
            output.aside(&format!(
                "Too few nodes answer at the moment, {missing} more are needed: waiting for them …"
            ));
        }
        missing > 0
    }

    async fn nonces(&self, account: keys::Address) -> Arc<Mutex<Nonces>> {
        let mut accounts = self.accounts.lock().await;
        Arc::clone(accounts.entry(account).or_default())
    }

    /// A nonce that is free as far as is known, and what else a transaction is made with.
    async fn nonce(&self, order: &Order, nonces: &Mutex<Nonces>) -> Outcome<(u64, Basis)> {
        let mut nonces = nonces.lock().await;
        if let Some(failure) = self.gone.get() {
            let seen = Failure::new(Code::NoQuorum, failure.message.clone());
            return Err(seen.unsent());
        }
        if nonces.free.is_empty() {
            let told = self
                .connection
                .account(order.payer.account, Level::Matching)
                .await;
            let told = match told {
                Ok(told) => told,
                Err(failure) => {
                    // Before the next line, which waits for the lock, asks the same.
                    self.note_absence(&failure).await;
                    return Err(failure);
                }
            };
            let account = told
                .answer
                .ok_or_else(|| self.connection.no_account(&order.payer.named))?;
            nonces.applied = nonces.applied.max(told.applied);
            nonces.opened = account.opened;
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
        let basis = Basis {
            opened: nonces.opened,
            applied: nonces.applied,
            since: 0,
        };
        Ok((nonce, basis))
    }

    async fn settle(&self, order: &Order) -> Outcome<End> {
        let nonces = self.nonces(order.payer.account).await;
        let network = self.connection.configuration.domain().network;
        for _ in 0..ATTEMPTS {
            let looked = order.look_for_reference(&self.connection).await?;
            let (nonce, basis) = self.nonce(order, &nonces).await?;
            let basis = Basis {
                since: looked.since,
                ..basis
            };
            let (request, _) = order.sign(network, nonce, &basis);
            let id = Hash(request.transaction);
            let submitted = self.connection.client.submit_and_wait(
                request,
                Wait::Applied,
                self.connection.left(),
            );
            let done = match submitted.await {
                Ok(done) => done,
                Err(ClientError::NotAdmitted { result, .. })
                    if matches!(
                        refused_for(&result),
                        Some(RejectionCode::NonceUsed | RejectionCode::NonceTooFar)
                    ) =>
                {
                    // What is known of the account's nonces is out of date.
                    let mut nonces = nonces.lock().await;
                    nonces.free.clear();
                    nonces.taken.remove(&nonce);
                    continue;
                }
                Err(error) => {
                    // Should it never be executed, its nonce must not hold up the others'.
                    nonces.lock().await.taken.remove(&nonce);
                    return Err(order.failure(&self.connection, &id, &error));
                }
            };
            let result = result_of(&done.result)?;
            match (&result.outcome, result.repeats) {
                (Executed::Repeat, None) => {
                    // Another transaction settled it: what is known of the account's nonces is out
                    // of date.
                    nonces.lock().await.free.clear();
                    continue;
                }
                (Executed::Rejected(rejection), _) => {
                    if !rejection.code.uses_nonce() {
                        let mut nonces = nonces.lock().await;
                        nonces.taken.remove(&nonce);
                        nonces.free.insert(nonce);
                    }
                    if rejection.code == RejectionCode::ReferenceTooOld {
                        match looked.taken {
                            Some(taken) => {
                                return Err(order.taken_long_ago(&self.connection, &taken));
                            }
                            None => continue,
                        }
                    }
                }
                _ => {}
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
