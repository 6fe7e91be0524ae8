//! The disk itself: a directory whose changes are volatile too, and faults on demand.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, DiskLock};
use crate::testing::Random;
use crate::testing::file::File;

/// Which sectors of the writes since the last sync reach the disk in a crash. The number seeds
/// the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashOutcome {
    /// None.
    NothingReaches,
    /// All.
    AllReaches,
    /// The first ones, in the order written.
    FirstReach(u64),
    /// The last ones, in the order written.
    LastReach(u64),
    /// Any.
    SomeReach(u64),
    /// All but one.
    OneIsLost(u64),
}

impl CrashOutcome {
    fn random(self) -> Random {
        Random::new(match self {
            Self::NothingReaches | Self::AllReaches => 0,
            Self::FirstReach(seed)
            | Self::LastReach(seed)
            | Self::SomeReach(seed)
            | Self::OneIsLost(seed) => seed,
        })
    }
}

/// A disk in memory with a volatile write cache. Clones are the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Contents>>);

#[derive(Clone, Default)]
struct Contents {
    /// Names as seen, with the identifiers of files.
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    pending_names: Vec<NameChange>,
    files: BTreeMap<u64, File>,
    created: u64,
    locked: bool,
    /// Increased by a crash: handles from before are dead.
    life: u64,
    operations: u64,
    syncs: u64,
    crash_at: Option<u64>,
    crashed: bool,
    failing_sync: Option<(u64, CrashOutcome)>,
    /// Bytes that reach the cache of the write that a crash interrupts; none: all.
    cut: Option<usize>,
    capacity: Option<u64>,
    numbers: u64,
}

