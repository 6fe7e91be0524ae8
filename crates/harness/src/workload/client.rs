//! One client: it draws an operation, waits for its outcome, writes it down, and goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use client::{Client, ClientError, Consistency, SignedRequest, Wait};
use consensus::encoding::Canonical;
use keys::to_hex;
use ledger::{Answer as LedgerAnswer, Outcome, RejectionCode, TransactionResult};

use super::{ACCOUNTS, Acknowledged, Bank, Recorder};
use crate::{
    history::{Answer, Operation, Record},
    random::Random,
};

/// How long a client usually waits for a transfer. Longer than most faults last, so that few
/// outcomes stay unknown: each of those makes the checker's work harder.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// How long an impatient one does, in one of ten cases.
const IMPATIENCE: Duration = Duration::from_millis(700);
/// How long it waits for a transfer that was acknowledged before: most nodes are asked only after a
/// second.
const REPEAT_PATIENCE: Duration = Duration::from_secs(3);
/// How long a read may take.
const READ_PATIENCE: Duration = Duration::from_secs(5);
/// So many transfers of unknown outcome may be open for each client before it is patient only.
const OPEN: usize = 3;
/// Between two operations of a client, in milliseconds.
const THINKING: (u64, u64) = (10, 110);

/// A client at work.
pub struct Worker {
    /// Its connections.
    pub client: Client,
    /// The accounts.
    pub bank: Arc<Bank>,
    /// Where it writes.
    pub recorder: Arc<Recorder>,
    /// Its number.
    pub number: usize,
    /// Its group.
    pub group: usize,
    /// What it draws from.
    pub random: Random,
}

/// A transfer that was sent.
struct Sent {
    request: SignedRequest,
    record: Record,
}

impl Worker {
    /// Works until told to stop, and returns the transfers whose outcome is unknown. Half of them
    /// are asked after once more when all is well again; the others stay unknown for ever.
    pub async fn run(mut self, stop: Arc<AtomicBool>) {
        let mut open = Vec::new();
        let mut last: Option<(SignedRequest, Answer)> = None;
        while !stop.load(Relaxed) {
            let pause = self.random.between(THINKING.0, THINKING.1);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match self.random.between(0, 99) {
                0..=39 => self.read().await,
                40..=44 => {
                    if let Some((request, answer)) = &last {
                        self.repeat(request.clone(), answer).await;
                    }
                }
                _ => {
                    let sent = self.transfer(open.len() < OPEN).await;
                    if sent.record.answer == Answer::Unknown {
                        open.push(sent);
                    } else {
                        last = Some((sent.request, sent.record.answer.clone()));
                        self.recorder.record(sent.record);
                    }
                }
            }
        }
        for mut sent in open {
            if self.random.percent(50) {
                let (answer, index) = self.submit(sent.request, PATIENCE).await;
                sent.record.returned = self.recorder.now();
                (sent.record.answer, sent.record.index) = (answer, index);
            }
            self.recorder.record(sent.record);
        }
    }

    async fn read(&mut self) {
        let account = self.random.position(ACCOUNTS);
        let record = balance(
            &self.client,
            &self.bank,
            &self.recorder,
            (self.group, self.number),
            account,
        );
        self.recorder.record(record.await);
    }

    async fn transfer(&mut self, may_be_impatient: bool) -> Sent {
        let from = self.random.position(ACCOUNTS);
        let to = (from + 1 + self.random.position(ACCOUNTS - 1)) % ACCOUNTS;
        let amount = self.random.between(1, 60);
        let impatient = self.random.percent(10) && may_be_impatient;
        let request = self.bank.transfer(self.group, from, to, amount);
        let invoked = self.recorder.now();
        let patience = if impatient { IMPATIENCE } else { PATIENCE };
        let (answer, index) = self.submit(request.clone(), patience).await;
        let record = Record {
            group: self.group,
            client: self.number,
            invoked,
            returned: self.recorder.now(),
            operation: Operation::Transfer { from, to, amount },
            answer,
            transaction: Some(to_hex(&request.transaction)),
            index,
        };
        Sent { request, record }
    }

