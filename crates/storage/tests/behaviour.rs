//! Appending, reading, limits, faults, locking and identity.

mod common;

use std::sync::Arc;

use common::{IDENTITY, OwnedBatch, SMALL, fill, flatten, open, open_with};
use storage::limits::{RECORD_BYTES_MAX, SEGMENT_BYTES_MAX, VOTE_STATE_BYTES_MAX};
use storage::testing::{CrashOutcome, MemoryDisk, Random};
use storage::{
    Batch, Damage, DirectoryDisk, Disk, DiskFile, Identity, OpenError, Options, Position,
    ReadError, Record, Storage, WriteError,
};

#[test]
fn an_empty_directory_begins_an_empty_stream() {
    let disk = MemoryDisk::new();
    let (storage, opened) = open(&disk).expect("open");
    assert_eq!(storage.last_sequence(), 0);
    assert_eq!(opened.recovery.vote_state, None);
    assert_eq!(opened.recovery.damage, None);
    assert!(!opened.recovery.truncated_tail);
    assert!(opened.records.is_empty());
}

#[test]
fn one_sync_makes_all_batches_before_it_durable() {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let mut random = Random::new(1);
    fill(&mut storage, 1, &mut random);
    let syncs = disk.syncs();
    for number in 2..=4_u64 {
        let batch = OwnedBatch {
            vote_state: number.to_le_bytes().to_vec(),
            records: vec![(0, vec![1])],
        };
        batch.append(&mut storage).expect("append");
    }
    assert_eq!((storage.last_sequence(), storage.synced_sequence()), (4, 1));
    storage.sync().expect("sync");
    storage.sync().expect("nothing to sync");
    assert_eq!(storage.synced_sequence(), 4);
    assert_eq!(disk.syncs(), syncs + 1);
    drop(storage);
    disk.restart(CrashOutcome::NothingReaches);
    let (_, opened) = open(&disk).expect("open");
    assert_eq!(opened.recovery.last_sequence, 4);
}

#[test]
fn positions_grow_and_read_back_during_and_after() {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let mut random = Random::new(2);
    let reader = storage.reader();
    let mut expected = Vec::new();
    for number in 1..=40 {
        let batch = OwnedBatch::random(number, &mut random);
        let positions = batch.append(&mut storage).expect("append");
        for (position, (kind, bytes)) in positions.iter().zip(&batch.records) {
            assert_eq!(&reader.read(*position).expect("read"), bytes);
            expected.push((*position, *kind, bytes.clone()));
        }
    }
    storage.sync().expect("sync");
    drop(storage);
    assert!(expected.is_sorted_by_key(|(position, ..)| *position));
    let (_, opened) = open(&disk).expect("open");
    assert_eq!(opened.records, expected);
}

#[test]
fn readers_in_other_threads_read_while_the_stream_is_written() {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let (sender, receiver) = std::sync::mpsc::channel::<(Position, Vec<u8>)>();
    let reader = storage.reader();
    let checker = std::thread::spawn(move || {
        let reads = receiver.iter().map(|(position, bytes)| {
            assert_eq!(reader.read(position).expect("read"), bytes);
        });
        reads.count()
    });
    let mut sent = 0;
    for number in 1..=200_u64 {
        let batch = OwnedBatch {
            vote_state: number.to_le_bytes().to_vec(),
            records: vec![(0, vec![number as u8; 500]), (1, vec![])],
        };
        let positions = batch.append(&mut storage).expect("append");
        for (position, (_, bytes)) in positions.into_iter().zip(batch.records) {
            sender.send((position, bytes)).expect("send");
            sent += 1;
        }
    }
    drop(sender);
    assert_eq!(checker.join().expect("reads"), sent);
}

#[test]
fn a_reader_refuses_what_is_no_record() {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let records = [Record {
        kind: 1,
        bytes: &[5; 100],
    }];
    let batch = Batch {
        vote_state: b"",
        records: &records,
    };
    let position = storage.append(&batch).expect("append")[0];
    let reader = storage.reader();
    for offset in (0..SMALL.segment_bytes as u32 + 100).step_by(4) {
        let other = Position { offset, ..position };
        if other != position {
            let read = reader.read(other);
            assert!(matches!(read, Err(ReadError::Damaged { .. })), "{other}");
        }
    }
    let missing = Position {
        segment: 9,
        offset: position.offset,
    };
    assert!(matches!(
        reader.read(missing),
        Err(ReadError::Missing { .. })
    ));
    disk.flip("0000000001.segment", position.offset as usize + 20, 1);
    assert!(matches!(
        reader.read(position),
        Err(ReadError::Damaged { .. })
    ));
}

