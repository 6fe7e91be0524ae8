//! Files written whole or not at all, and read within a bound.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::hash::to_hex;

/// What to do with a file that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Leave it and fail.
    Refuse,
    /// Replace it, in one step: a reader sees the old file or the new one.
    Replace,
}

/// Why a file could not be read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// There is no such file.
    #[error("there is no file {}", .0.display())]
    NotFound(PathBuf),
    /// The file is there already.
    #[error("{} exists already and is not overwritten", .0.display())]
    Exists(PathBuf),
    /// It is a folder, a pipe or a device.
    #[error("{} is no ordinary file", .0.display())]
    NotAFile(PathBuf),
    /// It is larger than such a file can be.
    #[error("{} is larger than {limit} bytes", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        limit: u64,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", .path.display())]
    System {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
}

impl FileError {
    /// What is to be made cannot be missing: whatever the system says is a refusal.
    fn refused(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::System {
            action,
            path,
            source,
        }
    }

    fn system(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound(path),
            _ => Self::System {
                action,
                path,
                source,
            },
        }
    }
}

/// Opens an ordinary file for reading.
pub(crate) fn open(path: &Path) -> Result<File, FileError> {
    // Looked at before it is opened, because opening a pipe would wait for a writer.
    let metadata = fs::metadata(path).map_err(FileError::system("read", path))?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile(path.to_owned()));
    }
    File::open(path).map_err(FileError::system("read", path))
}

/// The permission bits of the file that is open, not of the name: the name may lead elsewhere by
/// now.
pub(crate) fn mode(path: &Path, file: &File) -> Result<u32, FileError> {
    let metadata = file.metadata().map_err(FileError::system("read", path))?;
    Ok(metadata.permissions().mode() & 0o777)
}

/// Reads what is left of `file`, at most `limit` bytes. The buffer is wiped when it is dropped.
pub(crate) fn read(path: &Path, file: &File, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let too_large = || FileError::TooLarge {
        path: path.to_owned(),
        limit,
    };
    let length = file
        .metadata()
        .map_err(FileError::system("read", path))?
        .len();
    if length > limit {
        return Err(too_large());
    }
    // One byte more than the limit, allocated at once: a growing buffer would leave copies of a
    // secret behind. The file may grow while it is read.
    let capacity = usize::try_from(length).map_err(|_| too_large())? + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(capacity as u64)
        .read_to_end(&mut bytes)
        .map_err(FileError::system("read", path))?;
    if bytes.len() as u64 > length {
        return Err(FileError::System {
            action: "read",
            path: path.to_owned(),
            source: io::Error::other("it grew while it was read"),
        });
    }
    Ok(bytes)
}

/// Removes the temporary file unless it reached its place.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may be gone, renamed into place; otherwise nothing more can be done about it here.
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes a file that is there whole, with its mode and on disk, or not at all. Folders that are
/// missing are created with `directory_mode`.
pub(crate) fn write(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    directory_mode: u32,
    overwrite: Overwrite,
) -> Result<(), FileError> {
    let Some(name) = path.file_name() else {
        return Err(FileError::NotAFile(path.to_owned()));
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(directory_mode)
        .create(directory)
        .map_err(FileError::refused("make the folder", directory))?;

    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| FileError::System {
        action: "draw a temporary name for",
        path: path.to_owned(),
        source: io::Error::other(error),
    })?;
    let mut temporary_name = std::ffi::OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(format!(".{}.new", to_hex(&random)));
    let temporary = Temporary(directory.join(temporary_name));

    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary.0)
        .map_err(FileError::refused("write", path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(FileError::refused("write", path))?;
    match overwrite {
        // A rename replaces silently; a hard link is as atomic and fails if the name is taken.
        Overwrite::Refuse => fs::hard_link(&temporary.0, path).map_err(|source| {
            if source.kind() == io::ErrorKind::AlreadyExists {
                FileError::Exists(path.to_owned())
            } else {
                FileError::refused("write", path)(source)
            }
        })?,
        Overwrite::Replace => {
            fs::rename(&temporary.0, path).map_err(FileError::refused("write", path))?;
        }
    }
    drop(temporary);
    // The name itself is durable only with its folder.
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(FileError::refused("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_kept_or_replaced_as_asked_and_nothing_else_is_left() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b/file");
        write(&path, b"one", 0o600, 0o700, Overwrite::Refuse).unwrap();
        let refused = write(&path, b"two", 0o600, 0o700, Overwrite::Refuse);
        assert!(matches!(refused, Err(FileError::Exists(_))), "{refused:?}");
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write(&path, b"three", 0o600, 0o700, Overwrite::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(names(path.parent().unwrap()), ["file"]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        // The last one is refused with "no such file": no folder can be made there at all.
        for folder in [file.join("keys"), "/proc/none/keys".into()] {
            let refused = write(&folder.join("key"), b"x", 0o600, 0o700, Overwrite::Refuse);
            let said = refused.unwrap_err().to_string();
            let expected = format!("cannot make the folder {}", folder.display());
            assert!(said.starts_with(&expected), "{said}");
        }
    }

    #[test]
    fn a_symbolic_link_counts_as_there() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("link");
        std::os::unix::fs::symlink(root.path().join("elsewhere"), &path).unwrap();
        let refused = write(&path, b"x", 0o600, 0o700, Overwrite::Refuse);
        assert!(matches!(refused, Err(FileError::Exists(_))), "{refused:?}");
        assert!(!root.path().join("elsewhere").exists());
    }

    #[test]
    fn reading_is_bounded_and_takes_ordinary_files_only() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, [7; 100]).unwrap();
        let file = open(&path).unwrap();
        assert_eq!(read(&path, &file, 100).unwrap().as_slice(), [7; 100]);
        let refused = read(&path, &open(&path).unwrap(), 99);
        assert!(matches!(
            refused,
            Err(FileError::TooLarge { limit: 99, .. })
        ));
        assert!(matches!(open(root.path()), Err(FileError::NotAFile(_))));
        assert!(matches!(
            open(&root.path().join("none")),
            Err(FileError::NotFound(_))
        ));
        assert!(matches!(
            open(Path::new("/dev/zero")),
            Err(FileError::NotAFile(_))
        ));
    }
}
