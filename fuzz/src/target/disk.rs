//! What a node reads from its own disk: records, vote state, and the log's segments.

use std::sync::{Arc, LazyLock};

use consensus::{Record, Recovery, VoteState};
use storage::{
    Batch, Damage, Identity, OpenError, Options, Record as Stored, Recovered, Storage,
    testing::{MemoryDisk, Random},
};

use super::{Memory, Target, statements::canonical};
use crate::{input::Input, network::network};

pub(super) const VOTE_STATE: Target = Target {
    name: "vote-state",
    about: "the vote state that a node restarts from: one encoding",
    run: |input| {
        let _ = canonical::<VoteState>(input);
    },
    memory: Memory {
        factor: 64,
        fixed: 8 << 10,
    },
    longest: 1 << 10,
    replayed: 160_000,
};

pub(super) const RECORDS: Target = Target {
    name: "records",
    about: "records of the log in any order: one encoding each; folding them never panics",
    run: records,
    memory: Memory {
        factor: 256,
        fixed: 32 << 10,
    },
    longest: 32 << 10,
    replayed: 48_000,
};

/// Kinds and blocks, one after the other.
fn records(input: &[u8]) {
    let mut input = Input(input);
    let configuration = &network(0).configuration;
    let mut recovery = Recovery::default();
    let mut place = 0_u32;
    while !input.is_empty() {
        let kind = input.byte();
        let bytes = input.block();
        match Record::from_bytes(configuration, kind, bytes) {
            Ok(record) => {
                assert_eq!(record.to_bytes(), (kind, bytes.to_vec()), "one encoding");
                recovery.record(place, record);
            }
            Err(error) => drop(error.to_string()),
        }
        place += 1;
    }
    assert!(recovery.committed().0 <= recovery.chain.len() as u64);
}

const IDENTITY: Identity = Identity {
    network: [0xaa; 32],
    node: [0xbb; 32],
};
const SEGMENT_BYTES: usize = 7 * 4096;
const OPTIONS: Options = Options {
    segment_bytes: SEGMENT_BYTES,
    prepare_ahead: false,
};

/// What opening a disk gives.
#[derive(Debug, PartialEq, Eq)]
struct Opened {
    vote_state: Option<Vec<u8>>,
    records: Vec<(u8, Vec<u8>)>,
    damage: Option<Damage>,
    unusable: bool,
}

fn open(disk: &MemoryDisk) -> Result<Opened, OpenError> {
    let mut records = Vec::new();
    let (storage, recovery) =
        Storage::open(Arc::new(disk.clone()), IDENTITY, OPTIONS, |recovered| {
            if let Recovered::Record { kind, bytes, .. } = recovered {
                records.push((kind, bytes.to_vec()));
            }
        })?;
    drop(storage);
    Ok(Opened {
        unusable: recovery.damage == Some(Damage::VoteStateLost),
        vote_state: recovery.vote_state,
        damage: recovery.damage,
        records,
    })
}

/// What a node does that was not told to stop: appends, syncs, and finds it again.
fn goes_on(disk: &MemoryDisk, opened: &Opened) {
    if opened.unusable {
        return;
    }
    let (mut storage, _) = Storage::open(Arc::new(disk.clone()), IDENTITY, OPTIONS, |_| {})
        .expect("it was opened before");
    let batch = Batch {
        vote_state: b"the newest",
        records: &[Stored {
            kind: 77,
            bytes: b"new",
        }],
    };
    if storage.append(&batch).is_err() || storage.sync().is_err() {
        return;
    }
    drop(storage);
    let again = open(disk).expect("what was just written can be read");
    assert_eq!(again.vote_state.as_deref(), Some(&b"the newest"[..]));
    assert_eq!(again.records.last(), Some(&(77, b"new".to_vec())));
}

pub(super) const SEGMENT: Target = Target {
    name: "segment",
    about: "arbitrary bytes where the log's segments are: opening never panics, opening again finds the same, and what is written then is found",
    run: segment,
    memory: Memory {
        factor: 64,
        fixed: 2 << 20,
    },
    longest: 4 << 10,
    replayed: 12_000,
};

/// Two segment files; the input is a list of writes to them: file and block, place in the block,
/// and bytes.
fn segment(input: &[u8]) {
    let disk = MemoryDisk::new();
    let mut input = Input(input);
    let names = ["0000000001.segment", "0000000002.segment"];
    let used = 1 + usize::from(input.byte() & 1);
    for name in &names[..used] {
        create(&disk, name);
    }
    while !input.is_empty() {
        let place = input.byte();
        let name = names[usize::from(place >> 7) % used];
        let offset = usize::from(place & 127) % 7 * 4096 + usize::from(input.number()) % 4096;
        let bytes = input.block();
        disk.tamper(name, |file| {
            let end = (offset + bytes.len()).min(file.len());
            file[offset..end].copy_from_slice(&bytes[..end - offset]);
        });
    }
    let Ok(first) = open(&disk) else {
        return;
    };
    let second = open(&disk).expect("it was opened before");
    assert_eq!(first.vote_state, second.vote_state);
    assert_eq!(first.records, second.records);
    goes_on(&disk, &second);
}