#[test]
fn limits_are_refused_and_leave_the_stream_usable() {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    let too_long = vec![0; RECORD_BYTES_MAX + 1];
    let record = |bytes| Record { kind: 0, bytes };
    let refused = storage.append(&Batch {
        vote_state: b"",
        records: &[record(&too_long)],
    });
    assert!(matches!(refused, Err(WriteError::RecordTooLong { .. })));
    let largest = record(&too_long[1..]);
    let refused = storage.append(&Batch {
        vote_state: b"",
        records: &[largest; 4],
    });
    assert!(matches!(refused, Err(WriteError::BatchTooLong { .. })));
    let refused = storage.append(&Batch {
        vote_state: &too_long[..VOTE_STATE_BYTES_MAX + 1],
        records: &[],
    });
    assert!(matches!(refused, Err(WriteError::VoteStateTooLong { .. })));
    let batches = fill(&mut storage, 2, &mut Random::new(1));
    drop(storage);
    let (_, opened) = open(&disk).expect("open");
    assert_eq!(opened.contents(), flatten(&batches));
}

#[test]
fn a_batch_longer_than_a_segment_gets_a_longer_one() {
    for prepare_ahead in [false, true] {
        let options = Options {
            prepare_ahead,
            ..SMALL
        };
        let disk = MemoryDisk::new();
        let (mut storage, _) = open_with(&disk, options).expect("open");
        let mut batches = fill(&mut storage, 3, &mut Random::new(1));
        let long = OwnedBatch {
            vote_state: 4_u64.to_le_bytes().to_vec(),
            records: vec![(3, vec![9; 300_000]), (4, vec![8; RECORD_BYTES_MAX])],
        };
        long.append(&mut storage).expect("append");
        batches.push(long);
        batches.extend(fill(&mut storage, 3, &mut Random::new(2)));
        drop(storage);
        let (_, opened) = open(&disk).expect("open");
        assert!(opened.contents() == flatten(&batches));
        assert_eq!(opened.recovery.damage, None);
        assert_eq!(opened.recovery.findings, []);
    }
}

#[test]
fn a_failed_sync_stops_the_stream() {
    let disk = MemoryDisk::new();
    let (mut storage, _) = open(&disk).expect("open");
    fill(&mut storage, 2, &mut Random::new(1));
    let batch = OwnedBatch {
        vote_state: 3_u64.to_le_bytes().to_vec(),
        records: vec![(0, vec![3; 10])],
    };
    batch.append(&mut storage).expect("append");
    disk.fail_sync(disk.syncs());
    assert!(matches!(storage.sync(), Err(WriteError::Disk { .. })));
    assert!(matches!(storage.sync(), Err(WriteError::Stopped { .. })));
    assert!(matches!(
        batch.append(&mut storage),
        Err(WriteError::Stopped { .. })
    ));
    assert_eq!(storage.synced_sequence(), 2);
}

#[test]
fn a_full_disk_is_told_and_passes() {
    let disk = MemoryDisk::new();
    let segment = SMALL.segment_bytes as u64;
    disk.set_capacity(Some(segment - 1));
    assert!(matches!(open(&disk), Err(OpenError::DiskFull { .. })));
    disk.set_capacity(Some(2 * segment));
    let (mut storage, _) = open(&disk).expect("open");
    let mut random = Random::new(1);
    let mut batches = Vec::new();
    let full = loop {
        let batch = OwnedBatch::random(batches.len() as u64 + 1, &mut random);
        match batch.append(&mut storage) {
            Ok(_) => batches.push(batch),
            Err(error) => break error,
        }
        storage.sync().expect("sync");
    };
    assert!(matches!(full, WriteError::DiskFull { .. }), "{full}");
    disk.set_capacity(None);
    let number = batches.len() as u64 + 1;
    let batch = OwnedBatch::random(number, &mut random);
    batch
        .append(&mut storage)
        .expect("append once there is room");
    storage.sync().expect("sync");
    batches.push(batch);
    drop(storage);
    let (_, opened) = open(&disk).expect("open");
    assert_eq!(opened.contents(), flatten(&batches));
}

