//! A scripted workload and what recovery may answer to it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use storage::testing::{MemoryDisk, Random};
use storage::{
    Batch, Identity, OpenError, Options, Position, Record, Recovered, Recovery, Storage, WriteError,
};

pub const IDENTITY: Identity = Identity {
    network: [0xaa; 32],
    node: [0xbb; 32],
};

/// Small segments, disk operations always in the same order.
pub const SMALL: Options = Options {
    segment_bytes: 9 * 4096,
    prepare_ahead: false,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBatch {
    /// Begins with a number that grows from batch to batch.
    pub vote_state: Vec<u8>,
    pub records: Vec<(u8, Vec<u8>)>,
}

impl OwnedBatch {
    /// Different sizes: none, several and many records, some batches longer than a block, and
    /// vote states up to their limit.
    pub fn random(number: u64, random: &mut Random) -> Self {
        let mut vote_state = number.to_le_bytes().to_vec();
        vote_state.resize(8 + random.below(200) as usize, number as u8);
        if random.below(5) == 0 {
            vote_state.resize(1024, 0xee);
        }
        let records = (0..random.below(5))
            .map(|_| {
                let length = match random.below(6) {
                    0 => 0,
                    1 => random.below(6000),
                    _ => random.below(300),
                };
                let bytes = (0..length).map(|_| random.number() as u8).collect();
                (random.number() as u8, bytes)
            })
            .collect();
        Self {
            vote_state,
            records,
        }
    }

    pub fn number(&self) -> u64 {
        vote_number(&self.vote_state)
    }

    pub fn append(&self, storage: &mut Storage) -> Result<Vec<Position>, WriteError> {
        let records: Vec<Record<'_>> = self
            .records
            .iter()
            .map(|(kind, bytes)| Record { kind: *kind, bytes })
            .collect();
        storage.append(&Batch {
            vote_state: &self.vote_state,
            records: &records,
        })
    }
}

pub fn vote_number(vote_state: &[u8]) -> u64 {
    u64::from_le_bytes(vote_state[..8].try_into().expect("eight bytes"))
}

/// What opening handed over.
#[derive(Debug)]
pub struct Opened {
    pub recovery: Recovery,
    pub records: Vec<(Position, u8, Vec<u8>)>,
    pub lost_bodies: Vec<Position>,
    pub gaps: usize,
}

impl Opened {
    pub fn contents(&self) -> Vec<(u8, Vec<u8>)> {
        let records = self.records.iter();
        records
            .map(|(_, kind, bytes)| (*kind, bytes.clone()))
            .collect()
    }
}

pub fn open(disk: &MemoryDisk) -> Result<(Storage, Opened), OpenError> {
    open_with(disk, SMALL)
}

pub fn open_with(disk: &MemoryDisk, options: Options) -> Result<(Storage, Opened), OpenError> {
    let mut records = Vec::new();
    let mut lost_bodies = Vec::new();
    let mut gaps = 0;
    let (storage, recovery) = Storage::open(
        Arc::new(disk.clone()),
        IDENTITY,
        options,
        |recovered| match recovered {
            Recovered::Record {
                position,
                kind,
                bytes,
            } => records.push((position, kind, bytes.to_vec())),
            Recovered::LostBody { position, .. } => lost_bodies.push(position),
            Recovered::LostRecords { .. } => gaps += 1,
        },
    )?;
    let opened = Opened {
        recovery,
        records,
        lost_bodies,
        gaps,
    };
    Ok((storage, opened))
}

pub fn flatten(batches: &[OwnedBatch]) -> Vec<(u8, Vec<u8>)> {
    batches
        .iter()
        .flat_map(|batch| batch.records.iter().cloned())
        .collect()
}

/// Appends batches, each synced alone, and returns them.
pub fn fill(storage: &mut Storage, count: u64, random: &mut Random) -> Vec<OwnedBatch> {
    let first = storage.last_sequence() + 1;
    (first..first + count)
        .map(|number| {
            let batch = OwnedBatch::random(number, random);
            batch.append(storage).expect("append");
            storage.sync().expect("sync");
            batch
        })
        .collect()
}
