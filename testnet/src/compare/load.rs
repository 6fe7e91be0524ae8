//! The clients: as many transfers as the network takes, or a fixed rate of them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use client::{Client, Completion, Load, LoadOptions, Wait};
use consensus::encoding::Canonical;
use ledger::{Outcome as LedgerOutcome, TransactionResult};
use tokio::task::JoinSet;

use super::{book::Book, statistics::Latencies};
use crate::interrupt::Interrupts;

/// After this a transfer counts as unanswered, which fails the run's audit.
const PATIENCE: Duration = Duration::from_secs(20);
/// Transfers under way at most while the rate is fixed. Far more than a healthy network lets wait.
const OPEN_LOOP_OUTSTANDING: usize = 4096;

/// The clients of a run, each with connections and accounts of its own.
pub struct Clients {
    book: Arc<Book>,
    clients: Vec<(Client, Vec<usize>)>,
    unanswered: Arc<AtomicU64>,
    first_problem: Arc<Mutex<Option<String>>>,
}

/// What came back during a stretch of load.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// When each transfer was answered, in microseconds since the start, and its latency.
    answers: Vec<(u64, u32)>,
}

impl Samples {
    /// The latencies of what was answered within a span of the stretch.
    #[must_use]
    pub fn latencies(&self, span: std::ops::Range<Duration>) -> Latencies {
        Latencies::new(self.within(span).map(|(_, latency)| latency).collect())
    }

    /// When transfers were answered within a span, in microseconds from its start.
    pub fn moments(&self, span: std::ops::Range<Duration>) -> impl Iterator<Item = u64> {
        let start = micros(span.start);
        self.within(span).map(move |(moment, _)| moment - start)
    }