#[derive(Clone)]
enum NameChange {
    Set(String, u64),
    Remove(String),
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Set(name, file) => names.insert(name.clone(), *file),
            Self::Remove(name) => names.remove(name),
        };
    }
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// An independent copy, unlocked.
    pub fn fork(&self) -> Self {
        let mut contents = self.contents().clone();
        contents.locked = false;
        Self(Arc::new(Mutex::new(contents)))
    }

    /// Writes, syncs and changes of names so far.
    pub fn operations(&self) -> u64 {
        self.contents().operations
    }

    /// Syncs of files so far.
    pub fn syncs(&self) -> u64 {
        self.contents().syncs
    }

    /// The operation with this number, counted as [`operations`](Self::operations) does, does
    /// not complete, and everything after it fails until [`restart`](Self::restart).
    pub fn crash_at(&self, operation: u64) {
        self.contents().crash_at = Some(operation);
    }

    /// As [`crash_at`](Self::crash_at), but if that operation is a write, only its first `kept` bytes
    /// are seen afterwards: the kernel cuts a write short when its process is killed.
    pub fn cut_at(&self, operation: u64, kept: usize) {
        let mut contents = self.contents();
        contents.crash_at = Some(operation);
        contents.cut = Some(kept);
    }

    /// True once the crash has happened.
    pub fn has_crashed(&self) -> bool {
        self.contents().crashed
    }

    /// Loses the cache, as in a loss of power, and comes up again.
    pub fn restart(&self, outcome: CrashOutcome) {
        let mut contents = self.contents();
        let mut random = outcome.random();
        let changes = std::mem::take(&mut contents.pending_names);
        // A journalling file system keeps the order of its own changes.
        let reaching = match outcome {
            CrashOutcome::NothingReaches => 0,
            CrashOutcome::AllReaches => changes.len(),
            _ => random.below(changes.len() as u64 + 1) as usize,
        };
        for change in &changes[..reaching] {
            change.apply(&mut contents.durable_names);
        }
        contents.names = contents.durable_names.clone();
        let kept: Vec<u64> = contents.names.values().copied().collect();
        contents.files.retain(|file, _| kept.contains(file));
        for file in contents.files.values_mut() {
            file.crash(outcome, &mut random);
        }
        contents.begin_life();
    }

    /// Ends the process, not the machine: the cache survives, unsynced as it is.
    pub fn kill(&self) {
        self.contents().begin_life();
    }

    /// The sync of a file with this number, counted as [`syncs`](Self::syncs) does, fails, and
    /// nothing of it reaches the disk. As on Linux, what was to be synced is still seen but counts as
    /// written: a later sync succeeds and does not write it.
    pub fn fail_sync(&self, sync: u64) {
        self.fail_sync_partly(sync, CrashOutcome::NothingReaches);
    }

    /// As [`fail_sync`](Self::fail_sync), but of the writes since the last sync some sectors reach
    /// the disk.
    pub fn fail_sync_partly(&self, sync: u64, outcome: CrashOutcome) {
        self.contents().failing_sync = Some((sync, outcome));
    }

    /// The cache lets go of some pages that count as written, chosen by the seed: what a failed sync
    /// dropped is then not seen any more.
    pub fn evict(&self, seed: u64) {
        let mut random = Random::new(seed);
        for file in self.contents().files.values_mut() {
            file.evict(&mut random);
        }
    }

    /// Limits the length of all files together, in bytes.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.contents().capacity = bytes;
    }

    /// Names of all files, sorted.
    pub fn names(&self) -> Vec<String> {
        self.contents().names.keys().cloned().collect()
    }

    /// The bytes of a file; none if there is no such file.
    pub fn bytes_of(&self, name: &str) -> Vec<u8> {
        let contents = self.contents();
        let file = contents.names.get(name);
        let file = file.and_then(|file| contents.files.get(file));
        file.map(|file| file.seen.clone()).unwrap_or_default()
    }

    /// Length of a file in bytes; 0 if there is none.
    pub fn length_of(&self, name: &str) -> usize {
        self.bytes_of(name).len()
    }

    /// Changes the bytes of a file, on the disk and in the cache.
    pub fn tamper(&self, name: &str, change: impl Fn(&mut Vec<u8>)) {
        let mut contents = self.contents();
        if let Some(file) = contents.names.get(name).copied()
            && let Some(file) = contents.files.get_mut(&file)
        {
            file.tamper(change);
        }
    }

    /// Flips the bits of `mask` in one byte of a file.
    pub fn flip(&self, name: &str, offset: usize, mask: u8) {
        self.tamper(name, |bytes| bytes[offset] ^= mask);
    }

    /// Cuts a file.
    pub fn truncate(&self, name: &str, length: usize) {
        self.tamper(name, |bytes| bytes.truncate(length));
    }

    /// Removes a file for good.
    pub fn delete(&self, name: &str) {
        let mut contents = self.contents();
        contents.names.remove(name);
        contents.durable_names.remove(name);
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, contents: &Contents, file: u64) -> Arc<dyn DiskFile> {
        Arc::new(Handle {
            disk: self.clone(),
            file,
            life: contents.life,
        })
    }
}

impl Contents {
    fn begin_life(&mut self) {
        self.life += 1;
        self.locked = false;
        self.crashed = false;
        self.crash_at = None;
        self.cut = None;
        self.failing_sync = None;
    }

    fn check(&self, life: u64) -> io::Result<()> {
        if self.crashed || self.life != life {
            return Err(io::Error::other("the machine has crashed"));
        }
        Ok(())
    }

    /// Counts an operation that changes the disk. An error: the crash comes now.
    fn count(&mut self, life: u64) -> io::Result<()> {
        self.check(life)?;
        self.crashed = self.crash_at == Some(self.operations);
        self.operations += 1;
        self.check(life)
    }

    fn change_names(&mut self, changes: impl IntoIterator<Item = NameChange>) -> io::Result<()> {
        let counted = self.count(self.life);
        for change in changes {
            change.apply(&mut self.names);
            self.pending_names.push(change);
        }
        counted
    }