#[test]
fn a_directory_is_bound_to_its_network_and_node() {
    let disk = MemoryDisk::new();
    drop(open(&disk).expect("open"));
    let open_as = |identity| {
        Storage::open(Arc::new(disk.clone()), identity, SMALL, |_| {}).map(|(_, recovery)| recovery)
    };
    let other_network = Identity {
        network: [0; 32],
        ..IDENTITY
    };
    let other_node = Identity {
        node: [0; 32],
        ..IDENTITY
    };
    let refused = open_as(other_network);
    assert!(matches!(refused, Err(OpenError::OtherNetwork { .. })));
    let refused = open_as(other_node);
    assert!(matches!(refused, Err(OpenError::OtherNode { .. })));
    open_as(IDENTITY).expect("its own identity");
}

#[test]
fn segment_sizes_out_of_limits_are_refused() {
    for segment_bytes in [0, 4096, SEGMENT_BYTES_MAX + 1, usize::MAX] {
        let options = Options {
            segment_bytes,
            ..SMALL
        };
        let refused = open_with(&MemoryDisk::new(), options);
        assert!(matches!(refused, Err(OpenError::SegmentSize { .. })));
    }
}

#[test]
fn a_real_directory_works_and_is_locked() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("data");
    let options = Options {
        segment_bytes: 64 << 10,
        prepare_ahead: true,
    };
    let open_real = || {
        let disk = Arc::new(DirectoryDisk::new(&path).expect("directory"));
        let mut records = Vec::new();
        let opened = Storage::open(disk, IDENTITY, options, |recovered| {
            if let storage::Recovered::Record { kind, bytes, .. } = recovered {
                records.push((kind, bytes.to_vec()));
            }
        });
        opened.map(|(storage, recovery)| (storage, recovery, records))
    };
    let (mut storage, ..) = open_real().expect("open");
    let locked = open_real().map(|_| ()).expect_err("locked");
    assert!(matches!(locked, OpenError::Locked { .. }));
    assert!(locked.to_string().contains("data is in use"), "{locked}");
    let batches = fill(&mut storage, 60, &mut Random::new(4));
    drop(storage);
    let (mut storage, recovery, records) = open_real().expect("open");
    assert_eq!(recovery.damage, None);
    assert_eq!(recovery.findings, []);
    assert_eq!(records, flatten(&batches));
    fill(&mut storage, 1, &mut Random::new(5));
}

#[test]
fn a_real_file_cut_short_is_damage() {
    let directory = tempfile::tempdir().expect("directory");
    let disk = Arc::new(DirectoryDisk::new(directory.path()).expect("directory"));
    let (mut storage, _) = Storage::open(disk.clone(), IDENTITY, SMALL, |_| {}).expect("open");
    fill(&mut storage, 2, &mut Random::new(4));
    drop(storage);
    let path = directory.path().join("0000000001.segment");
    let file = std::fs::OpenOptions::new().write(true).open(path);
    file.and_then(|file| file.set_len(1000)).expect("cut");
    let (_, recovery) = Storage::open(disk, IDENTITY, SMALL, |_| {}).expect("open");
    assert_eq!(recovery.damage, Some(Damage::VoteStateLost));
}

#[test]
fn the_memory_disk_loses_what_is_not_synced() {
    let disk = MemoryDisk::new();
    let file: Arc<dyn DiskFile> = disk.create("file").expect("create");
    file.write_at(0, &[1; 2000]).expect("write");
    file.sync().expect("sync");
    disk.sync_directory().expect("sync");
    file.write_at(0, &[2; 2000]).expect("write");
    let read = |disk: &MemoryDisk| {
        let mut bytes = vec![0; 2000];
        let file = disk.open("file").expect("open");
        file.read_at(0, &mut bytes).expect("read");
        bytes
    };
    let torn = disk.fork();
    torn.restart(CrashOutcome::SomeReach(3));
    let sectors: Vec<u8> = read(&torn).chunks(512).map(|sector| sector[0]).collect();
    assert!(sectors.contains(&1) && sectors.contains(&2), "{sectors:?}");
    disk.restart(CrashOutcome::NothingReaches);
    assert_eq!(read(&disk), [1; 2000]);
    assert!(file.sync().is_err(), "handles die with the machine");
}
