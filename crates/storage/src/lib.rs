//! One ordered durable stream of records, with checksums, group commit and recovery (P11).
//!
//! The records have no meaning here: a kind byte and bytes. A caller appends *batches*; each
//! carries the caller's whole *vote state* beside its records. One [`Storage::sync`] makes all
//! batches appended before it durable. What was synced is found again by [`Storage::open`] in
//! order, or its loss is reported; nothing that was not appended is ever invented.
//!
//! Vote state is written twice, apart, in the same sync: inside the batch and in a slot at the
//! head of the segment. A batch that is damaged while a copy of its vote state is whole is
//! reported ([`Damage::TailBatchDamaged`]), so that a node does not vote in forgetfulness (P11.2).
//!
//! See [`Storage`] for use and the `format` module's source for the layout on disk.

mod batch;
mod directory;
mod disk;
mod error;
mod format;
pub mod limits;
mod prepare;
mod read_only;
mod reader;
mod recovery;
mod storage;
pub mod testing;

pub use batch::{Batch, Record};
pub use directory::DirectoryDisk;
pub use disk::{Disk, DiskFile, DiskLock};
pub use error::{OpenError, ReadError, RefillError, WriteError};
pub use format::Identity;
pub use read_only::read_only;
pub use reader::{Position, Reader};
pub use recovery::{Damage, Finding, FindingKind, Recovered, Recovery};
pub use storage::{Options, Storage};
