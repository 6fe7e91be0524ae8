//! Flipped bytes, cut and missing files: reported or harmless, never wrong data.

mod common;

use common::{OwnedBatch, fill, flatten, open};
use storage::testing::{MemoryDisk, Random};
use storage::{Damage, Disk, FindingKind, ReadError, Recovered, RefillError, WriteError};

/// A stream of a few segments, everything synced.
fn written(batches: u64) -> (MemoryDisk, Vec<OwnedBatch>) {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let batches = fill(&mut storage, batches, &mut Random::new(7));
    (disk, batches)
}

fn segments(disk: &MemoryDisk) -> Vec<String> {
    let mut names = disk.names();
    names.retain(|name| name.ends_with(".segment"));
    names
}

fn is_subsequence<T: PartialEq>(part: &[T], whole: &[T]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|item| rest.any(|other| other == item))
}

/// What holds after damage to one place of one file. Returns what was reported.
fn check(disk: &MemoryDisk, batches: &[OwnedBatch], context: &str) -> Option<Damage> {
    let (mut storage, opened) = open(disk).expect(context);
    let recovery = &opened.recovery;
    let all = flatten(batches);
    let newest = batches.last().map(|batch| batch.vote_state.clone());
    match recovery.damage {
        None => {
            assert_eq!(opened.contents(), all, "{context}");
            assert_eq!(recovery.vote_state, newest, "{context}");
        }
        Some(Damage::RecordsLost) => {
            assert!(is_subsequence(&opened.contents(), &all), "{context}");
            assert_eq!(recovery.vote_state, newest, "{context}");
            assert!(opened.gaps + opened.lost_bodies.len() > 0, "{context}");
            assert!(!recovery.findings.is_empty(), "{context}");
        }
        Some(Damage::TailBatchDamaged) => {
            let kept = &batches[..recovery.last_sequence as usize];
            assert!(kept.len() < batches.len(), "{context}");
            if opened.gaps + opened.lost_bodies.len() == 0 {
                assert_eq!(opened.contents(), flatten(kept), "{context}");
            } else {
                assert!(is_subsequence(&opened.contents(), &all), "{context}");
            }
            assert_eq!(recovery.vote_state, newest, "{context}");
            assert!(!recovery.findings.is_empty(), "{context}");
        }
        Some(Damage::VoteStateLost) => {
            assert_eq!(recovery.vote_state, None, "{context}");
            let refused = batches[0].append(&mut storage);
            assert!(matches!(refused, Err(WriteError::VoteStateLost { .. })));
            return recovery.damage;
        }
    }
    // The stream goes on, and neither the damage nor what was cut gets worse by it.
    let mut expected = opened.contents();
    let further = fill(&mut storage, 2, &mut Random::new(9));
    expected.extend(flatten(&further));
    drop(storage);
    let (_, again) = open(disk).expect(context);
    assert_eq!(again.contents(), expected, "{context}");
    assert_eq!(
        again.recovery.vote_state,
        further.last().map(|batch| batch.vote_state.clone()),
        "{context}"
    );
    let records_lost = opened.gaps + opened.lost_bodies.len() > 0;
    let lasting = records_lost.then_some(Damage::RecordsLost);
    assert_eq!(again.recovery.damage, lasting, "{context}");
    recovery.damage
}

