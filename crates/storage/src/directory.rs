//! The real disk: one directory of the file system.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, fdatasync, flock};
use rustix::io::Errno;

use crate::disk::{Disk, DiskFile, DiskLock};
use crate::format::segment_number;

const LOCK_FILE: &str = "lock";

/// A directory of the file system, readable by its owner only.
#[derive(Debug)]
pub struct DirectoryDisk {
    path: PathBuf,
    writable: bool,
}

impl DirectoryDisk {
    /// Uses the directory at `path`, creating it (mode 0700) if it is not there.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        if !path.is_dir() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)?;
            // The new directory must not vanish in a crash after its first synced batch.
            let created = path.canonicalize()?;
            if let Some(parent) = created.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(Self {
            path,
            writable: true,
        })
    }

    /// Uses the directory at `path` without ever changing anything in it, which therefore may lie on
    /// a read-only file system. Whoever writes to it meanwhile is noticed; it is not kept from
    /// starting where no lock file was ever made.
    pub fn read_only(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            writable: false,
        }
    }

    /// How many segments the stream has, the blank one that waits included.
    pub fn segments(&self) -> io::Result<u64> {
        let names = self.list()?;
        let segments = names.iter().filter(|name| segment_number(name).is_some());
        Ok(segments.count() as u64)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn options(&self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(self.writable).mode(0o600);
        options
    }

    fn check_writable(&self) -> io::Result<()> {
        if self.writable {
            return Ok(());
        }
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

impl Disk for DirectoryDisk {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn lock(&self) -> io::Result<Option<Box<dyn DiskLock>>> {
        let opened = self
            .options()
            .create(self.writable)
            .truncate(false)
            .open(self.path.join(LOCK_FILE));
        let file = match opened {
            // Nobody ever wrote here, or the lock was not copied along.
            Err(error) if !self.writable && error.kind() == io::ErrorKind::NotFound => {
                return Ok(Some(Box::new(NoLock)));
            }
            opened => opened?,
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Box::new(FileLock(file)))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // A name that is not UTF-8 is not one of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.check_writable()?;
        let file = self
            .options()
            .create(true)
            .truncate(true)
            .open(self.path.join(name))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(
            self.options().open(self.path.join(name))?,
        )))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.check_writable()?;
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.check_writable()?;
        fs::remove_file(self.path.join(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn unpredictable(&self) -> io::Result<u64> {
        getrandom::u64().map_err(io::Error::other)
    }
}

/// The open file holds the lock; closing it, also by the end of the process, releases it.
struct FileLock(#[expect(dead_code, reason = "held, never read")] File);

impl DiskLock for FileLock {}

/// There is nothing to lock.
struct NoLock;

impl DiskLock for NoLock {}

struct RealFile(File);

impl DiskFile for RealFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        // A retry after a failed sync may report success for pages that were dropped, so
        // only an interrupted call is repeated.
        Ok(rustix::io::retry_on_intr(|| fdatasync(&self.0))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That the kernel is asked, and believed, can be seen where it says no: /dev/null takes writes
    /// and cannot be synced.
    #[test]
    fn a_sync_asks_the_kernel_and_believes_it() {
        let disk = DirectoryDisk {
            writable: true,
            path: "/dev".into(),
        };
        let file = disk.open("null").unwrap();
        file.write_at(0, b"taken").unwrap();
        assert_eq!(file.sync().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let disk = DirectoryDisk {
            writable: true,
            path: "/dev/null".into(),
        };
        assert_eq!(
            disk.sync_directory().unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
    }
}
