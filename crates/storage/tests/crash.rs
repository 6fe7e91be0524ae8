//! A loss of power at every disk operation of a workload, with every kind of outcome.

mod common;

use common::{OwnedBatch, flatten, open, vote_number};
use storage::testing::{CrashOutcome, MemoryDisk, Random};
use storage::{Damage, OpenError, Storage, WriteError};

const BATCHES: u64 = 30;

/// What the writer knows: what recovery must and what it may answer.
#[derive(Default)]
struct Journal {
    /// Batches in the stream, the last ones perhaps not synced.
    stream: Vec<OwnedBatch>,
    synced: usize,
    /// Number in the newest vote state that was synced or that an opening reported: no later
    /// opening may report an older one, or a node would vote twice.
    relied_upon: u64,
    /// Vote states that were appended and not synced, in whichever life.
    unsynced_votes: Vec<Vec<u8>>,
    next_number: u64,
}

impl Journal {
    /// Appends and syncs, one to three batches in a sync, until done or the crash.
    fn write(&mut self, storage: &mut Storage, count: u64, seed: u64) -> Result<(), WriteError> {
        let mut random = Random::new(seed);
        for _ in 0..count {
            self.next_number += 1;
            let batch = OwnedBatch::random(self.next_number, &mut random);
            // Part of it may reach the disk even if the call fails.
            self.stream.push(batch.clone());
            self.unsynced_votes.push(batch.vote_state.clone());
            batch.append(storage)?;
            if random.below(3) > 0 {
                self.sync(storage)?;
            }
        }
        self.sync(storage)
    }

    fn sync(&mut self, storage: &mut Storage) -> Result<(), WriteError> {
        let appended = self.stream.len();
        storage.sync()?;
        self.synced = appended;
        self.relied_upon = self.next_number;
        self.unsynced_votes.clear();
        Ok(())
    }

    /// Opens after a crash and checks what is found. An error is another crash.
    fn reopen(&mut self, disk: &MemoryDisk, context: &str) -> Result<Storage, OpenError> {
        let (storage, opened) = open(disk)?;
        let recovery = &opened.recovery;
        let whole = recovery.last_sequence as usize;
        assert!(whole >= self.synced, "{context}: a synced batch is lost");
        assert!(whole <= self.stream.len(), "{context}: a batch is invented");
        self.stream.truncate(whole);
        assert_eq!(opened.contents(), flatten(&self.stream), "{context}");
        assert_eq!((opened.lost_bodies.len(), opened.gaps), (0, 0), "{context}");
        let vote_state = recovery.vote_state.clone();
        match recovery.damage {
            None => {
                let last = self.stream.last().map(|batch| batch.vote_state.clone());
                assert_eq!(vote_state, last, "{context}");
            }
            // Not to be told from a synced batch that was damaged later.
            Some(Damage::TailBatchDamaged) => {
                let vote_state = vote_state.clone().expect("a whole copy");
                assert!(
                    self.unsynced_votes.contains(&vote_state),
                    "{context}: a vote state is invented"
                );
            }
            Some(damage) => panic!("{context}: {damage:?} {:?}", recovery.findings),
        }
        let number = vote_state.as_deref().map_or(0, vote_number);
        assert!(
            number >= self.relied_upon,
            "{context}: vote state {number} after {}",
            self.relied_upon
        );
        self.relied_upon = number;
        self.synced = whole;
        Ok(storage)
    }

    fn expect_clean(&self, disk: &MemoryDisk, context: &str) {
        let (_, opened) = open(disk).expect("open");
        assert_eq!(opened.recovery.damage, None, "{context}");
        assert_eq!(opened.contents(), flatten(&self.stream), "{context}");
        let vote_state = self.stream.last().map(|batch| batch.vote_state.clone());
        assert_eq!(opened.recovery.vote_state, vote_state, "{context}");
    }
}

fn outcomes(seed: u64) -> Vec<CrashOutcome> {
    let mut outcomes = vec![CrashOutcome::NothingReaches, CrashOutcome::AllReaches];
    for seed in seed * 4..seed * 4 + 4 {
        outcomes.extend([
            CrashOutcome::FirstReach(seed),
            CrashOutcome::LastReach(seed),
            CrashOutcome::SomeReach(seed),
            CrashOutcome::OneIsLost(seed),
        ]);
    }
    outcomes
}

/// Runs the workload up to the crash.
fn run(disk: &MemoryDisk) -> Journal {
    let mut journal = Journal::default();
    if let Ok((mut storage, _)) = open(disk) {
        let _ = journal.write(&mut storage, BATCHES, 1);
    }
    journal
}

fn operations_of_workload() -> u64 {
    let disk = MemoryDisk::new();
    let journal = run(&disk);
    assert_eq!(journal.synced as u64, BATCHES);
    assert!(disk.names().len() > 4, "the workload should fill segments");
    disk.operations()
}

#[test]
fn synced_batches_survive_a_crash_at_every_operation() {
    let mut tails_with_vote_state = 0;
    for operation in 0..operations_of_workload() {
        for outcome in outcomes(operation) {
            let context = format!("crash at {operation}, {outcome:?}");
            let disk = MemoryDisk::new();
            disk.crash_at(operation);
            let mut journal = run(&disk);
            assert!(disk.has_crashed(), "{context}");
            disk.restart(outcome);
            let mut storage = journal.reopen(&disk, &context).expect("open");
            tails_with_vote_state += usize::from(journal.relied_upon > journal.synced as u64);
            journal.write(&mut storage, 4, operation).expect("write on");
            drop(storage);
            journal.expect_clean(&disk, &context);
        }
    }
    assert!(
        tails_with_vote_state > 0,
        "no outcome left a lone vote state"
    );
}

/// Crashes again and again on one disk, also while opening: what one life left behind must not
/// come back in a later one.
#[test]
fn what_was_cut_never_returns() {
    for seed in 0..3000 {
        let mut random = Random::new(seed);
        let disk = MemoryDisk::new();
        let mut journal = Journal::default();
        for life in 0..8 {
            let context = format!("seed {seed}, life {life}");
            disk.crash_at(disk.operations() + random.below(40));
            if let Ok(mut storage) = journal.reopen(&disk, &context) {
                let count = 1 + random.below(12);
                let _ = journal.write(&mut storage, count, random.number());
            }
            let outcomes = outcomes(random.below(1000));
            disk.restart(outcomes[random.below(outcomes.len() as u64) as usize]);
        }
        let context = format!("seed {seed}, at last");
        let mut storage = journal.reopen(&disk, &context).expect("open");
        journal.write(&mut storage, 3, seed).expect("write on");
        drop(storage);
        journal.expect_clean(&disk, &context);
    }
}

/// A killed process loses nothing that it wrote, and what an opening found survives a loss of
/// power after it.
#[test]
fn what_a_killed_process_left_is_durable_once_opened() {
    for operation in 0..operations_of_workload() {
        let context = format!("killed at {operation}");
        let disk = MemoryDisk::new();
        disk.crash_at(operation);
        let mut journal = run(&disk);
        disk.kill();
        let mut storage = journal.reopen(&disk, &context).expect("open");
        let idle = disk.fork();
        idle.restart(CrashOutcome::NothingReaches);
        journal.expect_clean(&idle, &context);
        journal.write(&mut storage, 3, operation).expect("write on");
        disk.restart(CrashOutcome::NothingReaches);
        journal.expect_clean(&disk, &context);
    }
}
