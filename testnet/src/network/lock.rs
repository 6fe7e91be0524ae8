//! Locks on files: one command changes a network at a time, and a node's process proves by its
//! lock that it lives. The kernel drops a lock with its process, however that ends.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::failure::{Failure, Outcome};

/// How long a command waits for another one to end. Starting a network takes the longest.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Opens the file to be locked, making it if it is missing.
///
/// # Errors
/// Those of the operating system.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(path)
}

/// Whether the lock was free; it is held by `file` then.
///
/// # Errors
/// Those of the operating system.
pub fn try_lock(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether somebody holds the lock. Takes no lock that others could notice.
///
/// # Errors
/// Those of the operating system.
pub fn is_held(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            flock(file, FlockOperation::Unlock)?;
            Ok(false)
        }
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

impl Lock {
    /// Waits for the lock on that file.
    ///
    /// # Errors
    /// If another command holds it for longer than half a minute.
    pub fn wait(path: &Path) -> Outcome<Self> {
        let fail = |error: io::Error| Failure::system(format!("lock {}", path.display()), error);
        let file = open(path).map_err(fail)?;
        let deadline = Instant::now() + PATIENCE;
        while !try_lock(&file).map_err(fail)? {
            if Instant::now() >= deadline {
                return Err(Failure::state(
                    "another testnet command is still changing this network",
                )
                .next("Wait for it to end, or stop it, and repeat this command."));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_seen_by_others_and_ends_with_its_file() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let (holder, other) = (open(&path).unwrap(), open(&path).unwrap());
        assert!(!is_held(&other).unwrap());
        assert!(try_lock(&holder).unwrap());
        assert!(is_held(&other).unwrap());
        assert!(!try_lock(&other).unwrap());
        drop(holder);
        assert!(!is_held(&other).unwrap());
        assert!(try_lock(&other).unwrap());
    }
}
