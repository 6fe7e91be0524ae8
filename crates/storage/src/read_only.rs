//! Reading a stream without writing to it.

use crate::disk::Disk;
use crate::error::OpenError;
use crate::format::Identity;
use crate::recovery::{Recovered, Recovery, scan};

/// Hands every record of a directory's stream to `visit`, in order, and says what was found, as
/// [`Storage::open`](crate::Storage::open) does, but changes nothing: what was not synced stays as
/// it is, and damage is only told. The directory is locked meanwhile, so it cannot be that of a
/// running node. With a disk that is [read only](crate::DirectoryDisk::read_only) nothing at all is
/// written.
pub fn read_only(
    disk: &dyn Disk,
    identity: Identity,
    mut visit: impl FnMut(Recovered<'_>),
) -> Result<Recovery, OpenError> {
    let lock = disk.lock().map_err(|source| OpenError::Disk {
        directory: disk.location(),
        operation: "lock the directory".to_owned(),
        source,
    })?;
    let _lock = lock.ok_or_else(|| OpenError::Locked {
        directory: disk.location(),
    })?;
    scan(disk, identity, &mut visit).map(|(_, recovery)| recovery)
}