#[test]
fn every_flip_is_reported_or_harmless() {
    let (disk, batches) = written(12);
    let names = segments(&disk);
    assert!(names.len() >= 3);
    let mut seen = Vec::new();
    for name in &names {
        for offset in 0..disk.length_of(name) {
            let damaged = disk.fork();
            let mask = [0xff, 1 << (offset % 8)][offset / 8 % 2];
            damaged.flip(name, offset, mask);
            let damage = check(&damaged, &batches, &format!("{name} flipped at {offset}"));
            if !seen.contains(&damage) {
                seen.push(damage);
            }
        }
    }
    seen.sort();
    // One flip never takes both copies of a vote state.
    let expected = [
        None,
        Some(Damage::RecordsLost),
        Some(Damage::TailBatchDamaged),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn every_truncation_is_reported() {
    let (disk, batches) = written(12);
    let names = segments(&disk);
    for (index, name) in names.iter().enumerate() {
        let is_last = index + 1 == names.len();
        for length in 0..disk.length_of(name) {
            let damaged = disk.fork();
            damaged.truncate(name, length);
            let context = format!("{name} cut to {length}");
            let (_, opened) = open(&damaged.fork()).expect(&context);
            assert!(!opened.recovery.findings.is_empty(), "{context}");
            let damage = check(&damaged, &batches, &context);
            if is_last && length < 3 * 4096 {
                assert_eq!(damage, Some(Damage::VoteStateLost), "{context}");
            } else {
                assert_ne!(damage, Some(Damage::VoteStateLost), "{context}");
            }
        }
    }
}

#[test]
fn a_lost_block_is_reported_or_harmless() {
    let (disk, batches) = written(12);
    for name in &segments(&disk) {
        for block in 0..disk.length_of(name) / 4096 {
            let damaged = disk.fork();
            damaged.tamper(name, |bytes| {
                bytes[block * 4096..(block + 1) * 4096].fill(0);
            });
            check(&damaged, &batches, &format!("{name} block {block} zeroed"));
        }
    }
}

#[test]
fn random_rubbish_never_panics_or_invents() {
    let (disk, batches) = written(12);
    let all = flatten(&batches);
    let names = segments(&disk);
    for seed in 0..2000 {
        let mut random = Random::new(seed);
        let damaged = disk.fork();
        for _ in 0..1 + random.below(8) {
            let name = &names[random.below(names.len() as u64) as usize];
            let length = damaged.length_of(name) as u64;
            let start = random.below(length) as usize;
            let end = (start + 1 + random.below(3000) as usize).min(length as usize);
            let fill = random.number() as u8;
            damaged.tamper(name, |bytes| bytes[start..end].fill(fill));
        }
        let (_, opened) = open(&damaged).expect("open");
        assert!(is_subsequence(&opened.contents(), &all), "seed {seed}");
        if let Some(vote_state) = &opened.recovery.vote_state {
            let known = batches.iter().any(|batch| batch.vote_state == *vote_state);
            assert!(known, "seed {seed}");
        }
    }
}

#[test]
fn a_missing_segment_is_reported() {
    let (disk, batches) = written(12);
    let names = segments(&disk);
    for name in &names[..names.len() - 1] {
        let damaged = disk.fork();
        damaged.delete(name);
        let damage = check(&damaged, &batches, &format!("{name} deleted"));
        assert_eq!(damage, Some(Damage::RecordsLost));
    }
}

#[test]
fn a_missing_segment_before_a_blank_one_loses_the_vote_state() {
    let disk = MemoryDisk::new();
    let options = storage::Options {
        prepare_ahead: true,
        ..common::SMALL
    };
    let (mut storage, _) = common::open_with(&disk, options).expect("open");
    fill(&mut storage, 12, &mut Random::new(7));
    drop(storage);
    let names = segments(&disk);
    let [.., in_use, _blank] = names.as_slice() else {
        panic!("a segment is prepared ahead");
    };
    disk.delete(in_use);
    let (_, opened) = open(&disk).expect("open");
    assert_eq!(opened.recovery.damage, Some(Damage::VoteStateLost));
    let missing = opened.recovery.findings.iter();
    assert_eq!(
        missing
            .filter(|finding| finding.kind == FindingKind::SegmentMissing)
            .count(),
        1
    );
}

/// A batch of one block.
fn small_batch(number: u64) -> OwnedBatch {
    OwnedBatch {
        vote_state: number.to_le_bytes().to_vec(),
        records: vec![(1, vec![number as u8; 100])],
    }
}

/// Where the parts of the last batch are, in a stream of one small segment.
fn one_segment() -> (MemoryDisk, Vec<OwnedBatch>, usize) {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let batches: Vec<OwnedBatch> = (1..=3).map(small_batch).collect();
    for batch in &batches {
        batch.append(&mut storage).expect("append");
        storage.sync().expect("sync");
    }
    (disk, batches, (4 + 2) * 4096)
}

const FIRST: &str = "0000000001.segment";
const VOTE_FRAME: usize = 64;
const RECORD_BODY: usize = 64 + 48 + 8 + 16;

#[test]
fn a_damaged_last_batch_with_a_whole_vote_state_is_no_torn_tail() {
    let (disk, batches, last) = one_segment();
    for offset in [0, RECORD_BODY] {
        let damaged = disk.fork();
        damaged.flip(FIRST, last + offset, 1);
        let damage = check(&damaged, &batches, "last batch damaged");
        assert_eq!(damage, Some(Damage::TailBatchDamaged));
    }
}

#[test]
fn a_batch_without_its_own_vote_state_is_whole_by_the_slot() {
    let (disk, batches, last) = one_segment();
    disk.flip(FIRST, last + VOTE_FRAME, 1);
    assert_eq!(check(&disk, &batches, "copy A damaged"), None);
}

#[test]
fn both_copies_of_a_synced_vote_state_lost_is_a_lost_disk() {
    let (disk, _, last) = one_segment();
    // The last batch's header, whole, proves that the one before it was synced.
    disk.flip(FIRST, last + VOTE_FRAME, 1);
    disk.flip(FIRST, last - 4096 + VOTE_FRAME, 1);
    for slot in [1, 2] {
        disk.tamper(FIRST, |bytes| bytes[slot * 4096..(slot + 1) * 4096].fill(0));
    }
    let (_, opened) = open(&disk).expect("open");
    assert_eq!(opened.recovery.damage, Some(Damage::VoteStateLost));
    assert_eq!(opened.recovery.vote_state, None);
}

#[test]
fn a_lost_record_is_refilled_with_the_same_bytes_only() {
    let (disk, batches, _) = one_segment();
    disk.flip(FIRST, 4 * 4096 + RECORD_BODY, 1);
    let (mut storage, opened) = open(&disk).expect("open");
    assert_eq!(opened.recovery.damage, Some(Damage::RecordsLost));
    let [lost] = opened.lost_bodies[..] else {
        panic!("one record is lost");
    };
    let read = storage.reader().read(lost);
    assert!(matches!(read, Err(ReadError::Damaged { .. })));
    let bytes = batches[0].records[0].1.clone();
    let left = storage.reader().read_unchecked(lost).expect("its header");
    let differing = left.iter().zip(&bytes).filter(|(left, byte)| left != byte);
    assert_eq!((left.len(), differing.count()), (bytes.len(), 1));
    let mut other = bytes.clone();
    other[3] ^= 1;
    let refused = storage.refill(lost, &other);
    assert!(matches!(refused, Err(RefillError::OtherBytes { .. })));
    storage.refill(lost, &bytes).expect("refill");
    let again = storage.refill(lost, &bytes);
    assert!(matches!(again, Err(RefillError::NotLost { .. })));
    assert_eq!(storage.reader().read(lost).expect("read"), bytes);
    drop(storage);
    disk.restart(storage::testing::CrashOutcome::NothingReaches);
    assert_eq!(check(&disk, &batches, "refilled"), None);
}

/// Opens a stream whose only batch holds a payload that reads, at every block, as a batch of
/// the segment in `source`, after the header of that only batch was damaged.
fn open_carrier(source: &MemoryDisk, disk: &MemoryDisk) -> common::Opened {
    let (mut storage, _) = open(disk).expect("open");
    let start = 4 * 4096 + RECORD_BODY;
    let carrier = OwnedBatch {
        vote_state: 1_u64.to_le_bytes().to_vec(),
        records: vec![(1, source.bytes_of(FIRST)[start..7 * 4096].to_vec())],
    };
    carrier.append(&mut storage).expect("append");
    storage.sync().expect("sync");
    drop(storage);
    disk.flip(FIRST, 4 * 4096, 1);
    open(disk).expect("open").1
}

#[test]
fn a_payload_cannot_pose_as_a_batch() {
    let (source, ..) = one_segment();
    // It could, if a stranger could guess the salt of the segment: every memory disk draws the
    // same one first.
    let guessed = open_carrier(&source, &MemoryDisk::new());
    assert_eq!(guessed.recovery.last_sequence, 3);
    let disk = MemoryDisk::new();
    disk.unpredictable().expect("a number");
    let opened = open_carrier(&source, &disk);
    assert_eq!(opened.recovery.damage, Some(Damage::TailBatchDamaged));
    assert_eq!(opened.recovery.last_sequence, 0);
    assert_eq!(
        opened.recovery.vote_state,
        Some(1_u64.to_le_bytes().to_vec())
    );
}

#[test]
fn a_torn_slot_leaves_the_slot_of_the_sync_before() {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let batches: Vec<OwnedBatch> = (1..=4).map(small_batch).collect();
    for batch in &batches {
        batch.append(&mut storage).expect("append");
        storage.sync().expect("sync");
    }
    drop(storage);
    let (batches, last) = (&batches[..3], 6 * 4096);
    // As if the fourth batch had been lost in a crash that tore its slot, the third damaged.
    disk.flip(FIRST, last, 1);
    disk.tamper(FIRST, |bytes| bytes[last + 4096..].fill(0));
    disk.tamper(FIRST, |bytes| bytes[2 * 4096..2 * 4096 + 512].fill(0));
    let damage = check(&disk, batches, "torn slot");
    assert_eq!(damage, Some(Damage::TailBatchDamaged));
}

#[test]
fn damage_before_a_cut_tail_does_not_bring_the_tail_back() {
    let (disk, batches, last) = one_segment();
    let (mut storage, _) = open(&disk).expect("open");
    for number in 4..=5_u64 {
        let unsynced = OwnedBatch {
            vote_state: number.to_le_bytes().to_vec(),
            records: vec![(1, vec![0xdd; 100])],
        };
        unsynced.append(&mut storage).expect("append");
    }
    drop(storage);
    // Of two batches that were not synced, a crash leaves the second one.
    disk.flip(FIRST, last + 4096, 1);
    let (mut storage, opened) = open(&disk).expect("open");
    assert_eq!(opened.recovery.last_sequence, 3);
    let further = fill(&mut storage, 3, &mut Random::new(5));
    drop(storage);
    disk.flip(FIRST, last, 1);
    let mut expected = flatten(&batches[..2]);
    expected.extend(flatten(&further));
    let (_, opened) = open(&disk).expect("open");
    assert_eq!(opened.contents(), expected);
    assert_eq!(opened.gaps, 1);
    assert_eq!(opened.recovery.damage, Some(Damage::RecordsLost));
    assert_eq!(opened.recovery.last_sequence, 6);
    let [finding] = &opened.recovery.findings[..] else {
        panic!("{:?}", opened.recovery.findings);
    };
    assert_eq!(finding.kind, FindingKind::Batches { first: 3, last: 3 });
}

#[test]
fn a_torn_tail_is_cut_and_its_segment_left_alone() {
    let (disk, batches, last) = one_segment();
    // The fourth batch reached the disk in rubble only, without its header and vote state.
    disk.tamper(FIRST, |bytes| bytes[last + 4096 + 512] = 1);
    let (mut storage, opened) = open(&disk).expect("open");
    assert!(opened.recovery.truncated_tail);
    assert_eq!(opened.recovery.damage, None);
    assert_eq!(opened.recovery.findings, []);
    assert_eq!(opened.contents(), flatten(&batches));
    let positions = small_batch(4).append(&mut storage).expect("append");
    assert_eq!(positions[0].segment, 2);
}

#[test]
fn a_blank_segment_that_is_no_longer_blank_is_not_used() {
    let disk = MemoryDisk::new();
    drop(open(&disk).expect("open"));
    disk.flip(FIRST, 8 * 4096 + 7, 1);
    let (mut storage, _) = open(&disk).expect("open");
    let batches = fill(&mut storage, 1, &mut Random::new(1));
    drop(storage);
    let (_, opened) = open(&disk).expect("open");
    assert_eq!(opened.contents(), flatten(&batches));
    assert!(!opened.recovery.truncated_tail);
}

#[test]
fn what_a_killed_process_left_unsynced_gets_its_second_vote_state() {
    let (disk, mut batches, last) = one_segment();
    let (mut storage, _) = open(&disk).expect("open");
    batches.push(small_batch(4));
    batches[3].append(&mut storage).expect("append");
    drop(storage);
    drop(open(&disk).expect("open"));
    // From here on the node relies on that batch, so its loss must not pass for a torn tail.
    disk.tamper(FIRST, |bytes| bytes[last + 4096..last + 8192].fill(0));
    let damage = check(&disk, &batches, "unsynced batch lost");
    assert_eq!(damage, Some(Damage::RecordsLost));
}

#[test]
fn the_visitor_learns_the_order_of_records_and_gaps() {
    let (disk, _, _) = one_segment();
    disk.flip(FIRST, 5 * 4096, 1);
    let mut order = Vec::new();
    storage::Storage::open(
        std::sync::Arc::new(disk),
        common::IDENTITY,
        common::SMALL,
        |recovered| {
            order.push(match recovered {
                Recovered::Record { bytes, .. } => bytes[0],
                Recovered::LostBody { .. } => 100,
                Recovered::LostRecords { .. } => 200,
            });
        },
    )
    .expect("open");
    assert_eq!(order, [1, 200, 3]);
}