    fn within(&self, span: std::ops::Range<Duration>) -> impl Iterator<Item = (u64, u32)> {
        let (start, end) = (micros(span.start), micros(span.end));
        let answers = self.answers.iter().copied();
        answers.filter(move |(moment, _)| (start..end).contains(moment))
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl Clients {
    /// Divides the book's accounts among these clients.
    #[must_use]
    pub fn new(book: Arc<Book>, clients: Vec<Client>) -> Self {
        let count = clients.len();
        let clients: Vec<(Client, Vec<usize>)> = clients
            .into_iter()
            .enumerate()
            .map(|(number, client)| {
                let own: Vec<usize> = (number..book.len()).step_by(count).collect();
                client.watch(&book.identities(own.iter().copied()));
                (client, own)
            })
            .collect();
        Self {
            book,
            clients,
            unanswered: Arc::default(),
            first_problem: Arc::default(),
        }
    }

    /// How many transfers were not answered as applied, and what was wrong with the first.
    #[must_use]
    pub fn problems(&self) -> (u64, Option<String>) {
        let first = self
            .first_problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (self.unanswered.load(Relaxed), first.clone())
    }

    fn loads(&self, outstanding: usize, start: Instant) -> (Vec<Load>, Arc<Mutex<Samples>>) {
        let samples: Arc<Mutex<Samples>> = Arc::default();
        let each = outstanding.div_ceil(self.clients.len()).max(1);
        let loads = self.clients.iter().map(|(client, _)| {
            let options = LoadOptions {
                outstanding: each,
                wait: Wait::Applied,
                timeout: PATIENCE,
                ..LoadOptions::default()
            };
            let (book, samples) = (Arc::clone(&self.book), Arc::clone(&samples));
            let (unanswered, first) = (
                Arc::clone(&self.unanswered),
                Arc::clone(&self.first_problem),
            );
            client.load(options, move |completion| match judge(&completion) {
                Ok(()) => {
                    book.applied(&completion.request);
                    let latency = u32::try_from(completion.latency.as_micros()).unwrap_or(u32::MAX);
                    let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
                    samples.answers.push((micros(start.elapsed()), latency));
                }
                Err(problem) => {
                    unanswered.fetch_add(1, Relaxed);
                    let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(problem);
                }
            })
        });
        (loads.collect(), samples)
    }

    /// Keeps `outstanding` transfers under way for a while, each signed when there is room for
    /// it, and waits until all are answered. `at` is called at these moments from the start.
    pub async fn saturate(
        &self,
        outstanding: usize,
        span: Duration,
        interrupts: &Interrupts,
        mut at: impl FnMut(Duration),
        moments: &[Duration],
    ) -> Samples {
        let start = Instant::now();
        let (loads, samples) = self.loads(outstanding, start);
        let stop = Arc::new(AtomicBool::new(false));
        let mut senders = JoinSet::new();
        for (load, (_, own)) in loads.iter().zip(&self.clients) {
            let (load, own) = (load.clone(), own.clone());
            let (book, stop) = (Arc::clone(&self.book), Arc::clone(&stop));
            senders.spawn(async move {
                for turn in 0.. {
                    if stop.load(Relaxed) {
                        break;
                    }
                    load.submit(book.next_request(own[turn % own.len()])).await;
                }
            });
        }
        let mut left = moments.iter().peekable();
        while start.elapsed() < span && !interrupts.any() {
            if let Some(&&moment) = left.peek()
                && start.elapsed() >= moment
            {
                at(moment);
                left.next();
            }
            let next = left.peek().map_or(span, |&&moment| moment.min(span));
            let pause = next
                .saturating_sub(start.elapsed())
                .min(Duration::from_millis(100));
            tokio::time::sleep(pause).await;
        }
        for moment in left {
            at(*moment);
        }
        stop.store(true, Relaxed);
        while senders.join_next().await.is_some() {}
        for load in &loads {
            load.drained().await;
        }
        take(&samples)
    }

    /// Sends transfers at a fixed rate, whatever comes back, and waits until all are answered.
    /// Their latency counts from when they were due.
    pub async fn at_rate(&self, rate: u32, span: Duration, interrupts: &Interrupts) -> Samples {
        let start = Instant::now();
        let (loads, samples) = self.loads(OPEN_LOOP_OUTSTANDING, start);
        let pace = Pace {
            loads: loads.clone(),
            owns: self.clients.iter().map(|(_, own)| own.clone()).collect(),
            book: Arc::clone(&self.book),
            interrupts: interrupts.clone(),
        };
        // A thread of its own: the runtime's timers are only as fine as the latencies measured.
        let sender = tokio::task::spawn_blocking(move || pace.send(rate, start, span));
        if let Err(error) = sender.await {
            let mut first = self
                .first_problem
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(error.to_string());
        }
        for load in &loads {
            load.drained().await;
        }
        take(&samples)
    }
}

/// Sends at a fixed rate.
struct Pace {
    loads: Vec<Load>,
    /// The accounts of each load's client.
    owns: Vec<Vec<usize>>,
    book: Arc<Book>,
    interrupts: Interrupts,
}

impl Pace {
    fn send(&self, rate: u32, start: Instant, span: Duration) {
        let pause = Duration::from_secs(1) / rate.max(1);
        let mut due = start;
        for turn in 0_usize.. {
            if due.duration_since(start) >= span || self.interrupts.any() {
                return;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let client = turn % self.loads.len();
            let own = &self.owns[client];
            let request = self
                .book
                .next_request(own[(turn / self.loads.len()) % own.len()]);
            let load = &self.loads[client];
            if let Err(request) = load.try_submit(request, due.into()) {
                // The network is slower than the rate. What waits for a place is late, and that
                // shows in the figures of everything after it.
                tokio::runtime::Handle::current().block_on(load.submit(request));
            }
            due += pause;
        }
    }
}

fn take(samples: &Mutex<Samples>) -> Samples {
    std::mem::take(&mut *samples.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether enough nodes said that the transfer was applied.
fn judge(completion: &Completion) -> Result<(), String> {
    let outcome = completion.outcome.as_ref().map_err(ToString::to_string)?;
    let result =
        TransactionResult::from_bytes(&outcome.result).map_err(|error| error.to_string())?;
    match result.outcome {
        LedgerOutcome::Applied => Ok(()),
        LedgerOutcome::Repeat => Err("a transfer is said to repeat another".to_owned()),
        LedgerOutcome::Rejected(rejection) => Err(rejection.to_string()),
    }
}
