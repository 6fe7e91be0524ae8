//! What the stream needs of a disk, as a trait: the crash tests put a disk with a volatile
//! cache under it.

use std::io;
use std::sync::Arc;

/// One directory of files, flat.
pub trait Disk: Send + Sync + 'static {
    /// Where this is, for error texts.
    fn location(&self) -> String;

    /// Takes the directory for this process until the lock is dropped. `None`: it is held
    /// already, by another process or by another [`Storage`](crate::Storage) of this one.
    fn lock(&self) -> io::Result<Option<Box<dyn DiskLock>>>;

    /// Names of all files, in no particular order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates an empty file, replacing one of that name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames a file at once, replacing one of the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations, renames and removals durable.
    fn sync_directory(&self) -> io::Result<()>;

    /// A number that nobody outside this process can predict.
    fn unpredictable(&self) -> io::Result<u64>;
}

/// One open file; usable from several threads at once.
pub trait DiskFile: Send + Sync {
    /// Length in bytes.
    fn length(&self) -> io::Result<u64>;

    /// Fills the buffer from the offset, or fails with `UnexpectedEof`.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all bytes at the offset, extending the file if needed. Not durable until
    /// [`sync`](DiskFile::sync).
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything written to this file, its length included, durable.
    fn sync(&self) -> io::Result<()>;
}

/// Holds the directory's lock until dropped.
pub trait DiskLock: Send + Sync {}