    fn find(&self, name: &str) -> io::Result<u64> {
        let found = self.names.get(name).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for MemoryDisk {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn lock(&self) -> io::Result<Option<Box<dyn DiskLock>>> {
        let mut contents = self.contents();
        contents.check(contents.life)?;
        if contents.locked {
            return Ok(None);
        }
        contents.locked = true;
        Ok(Some(Box::new(Lock {
            disk: self.clone(),
            life: contents.life,
        })))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let contents = self.contents();
        contents.check(contents.life)?;
        Ok(contents.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut contents = self.contents();
        contents.created += 1;
        let file = contents.created;
        contents.files.insert(file, File::default());
        contents.change_names([NameChange::Set(name.to_owned(), file)])?;
        Ok(self.handle(&contents, file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let contents = self.contents();
        contents.check(contents.life)?;
        let file = contents.find(name)?;
        Ok(self.handle(&contents, file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut contents = self.contents();
        let file = contents.find(from)?;
        // Both names change in one step of the journal.
        contents.change_names([
            NameChange::Set(to.to_owned(), file),
            NameChange::Remove(from.to_owned()),
        ])
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut contents = self.contents();
        contents.find(name)?;
        contents.change_names([NameChange::Remove(name.to_owned())])
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut contents = self.contents();
        let life = contents.life;
        contents.count(life)?;
        contents.pending_names.clear();
        contents.durable_names = contents.names.clone();
        Ok(())
    }

    fn unpredictable(&self) -> io::Result<u64> {
        let mut contents = self.contents();
        contents.numbers += 1;
        Ok(Random::new(contents.numbers).number())
    }
}

struct Lock {
    disk: MemoryDisk,
    life: u64,
}

impl DiskLock for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut contents = self.disk.contents();
        if contents.life == self.life {
            contents.locked = false;
        }
    }
}

struct Handle {
    disk: MemoryDisk,
    file: u64,
    life: u64,
}

impl Handle {
    fn with<T>(
        &self,
        use_file: impl FnOnce(&mut Contents, &mut File) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut contents = self.disk.contents();
        let Some(mut file) = contents.files.remove(&self.file) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let result = use_file(&mut contents, &mut file);
        contents.files.insert(self.file, file);
        result
    }
}

impl DiskFile for Handle {
    fn length(&self) -> io::Result<u64> {
        self.with(|contents, file| {
            contents.check(self.life)?;
            Ok(file.seen.len() as u64)
        })
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.with(|contents, file| {
            contents.check(self.life)?;
            let bytes = usize::try_from(offset)
                .ok()
                .and_then(|start| file.seen.get(start..)?.get(..buffer.len()))
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.with(|contents, file| {
            contents.check(self.life)?;
            let offset = usize::try_from(offset).map_err(io::Error::other)?;
            let grown = (offset + bytes.len()).saturating_sub(file.seen.len()) as u64;
            let named = contents
                .names
                .values()
                .filter_map(|id| contents.files.get(id));
            let used = named.map(|file| file.seen.len()).sum::<usize>() + file.seen.len();
            let total = used as u64 + grown;
            if grown > 0 && contents.capacity.is_some_and(|capacity| total > capacity) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            // A write that a crash interrupts may have reached the cache, in whole or in part.
            let counted = contents.count(self.life);
            let seen = match contents.cut.filter(|_| counted.is_err()) {
                Some(kept) => kept.min(bytes.len()),
                None => bytes.len(),
            };
            file.write(offset, &bytes[..seen]);
            counted
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|contents, file| {
            contents.count(self.life)?;
            let number = contents.syncs;
            contents.syncs += 1;
            if let Some((_, outcome)) = contents.failing_sync.filter(|(sync, _)| *sync == number) {
                file.fail_sync(outcome, &mut outcome.random());
                return Err(io::Error::other("the disk failed to sync"));
            }
            file.sync();
            Ok(())
        })
    }
}
