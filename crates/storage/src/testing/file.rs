//! A file with what is durable, what is seen, and the writes in between.

use crate::testing::CrashOutcome;
use crate::testing::Random;

/// What a disk writes at once or not at all.
const SECTOR_BYTES: usize = 512;
/// What a cache keeps or lets go of at once.
const PAGE_BYTES: usize = 4096;

/// A write that is not synced.
#[derive(Clone)]
struct Write {
    offset: usize,
    bytes: Vec<u8>,
}

/// One file.
#[derive(Clone, Default)]
pub(super) struct File {
    /// What readers see.
    pub seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Write>,
}

impl File {
    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        apply(&mut self.seen, offset, bytes);
        self.pending.push(Write {
            offset,
            bytes: bytes.to_vec(),
        });
    }

    pub fn sync(&mut self) {
        for write in self.pending.drain(..) {
            apply(&mut self.durable, write.offset, &write.bytes);
        }
    }

    /// A sync that fails, as on Linux: some sectors reach the disk, and the others are seen as
    /// before, but count as written, so that no later sync writes them.
    pub fn fail_sync(&mut self, outcome: CrashOutcome, random: &mut Random) {
        self.write_back(outcome, random);
    }

    /// The cache lets go of some pages that count as written. They are read from the disk again.
    pub fn evict(&mut self, random: &mut Random) {
        for start in (0..self.seen.len()).step_by(PAGE_BYTES) {
            let page = start..(start + PAGE_BYTES).min(self.seen.len());
            let dirty = |write: &Write| {
                write.offset < page.end && page.start < write.offset + write.bytes.len()
            };
            if random.coin() && !self.pending.iter().any(dirty) {
                let mut durable = self.durable.get(start..).unwrap_or_default().to_vec();
                durable.resize(page.len(), 0);
                self.seen[page].copy_from_slice(&durable);
            }
        }
    }

    /// Changes what is durable behind the writer's back.
    pub fn tamper(&mut self, change: impl Fn(&mut Vec<u8>)) {
        change(&mut self.seen);
        change(&mut self.durable);
    }

    /// Loses the cache: of the writes since the last sync, some sectors reach the disk.
    pub fn crash(&mut self, outcome: CrashOutcome, random: &mut Random) {
        self.write_back(outcome, random);
        self.seen.clone_from(&self.durable);
    }

    /// Takes what is not synced off the list; some sectors of it reach the disk.
    fn write_back(&mut self, outcome: CrashOutcome, random: &mut Random) {
        let sectors: Vec<Write> = self.pending.drain(..).flat_map(split).collect();
        let limit = random.below(sectors.len() as u64 + 1) as usize;
        let count = sectors.len();
        for (index, sector) in sectors.into_iter().enumerate() {
            let reaches = match outcome {
                CrashOutcome::NothingReaches => false,
                CrashOutcome::AllReaches => true,
                CrashOutcome::FirstReach(_) => index < limit,
                CrashOutcome::LastReach(_) => index >= count - limit,
                CrashOutcome::SomeReach(_) => random.coin(),
                CrashOutcome::OneIsLost(_) => index != limit,
            };
            if reaches {
                apply(&mut self.durable, sector.offset, &sector.bytes);
            }
        }
    }
}

fn apply(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(written);
}

fn split(write: Write) -> Vec<Write> {
    let mut sectors = Vec::new();
    let mut start = 0;
    while start < write.bytes.len() {
        let offset = write.offset + start;
        let count = (SECTOR_BYTES - offset % SECTOR_BYTES).min(write.bytes.len() - start);
        sectors.push(Write {
            offset,
            bytes: write.bytes[start..start + count].to_vec(),
        });
        start += count;
    }
    sectors
}
