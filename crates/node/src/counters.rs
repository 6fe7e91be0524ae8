//! What was done so far.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::status::KindCount;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: usize) {
        self.0.fetch_add(amount as u64, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Messages by kind.
#[derive(Debug, Default)]
pub(crate) struct Kinds(Mutex<BTreeMap<&'static str, (u64, u64)>>);

impl Kinds {
    pub(crate) fn add(&self, kind: &'static str, count: usize, bytes: usize) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kinds.entry(kind).or_default();
        entry.0 += count as u64;
        entry.1 += bytes as u64;
    }

    pub(crate) fn read(&self) -> Vec<KindCount> {
        let kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kinds
            .iter()
            .map(|(&kind, &(count, bytes))| KindCount {
                kind: kind.to_owned(),
                count,
                bytes,
            })
            .collect()
    }
}

/// All counters of a node.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) sent: Kinds,
    pub(crate) received: Kinds,
    pub(crate) refused: Counter,
    pub(crate) node_signatures: Counter,
    pub(crate) node_signatures_cached: Counter,
    pub(crate) client_signatures: Counter,
    pub(crate) client_signatures_cached: Counter,
    pub(crate) syncs: Counter,
    pub(crate) writes: Counter,
    pub(crate) entries: Counter,
    pub(crate) transactions: Counter,
}

/// Processor time that this process used so far, in microseconds.
pub(crate) fn processor_micros() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let micros = time.tv_sec * 1_000_000 + time.tv_nsec / 1_000;
    u64::try_from(micros).unwrap_or(0)
}
