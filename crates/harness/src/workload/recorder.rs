//! Where clients write down what they did.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde::Serialize;

use crate::history::{Answer, Operation, Record};

/// A transfer whose outcome the network said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its id.
    pub transaction: [u8; 32],
    /// The index of the entry that executed it.
    pub index: u64,
    /// Whether it was applied; refused otherwise.
    pub applied: bool,
}

/// How many operations ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Transfers that were applied.
    pub applied: u64,
    /// Transfers that were refused for lack of money.
    pub rejected: u64,
    /// Transfers whose outcome stayed unknown.
    pub unknown: u64,
    /// Reads that were answered.
    pub reads: u64,
    /// Reads without an answer in time.
    pub reads_unanswered: u64,
    /// Acknowledged transfers that were sent once more and answered as before.
    pub repeats: u64,
}

#[derive(Default)]
struct Notes {
    records: Vec<Record>,
    acknowledged: Vec<Acknowledged>,
    repeats: u64,
}

/// See the module.
pub struct Recorder {
    start: Instant,
    notes: Mutex<Notes>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            notes: Mutex::default(),
        }
    }
}

impl Recorder {
    /// Nanoseconds since the run began, on a monotonic clock.
    #[must_use]
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an operation down.
    pub fn record(&self, record: Record) {
        self.notes().records.push(record);
    }

    /// Writes down what the network promised to keep.
    pub fn acknowledge(&self, acknowledged: Acknowledged) {
        self.notes().acknowledged.push(acknowledged);
    }

    /// Counts a transfer that was sent once more and answered as before.
    pub fn repeated(&self) {
        self.notes().repeats += 1;
    }

    /// The clients that have had a transfer acknowledged that they called at that time or later.
    #[must_use]
    pub fn progressed(&self, since: u64) -> Vec<usize> {
        let notes = self.notes();
        let known = |record: &&Record| {
            record.invoked >= since
                && matches!(record.operation, Operation::Transfer { .. })
                && matches!(record.answer, Answer::Applied | Answer::Insufficient)
        };
        let mut clients: Vec<usize> = notes
            .records
            .iter()
            .filter(known)
            .map(|record| record.client)
            .collect();
        clients.sort_unstable();
        clients.dedup();
        clients
    }

    /// Everything written down so far.
    #[must_use]
    pub fn contents(&self) -> (Vec<Record>, Vec<Acknowledged>) {
        let notes = self.notes();
        (notes.records.clone(), notes.acknowledged.clone())
    }

    /// How many operations ended how.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let notes = self.notes();
        let mut tally = Tally {
            repeats: notes.repeats,
            ..Tally::default()
        };
        for record in &notes.records {
            let counter = match (record.operation, &record.answer) {
                (Operation::Transfer { .. }, Answer::Applied) => &mut tally.applied,
                (Operation::Transfer { .. }, Answer::Insufficient) => &mut tally.rejected,
                (Operation::Transfer { .. }, _) => &mut tally.unknown,
                (Operation::Balance { .. }, Answer::Balance(_)) => &mut tally.reads,
                (Operation::Balance { .. }, _) => &mut tally.reads_unanswered,
            };
            *counter += 1;
        }
        tally
    }
}
