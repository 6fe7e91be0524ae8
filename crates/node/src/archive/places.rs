//! Where every transaction stands in the log: an index on disk, in bounded memory.
//!
//! Rows of 32 bytes, sorted, in a few files. What is new is collected in memory; when that is full
//! a thread of its own writes it as one sorted run, and merges runs of like size, so that their
//! number grows with the logarithm of the transactions (a log-structured merge tree that never
//! deletes). Every start makes it anew, since every start executes the log again: nothing of it
//! must survive a crash, and nothing is synced.

mod run;

use std::{
    collections::{HashMap, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use run::{NAME_BYTES, Row, Run, name_of};

use crate::limits::{INDEX_FRESH_ROWS, INDEX_FROZEN};

/// An entry's index, and a position in it.
pub(super) type Place = (u64, u32);

type Rows = HashMap<[u8; NAME_BYTES], Place>;

/// The index. What is added is found from then on; of two places of one name, the first.
pub(super) struct Places {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    directory: PathBuf,
    /// Rows that are collected before a run is made of them.
    rows: usize,
}

#[derive(Default)]
struct State {
    fresh: Rows,
    /// Full, and on their way to a run; the oldest first.
    frozen: VecDeque<Arc<Rows>>,
    /// The largest first.
    runs: Vec<Arc<Run>>,
    made: u64,
    failed: Option<String>,
    closed: bool,
}

impl Places {
    /// An empty index in an empty directory.
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        Self::with_rows(directory, INDEX_FRESH_ROWS)
    }

    fn with_rows(directory: &Path, rows: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            directory: directory.to_owned(),
            rows,
        });
        let of_thread = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("index".to_owned())
            .spawn(move || of_thread.write_runs())?;
        Ok(Self {
            shared,
            writer: Some(writer),
        })
    }

    /// Notes a place. Waits if the disk is far behind.
    pub(super) fn add(&self, name: &[u8; 32], place: Place) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.fresh.entry(name_of(name)).or_insert(place);
        if state.fresh.len() < self.shared.rows {
            return Ok(());
        }
        while state.frozen.len() >= INDEX_FROZEN && state.failed.is_none() {
            state = self.shared.wait(state);
        }
        if let Some(reason) = &state.failed {
            return Err(io::Error::other(reason.clone()));
        }
        let full = std::mem::take(&mut state.fresh);
        state.frozen.push_back(Arc::new(full));
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// The first place that was noted under a name.
    pub(super) fn find(&self, name: &[u8; 32]) -> io::Result<Option<Place>> {
        let name = name_of(name);
        let (mut found, frozen, runs) = {
            let state = self.shared.lock();
            let fresh = state.fresh.get(&name).copied();
            (fresh, state.frozen.clone(), state.runs.clone())
        };
        for rows in frozen {
            found = earlier(found, rows.get(&name).copied());
        }
        for run in runs {
            found = earlier(found, run.find(&name)?);
        }
        Ok(found)
    }
}

fn earlier(one: Option<Place>, other: Option<Place>) -> Option<Place> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        if let Some(writer) = self.writer.take() {
            // It ends after the run at hand; what it has not written is of no use any more.
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write_runs(&self) {
        loop {
            let (full, number) = {
                let mut state = self.lock();
                loop {
                    if state.closed {
                        return;
                    }
                    if let Some(full) = state.frozen.front() {
                        let full = Arc::clone(full);
                        state.made += 1;
                        break (full, state.made);
                    }
                    state = self.wait(state);
                }
            };
            if let Err(error) = self.write(&full, number).and_then(|()| self.merge()) {
                self.lock().failed = Some(error.to_string());
                self.changed.notify_all();
                return;
            }
        }
    }

    fn write(&self, full: &Rows, number: u64) -> io::Result<()> {
        let mut rows: Vec<Row> = full
            .iter()
            .map(|(name, place)| Row::new(*name, *place))
            .collect();
        rows.sort_unstable();
        let run = Run::write(self.path(number), rows.into_iter().map(Ok))?;
        let mut state = self.lock();
        state.runs.push(Arc::new(run));
        state.frozen.pop_front();
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Merges the last runs until each is at least twice as large as the next.
    fn merge(&self) -> io::Result<()> {
        loop {
            let (first, second, number) = {
                let mut state = self.lock();
                let [.., first, second] = &state.runs[..] else {
                    return Ok(());
                };
                if state.closed || first.rows() >= 2 * second.rows() {
                    return Ok(());
                }
                let both = (Arc::clone(first), Arc::clone(second));
                state.made += 1;
                (both.0, both.1, state.made)
            };
            let merged = Run::merge(self.path(number), &first, &second)?;
            let mut state = self.lock();
            let kept = state.runs.len().saturating_sub(2);
            state.runs.truncate(kept);
            state.runs.push(Arc::new(merged));
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("run-{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u64) -> [u8; 32] {
        consensus::hashing::tagged_hash("test", &[&number.to_le_bytes()]).0
    }

    /// Until everything full stands in runs, and no two of them are of like size.
    fn settle(places: &Places) {
        let uneven = |state: &State| {
            let pairs = || state.runs.windows(2);
            state.frozen.is_empty() && pairs().all(|two| two[0].rows() >= 2 * two[1].rows())
        };
        let mut state = places.shared.lock();
        while !uneven(&state) {
            assert_eq!(state.failed, None);
            let waited = places
                .shared
                .changed
                .wait_timeout(state, std::time::Duration::from_millis(1));
            state = waited.unwrap().0;
        }
    }

    #[test]
    fn everything_is_found_at_its_first_place_in_few_runs() {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::with_rows(directory.path(), 64).unwrap();
        for number in 0..10_000 {
            places.add(&name(number), (number + 1, 7)).unwrap();
            // A repeat, long after and in the same run.
            let repeated = number / 2;
            places.add(&name(repeated), (number + 2, 0)).unwrap();
        }
        for _ in 0..2 {
            for number in 0..10_000 {
                let found = places.find(&name(number)).unwrap();
                assert_eq!(found, Some((number + 1, 7)), "{number}");
            }
            for number in 10_000..10_100 {
                assert_eq!(places.find(&name(number)).unwrap(), None);
            }
            settle(&places);
        }
        let state = places.shared.lock();
        assert!(state.runs.len() <= 10, "{}", state.runs.len());
        let files = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(files, state.runs.len(), "merged runs are removed");
    }

    #[test]
    fn a_disk_that_fails_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::with_rows(&directory.path().join("absent"), 1).unwrap();
        let failed = (0..100).find_map(|number| places.add(&name(number), (1, 0)).err());
        assert!(failed.is_some());
    }
}
