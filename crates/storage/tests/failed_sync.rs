//! A sync that fails and a restart on the same mount (P11.2). The kernel marks what it could not
//! write as written: it can still be read, a later sync succeeds, and a loss of power takes it away.

mod common;

use common::{OwnedBatch, flatten, open, vote_number};
use storage::testing::{CrashOutcome, MemoryDisk, Random};
use storage::{Batch, Record, Storage, WriteError};

const OUTCOMES: [fn(u64) -> CrashOutcome; 6] = [
    |_| CrashOutcome::NothingReaches,
    |_| CrashOutcome::AllReaches,
    CrashOutcome::FirstReach,
    CrashOutcome::LastReach,
    CrashOutcome::SomeReach,
    CrashOutcome::OneIsLost,
];

/// Appends a batch whose sync fails, and ends the process.
fn lose(disk: &MemoryDisk, mut storage: Storage, batch: &Batch<'_>) {
    storage.append(batch).expect("append");
    disk.fail_sync(disk.syncs());
    assert!(matches!(storage.sync(), Err(WriteError::Disk { .. })));
    drop(storage);
    disk.kill();
}

#[test]
fn a_vote_whose_sync_failed_is_not_taken_for_durable_after_a_restart() {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let first = Batch {
        vote_state: b"term 1",
        records: &[],
    };
    storage.append(&first).expect("append");
    storage.sync().expect("sync");
    let lost = Batch {
        vote_state: b"term 2, voted for B",
        records: &[],
    };
    lose(&disk, storage, &lost);
    let (storage, restarted) = open(&disk).expect("open");
    assert_eq!(restarted.recovery.damage, None);
    drop(storage);
    disk.restart(CrashOutcome::AllReaches);
    let (_storage, later) = open(&disk).expect("open");
    assert_eq!(later.recovery.damage, None);
    assert_eq!(later.recovery.vote_state, restarted.recovery.vote_state);
}

#[test]
fn what_follows_a_lost_batch_does_not_stand_on_nothing() {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let record = |bytes: &'static [u8]| [Record { kind: 1, bytes }];
    let first = Batch {
        vote_state: b"1",
        records: &record(b"e1"),
    };
    storage.append(&first).expect("append");
    storage.sync().expect("sync");
    let second = Batch {
        vote_state: b"2",
        records: &record(b"e2"),
    };
    lose(&disk, storage, &second);
    let (mut storage, _) = open(&disk).expect("open");
    let third = Batch {
        vote_state: b"3",
        records: &record(b"e3"),
    };
    storage.append(&third).expect("append");
    storage.sync().expect("sync");
    drop(storage);
    disk.restart(CrashOutcome::AllReaches);
    let (_storage, opened) = open(&disk).expect("open");
    assert_eq!(opened.recovery.damage, None);
    assert_eq!(opened.recovery.findings, []);
    let entries = [b"e1", b"e2", b"e3"].map(|bytes| (1, bytes.to_vec()));
    assert_eq!(opened.contents(), entries);
}

/// The second copy of the vote state that recovery writes is a write like any other.
#[test]
fn a_slot_that_recovery_wrote_is_written_again_if_its_sync_failed() {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    for vote_state in [b"1", b"2"] {
        let batch = Batch {
            vote_state,
            records: &[],
        };
        storage.append(&batch).expect("append");
        if vote_state == b"1" {
            storage.sync().expect("sync");
        }
    }
    drop(storage);
    disk.kill();
    // The sync of what was read succeeds, that of the slot fails.
    disk.fail_sync(disk.syncs() + 1);
    assert!(open(&disk).is_err());
    disk.kill();
    drop(open(&disk).expect("open"));
    disk.restart(CrashOutcome::NothingReaches);
    // The copy in the batch goes: the slot must have the vote state.
    disk.flip("0000000001.segment", 5 * 4096 + 64, 0xff);
    let (_storage, opened) = open(&disk).expect("open");
    assert_eq!(opened.recovery.vote_state.as_deref(), Some(&b"2"[..]));
    assert_eq!(opened.recovery.damage, None);
}

/// Fails, restarts, forgets and loses power in every order: what an opening reported, the node has
/// acted on, and no later opening may report less or call it whole without it.
#[test]
fn nothing_that_an_opening_reported_is_ever_forgotten() {
    let mut evicted = 0;
    let mut failures = 0;
    for seed in 0..4000 {
        let mut random = Random::new(seed);
        let disk = MemoryDisk::new();
        // Batches that an opening found or a sync made durable.
        let mut trusted: Vec<OwnedBatch> = Vec::new();
        let mut appended: Vec<OwnedBatch> = Vec::new();
        let mut relied_upon = 0;
        let mut number = 0;
        for life in 0..8 {
            let context = format!("seed {seed}, life {life}");
            if random.below(4) == 0 {
                disk.fail_sync_partly(
                    disk.syncs() + random.below(3),
                    OUTCOMES[random.below(6) as usize](seed),
                );
            }
            match open(&disk) {
                Err(_) => failures += 1,
                Ok((mut storage, opened)) => {
                    let found = opened.contents();
                    let recovery = &opened.recovery;
                    let whole = recovery.last_sequence as usize;
                    assert!(whole >= trusted.len(), "{context}: a batch is forgotten");
                    appended.truncate(whole);
                    assert_eq!(found, flatten(&appended), "{context}");
                    let vote = recovery.vote_state.as_deref().map_or(0, vote_number);
                    assert!(vote >= relied_upon, "{context}: {vote} after {relied_upon}");
                    relied_upon = vote;
                    trusted.clone_from(&appended);
                    disk.fail_sync_partly(
                        disk.syncs() + random.below(9),
                        OUTCOMES[random.below(6) as usize](seed),
                    );
                    for _ in 0..random.below(6) {
                        number += 1;
                        let batch = OwnedBatch::random(number, &mut random);
                        appended.push(batch.clone());
                        if batch.append(&mut storage).is_err() {
                            failures += 1;
                            break;
                        }
                        if random.below(3) > 0 {
                            if storage.sync().is_err() {
                                failures += 1;
                                break;
                            }
                            trusted.clone_from(&appended);
                            relied_upon = number;
                        }
                    }
                }
            }
            match random.below(3) {
                0 => disk.restart(OUTCOMES[random.below(6) as usize](random.number())),
                1 => disk.kill(),
                _ => {
                    disk.kill();
                    disk.evict(random.number());
                    evicted += 1;
                }
            }
        }
    }
    assert!(evicted > 1000 && failures > 1000, "{evicted} {failures}");
}
