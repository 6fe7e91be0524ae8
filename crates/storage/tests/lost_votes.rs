//! Damage that takes every copy of the newest vote state: a lost disk, never a fresh start or an
//! older vote state (P11.2).

mod common;

use common::{OwnedBatch, SMALL, fill, flatten, open, open_with};
use storage::testing::{CrashOutcome, MemoryDisk, Random};
use storage::{Damage, FindingKind, Options, WriteError};

const BLOCK: usize = 4096;
const DATA: usize = 4 * BLOCK;
const SLOTS: std::ops::Range<usize> = BLOCK..3 * BLOCK;

/// A stream of synced batches, each of one block.
fn written(batches: u64, prepare_ahead: bool) -> (MemoryDisk, Vec<OwnedBatch>) {
    let disk = MemoryDisk::new();
    let options = Options {
        prepare_ahead,
        ..SMALL
    };
    let (mut storage, _) = open_with(&disk, options).expect("open");
    let batches: Vec<OwnedBatch> = (1..=batches)
        .map(|number: u64| OwnedBatch {
            vote_state: number.to_le_bytes().to_vec(),
            records: vec![(1, vec![number as u8; 100])],
        })
        .collect();
    for batch in &batches {
        batch.append(&mut storage).expect("append");
        storage.sync().expect("sync");
    }
    drop(storage);
    (disk, batches)
}

fn segments(disk: &MemoryDisk) -> Vec<String> {
    let mut names = disk.names();
    names.retain(|name| name.ends_with(".segment"));
    names
}

/// The last segment with a batch, of segments that hold five.
fn newest(batches: u64) -> String {
    format!("{:010}.segment", batches.div_ceil(5))
}

fn invert(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != 0) {
        *byte ^= 0xff;
    }
}

fn expect_lost(disk: &MemoryDisk, batch: &OwnedBatch, context: &str) {
    // Twice: the first opening must not have made room for a fresh start.
    for _ in 0..2 {
        let (mut storage, opened) = open(disk).expect(context);
        let recovery = &opened.recovery;
        assert_eq!(recovery.damage, Some(Damage::VoteStateLost), "{context}");
        assert_eq!(recovery.vote_state, None, "{context}");
        assert!(!recovery.findings.is_empty(), "{context}");
        let refused = batch.append(&mut storage);
        assert!(
            matches!(refused, Err(WriteError::VoteStateLost { .. })),
            "{context}"
        );
    }
}

type Ruin = fn(&mut [u8]);

/// Ways to ruin a segment so that at most its header is left.
const RUINS: [(&str, Ruin); 5] = [
    ("inverted behind the header", |bytes| {
        invert(&mut bytes[300..]);
    }),
    ("zeroed behind the header", |bytes| bytes[300..].fill(0)),
    ("zeroed but for the header's copy", |bytes| {
        bytes[..3 * BLOCK].fill(0);
        bytes[DATA..].fill(0);
    }),
    ("overwritten behind the header", |bytes| {
        bytes[300..].fill(0xa5);
    }),
    ("inverted but for both headers", |bytes| {
        invert(&mut bytes[SLOTS]);
        invert(&mut bytes[DATA..]);
    }),
];

#[test]
fn a_ruined_segment_is_a_lost_disk() {
    for (ruin, change) in RUINS {
        for count in 1..=12 {
            for ahead in [false, true] {
                let (disk, batches) = written(count, ahead);
                let context = format!("{count} batches, ahead {ahead}, {ruin}");
                let last = disk.fork();
                last.tamper(&newest(count), |bytes| change(bytes));
                expect_lost(&last, &batches[0], &format!("{context}, newest segment"));
                for name in segments(&disk) {
                    disk.tamper(&name, |bytes| change(bytes));
                }
                expect_lost(&disk, &batches[0], &format!("{context}, all segments"));
            }
        }
    }
}

#[test]
fn a_ruined_earlier_segment_loses_records_only() {
    for (ruin, change) in RUINS {
        let (disk, batches) = written(12, false);
        disk.tamper("0000000002.segment", |bytes| change(bytes));
        let (_, opened) = open(&disk).expect(ruin);
        let recovery = &opened.recovery;
        assert_eq!(recovery.damage, Some(Damage::RecordsLost), "{ruin}");
        let vote_state = batches.last().map(|batch| batch.vote_state.clone());
        assert_eq!(recovery.vote_state, vote_state, "{ruin}");
        assert_eq!(opened.gaps, 1, "{ruin}");
        assert!(recovery.findings.iter().any(|finding| finding.segment == 2));
    }
}