fn create(disk: &MemoryDisk, name: &str) {
    use storage::Disk;
    let file = disk.create(name).expect("a disk without faults");
    file.write_at(0, &[0; SEGMENT_BYTES])
        .and_then(|()| file.sync())
        .and_then(|()| disk.sync_directory())
        .expect("a disk without faults");
}

pub(super) const DAMAGE: Target = Target {
    name: "damage",
    about: "a log with a known history, damaged: nothing is invented, and damage in one place never brings back an older vote unsaid",
    run: damage,
    memory: Memory {
        factor: 256,
        fixed: 4 << 20,
    },
    longest: 256,
    replayed: 12_000,
};

/// A log of synced batches, and what was appended.
struct History {
    disk: MemoryDisk,
    votes: Vec<Vec<u8>>,
    records: Vec<(u8, Vec<u8>)>,
}

fn history(length: u8) -> &'static History {
    static HISTORIES: LazyLock<Vec<History>> =
        LazyLock::new(|| (0..16).map(make_history).collect());
    &HISTORIES[usize::from(length & 15)]
}

fn make_history(length: u64) -> History {
    let disk = MemoryDisk::new();
    let (mut storage, _) =
        Storage::open(Arc::new(disk.clone()), IDENTITY, OPTIONS, |_| {}).expect("an empty disk");
    let mut random = Random::new(length);
    let (mut votes, mut all) = (Vec::new(), Vec::new());
    for number in 0..length {
        let mut vote = number.to_le_bytes().to_vec();
        vote.resize(8 + usize::try_from(random.below(100)).expect("small"), 7);
        let records: Vec<(u8, Vec<u8>)> = (0..random.below(4))
            .map(|_| {
                let kind = random.number().to_le_bytes()[0];
                let bytes = (0..random.below(900)).map(|_| random.number().to_le_bytes()[0]);
                (kind, bytes.collect())
            })
            .collect();
        let stored: Vec<Stored<'_>> = records
            .iter()
            .map(|(kind, bytes)| Stored { kind: *kind, bytes })
            .collect();
        let batch = Batch {
            vote_state: &vote,
            records: &stored,
        };
        storage.append(&batch).expect("a disk without faults");
        storage.sync().expect("a disk without faults");
        votes.push(vote);
        all.extend(records);
    }
    drop(storage);
    History {
        disk,
        votes,
        records: all,
    }
}

/// The history's length, then damages: kind, file, block, place in the block, length, mask.
fn damage(input: &[u8]) {
    let mut input = Input(input);
    let history = history(input.byte());
    let disk = history.disk.fork();
    let names = disk.names();
    let segments: Vec<&String> = names
        .iter()
        .filter(|name| name.ends_with("segment"))
        .collect();
    let mut damages = 0;
    while !input.is_empty() && damages < 8 {
        let kind = input.byte();
        let name = segments[usize::from(input.byte()) % segments.len()];
        let start = usize::from(input.byte()) % 7 * 4096;
        let offset = start + usize::from(input.number()) % 4096;
        let length = 1 + usize::from(input.number()) % 4096;
        let mask = input.byte().max(1);
        disk.tamper(name, |file| {
            // One place is what one block holds.
            let end = (offset + length).min(start + 4096).min(file.len());
            let Some(place) = file.get_mut(offset..end) else {
                return;
            };
            match kind % 4 {
                0 => place.iter_mut().for_each(|byte| *byte ^= mask),
                1 => place.iter_mut().take(1).for_each(|byte| *byte ^= mask),
                2 => place.fill(0),
                _ => file.truncate(offset),
            }
        });
        damages += 1;
    }
    let Ok(opened) = open(&disk) else {
        return;
    };
    let mut left = history.records.iter();
    assert!(
        opened
            .records
            .iter()
            .all(|record| left.any(|known| known == record)),
        "a record was invented or has moved"
    );
    if let Some(vote) = &opened.vote_state {
        assert!(history.votes.contains(vote), "a vote state was invented");
    }
    if damages <= 1 && opened.damage.is_none() {
        assert_eq!(
            opened.vote_state.as_ref(),
            history.votes.last(),
            "an older vote came back, and nothing was said"
        );
    }
    if damages <= 1 && !opened.unusable {
        assert_eq!(opened.vote_state.as_ref(), history.votes.last());
    }
    goes_on(&disk, &opened);
}

/// The segment files of the history of that length, in order.
pub(crate) fn segments(length: u8) -> Vec<Vec<u8>> {
    let disk = &history(length).disk;
    let names = disk.names();
    let segments = names.iter().filter(|name| name.ends_with("segment"));
    segments.map(|name| disk.bytes_of(name)).collect()
}
