//! A process killed in the middle of a write. The kernel cuts a large write short, so any first part
//! of it may be all that is seen afterwards; no power is lost.

mod common;

use common::{OwnedBatch, flatten, open};
use storage::testing::{CrashOutcome, MemoryDisk};

/// Longer than several blocks, with records across their borders.
fn large() -> OwnedBatch {
    OwnedBatch {
        vote_state: {
            let mut state = 3_u64.to_le_bytes().to_vec();
            state.resize(300, 0x33);
            state
        },
        records: vec![(1, vec![1; 100]), (2, vec![2; 9000]), (1, vec![3; 700])],
    }
}

/// A stream of two synced batches and what they hold.
fn begun() -> (MemoryDisk, Vec<OwnedBatch>) {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let batches: Vec<OwnedBatch> = (1..=2)
        .map(|number: u64| OwnedBatch {
            vote_state: number.to_le_bytes().to_vec(),
            records: vec![(1, vec![number as u8; 50])],
        })
        .collect();
    for batch in &batches {
        batch.append(&mut storage).expect("append");
        storage.sync().expect("sync");
    }
    drop(storage);
    (disk, batches)
}

/// Operations of appending and syncing one large batch.
fn operations() -> u64 {
    let (disk, _) = begun();
    let (mut storage, _) = open(&disk).expect("open");
    let before = disk.operations();
    large().append(&mut storage).expect("append");
    storage.sync().expect("sync");
    disk.operations() - before
}

/// Kills at an operation of the append and its sync, with so many bytes of that write seen.
fn kill_at(operation: u64, kept: usize) -> (MemoryDisk, Vec<OwnedBatch>) {
    let (disk, batches) = begun();
    let (mut storage, _) = open(&disk).expect("open");
    disk.cut_at(disk.operations() + operation, kept);
    let done = large().append(&mut storage).and_then(|_| storage.sync());
    assert!(done.is_err(), "killed at operation {operation}");
    drop(storage);
    disk.kill();
    (disk, batches)
}

#[test]
fn a_batch_cut_short_at_any_byte_is_whole_or_gone_and_the_node_starts() {
    let length = 16 * 1024;
    let (mut whole, mut gone) = (0, 0);
    for operation in 0..operations() {
        for kept in 0..length {
            // Every byte near the borders that matter, every seventh elsewhere.
            if kept % 7 != 0 && kept > 600 && kept % 4096 > 64 && kept % 4096 < 4032 {
                continue;
            }
            let context = format!("{kept} bytes of operation {operation}");
            let (disk, mut expected) = kill_at(operation, kept);
            let (mut storage, opened) = open(&disk).expect(&context);
            assert_eq!(opened.recovery.damage, None, "{context}");
            if opened.recovery.last_sequence == 3 {
                expected.push(large());
                whole += 1;
            } else {
                gone += 1;
            }
            let vote_state = expected.last().map(|batch| batch.vote_state.clone());
            assert_eq!(opened.recovery.vote_state, vote_state, "{context}");
            assert_eq!(opened.contents(), flatten(&expected), "{context}");
            large().append(&mut storage).expect(&context);
            storage.sync().expect(&context);
            expected.push(large());
            drop(storage);
            disk.restart(CrashOutcome::NothingReaches);
            let (_, opened) = open(&disk).expect(&context);
            assert_eq!(opened.recovery.damage, None, "{context}");
            assert_eq!(opened.contents(), flatten(&expected), "{context}");
        }
    }
    assert!(whole > 0 && gone > 0, "{whole} whole, {gone} gone");
}