#[test]
fn ruined_slots_alone_lose_nothing() {
    for count in 1..=12 {
        let (disk, mut batches) = written(count, false);
        disk.tamper(&newest(count), |bytes| invert(&mut bytes[SLOTS]));
        let context = format!("{count} batches");
        for _ in 0..2 {
            let (mut storage, opened) = open(&disk).expect(&context);
            assert_eq!(opened.recovery.damage, None, "{context}");
            assert_eq!(opened.contents(), flatten(&batches), "{context}");
            let vote_state = batches.last().map(|batch| batch.vote_state.clone());
            assert_eq!(opened.recovery.vote_state, vote_state, "{context}");
            batches.extend(fill(&mut storage, 2, &mut Random::new(count)));
        }
    }
}

#[test]
fn both_copies_of_the_newest_vote_state_ruined_do_not_give_the_one_before() {
    for count in (2..=12).filter(|count| count % 5 != 1) {
        let (disk, batches) = written(count, false);
        let in_segment = (count as usize - 1) % 5;
        let batch = DATA + in_segment * BLOCK;
        let slot = BLOCK + in_segment % 2 * BLOCK;
        disk.tamper(&newest(count), |bytes| {
            invert(&mut bytes[slot..slot + BLOCK]);
            invert(&mut bytes[batch..batch + BLOCK]);
        });
        expect_lost(&disk, &batches[0], &format!("{count} batches"));
        let (_, opened) = open(&disk).expect("open");
        let mut findings = opened.recovery.findings.iter();
        assert!(findings.any(|finding| finding.kind == FindingKind::VoteSlots));
    }
}

#[test]
fn ruined_slots_and_a_ruined_record_leave_the_vote_state_of_the_batch() {
    let (disk, batches) = written(3, false);
    disk.tamper(&newest(3), |bytes| {
        invert(&mut bytes[SLOTS]);
        invert(&mut bytes[DATA + 2 * BLOCK + 200..DATA + 3 * BLOCK]);
    });
    let (_, opened) = open(&disk).expect("open");
    assert_eq!(opened.recovery.damage, Some(Damage::TailBatchDamaged));
    let vote_state = batches.last().map(|batch| batch.vote_state.clone());
    assert_eq!(opened.recovery.vote_state, vote_state);
}

/// Nothing was promised before the first sync, however much of it reached the disk.
#[test]
fn a_torn_first_sync_is_no_damage() {
    let mut slots_torn = 0;
    for synced in [0, 5] {
        for seed in 0..300 {
            let (disk, batches) = written(synced, false);
            let (mut storage, opened) = open(&disk).expect("open");
            assert_eq!(opened.recovery.last_sequence, synced);
            let unsynced = OwnedBatch {
                vote_state: vec![7; 1024],
                records: vec![(1, vec![9; 3000])],
            };
            for _ in 0..2 {
                unsynced.append(&mut storage).expect("append");
            }
            // The slot's write is the operation before, so it may be torn.
            disk.crash_at(disk.operations() + 1);
            storage.sync().expect_err("the crash");
            disk.restart(CrashOutcome::SomeReach(seed));
            let slot = &disk.bytes_of(&newest(synced + 1))[BLOCK..2 * BLOCK];
            let sectors = slot[..3 * 512].chunks(512);
            let reached = sectors.filter(|sector| sector.iter().any(|byte| *byte != 0));
            slots_torn += usize::from((1..3).contains(&reached.count()));
            let (_, opened) = open(&disk).expect("open");
            assert_ne!(opened.recovery.damage, Some(Damage::VoteStateLost));
            assert!(opened.recovery.last_sequence >= synced);
            assert!(opened.contents().starts_with(&flatten(&batches)));
        }
    }
    assert!(slots_torn > 0, "no slot was torn");
}

#[test]
fn two_torn_first_syncs_cannot_be() {
    // A segment gets its first batch only after the one before was synced.
    let (disk, batches) = written(12, false);
    for number in [2, 3] {
        disk.tamper(&format!("{number:010}.segment"), |bytes| {
            // As torn writes look: the first sectors did not reach the disk.
            bytes[SLOTS].fill(0);
            bytes[BLOCK + 512] = 1;
            for block in bytes[DATA..].chunks_mut(BLOCK) {
                block[..512].fill(0);
                block[1000] = 1;
            }
        });
    }
    let later = disk.fork();
    later.delete("0000000003.segment");
    let (_, opened) = open(&later).expect("open");
    assert_eq!(opened.recovery.damage, None, "one can be");
    expect_lost(&disk, &batches[0], "two torn segments");
}

#[test]
fn one_flip_in_a_blank_segment_is_harmless() {
    let (disk, batches) = written(7, true);
    for offset in 0..DATA + 600 {
        let damaged = disk.fork();
        damaged.flip("0000000003.segment", offset, 0xff);
        let context = format!("flipped at {offset}");
        let (mut storage, opened) = open(&damaged).expect(&context);
        assert_eq!(opened.recovery.damage, None, "{context}");
        assert_eq!(opened.contents(), flatten(&batches), "{context}");
        fill(&mut storage, 1, &mut Random::new(1));
    }
}