    /// Sends a transfer and notes what the network promises.
    async fn submit(&self, request: SignedRequest, patience: Duration) -> (Answer, Option<u64>) {
        let (answer, index) = ask_again(&self.client, &request, patience).await;
        if let (Some(index), Answer::Applied | Answer::Insufficient) = (index, &answer) {
            self.recorder.acknowledge(Acknowledged {
                transaction: request.transaction,
                index,
                applied: answer == Answer::Applied,
            });
        }
        (answer, index)
    }

    /// Sends an acknowledged transfer again: it must not be executed twice, and the answer must be
    /// that of the first time (P6.5).
    async fn repeat(&mut self, request: SignedRequest, before: &Answer) {
        let transaction = Some(to_hex(&request.transaction));
        let invoked = self.recorder.now();
        let (answer, index) = ask_again(&self.client, &request, REPEAT_PATIENCE).await;
        if answer == *before {
            self.recorder.repeated();
        } else if answer != Answer::Unknown {
            self.recorder.record(Record {
                group: self.group,
                client: self.number,
                invoked,
                returned: self.recorder.now(),
                operation: Operation::Balance { account: 0 },
                answer: Answer::Unexpected(format!(
                    "a transfer that was answered with {before:?} is answered with {answer:?} when \
                     it is sent again"
                )),
                transaction,
                index,
            });
        }
    }
}

/// Sends a transfer, perhaps not for the first time, and waits for its outcome.
pub async fn ask_again(
    client: &Client,
    request: &SignedRequest,
    patience: Duration,
) -> (Answer, Option<u64>) {
    let submitted = client.submit_and_wait(request.clone(), Wait::Applied, patience);
    match submitted.await {
        Ok(outcome) => {
            let answer = match TransactionResult::from_bytes(&outcome.result) {
                Ok(result) => meaning(result.outcome),
                Err(error) => Answer::Unexpected(format!("the result cannot be read: {error}")),
            };
            (answer, Some(outcome.index))
        }
        Err(
            error @ (ClientError::Invalid(_)
            | ClientError::UnderWay
            | ClientError::TooLarge(_)
            | ClientError::Size(_)
            | ClientError::Local(_)),
        ) => (Answer::Unexpected(error.to_string()), None),
        Err(ClientError::NotAdmitted { result, .. }) => {
            let answer = match TransactionResult::from_bytes(&result) {
                Ok(result) => meaning(result.outcome),
                Err(error) => Answer::Unexpected(format!("the result cannot be read: {error}")),
            };
            (answer, None)
        }
        Err(_) => (Answer::Unknown, None),
    }
}

fn meaning(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Applied => Answer::Applied,
        Outcome::Repeat => {
            Answer::Unexpected("its nonce was settled by another transfer".to_owned())
        }
        Outcome::Rejected(rejection) if rejection.code == RejectionCode::InsufficientFunds => {
            Answer::Insufficient
        }
        Outcome::Rejected(rejection) => Answer::Unexpected(rejection.to_string()),
    }
}

/// A linearizable read by a client of a group.
pub async fn balance(
    client: &Client,
    bank: &Bank,
    recorder: &Recorder,
    (group, number): (usize, usize),
    account: usize,
) -> Record {
    let question = bank.question(group, account);
    let invoked = recorder.now();
    let asked = client.query(&question, Consistency::Linearizable, READ_PATIENCE);
    let answer = match asked.await {
        Err(_) => Answer::Unknown,
        Ok(answer) => match LedgerAnswer::from_bytes(&answer.bytes) {
            Ok(LedgerAnswer::Balance(Some(balance))) => Answer::Balance(balance),
            other => Answer::Unexpected(format!("a balance was asked for, and {other:?} came")),
        },
    };
    Record {
        group,
        client: number,
        invoked,
        returned: recorder.now(),
        operation: Operation::Balance { account },
        answer,
        transaction: None,
        index: None,
    }
}
