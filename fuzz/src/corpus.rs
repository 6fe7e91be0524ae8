//! The inputs kept in the repository, one folder for each target.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use keys::{tagged_hash, to_hex};

/// One kept input.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its file's name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The folder of a target's corpus.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
}

/// A target's corpus, in the order of the names; empty if there is no folder.
///
/// # Errors
/// The file system's.
pub fn load(target: &str) -> io::Result<Vec<Kept>> {
    let entries = match fs::read_dir(folder(target)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut kept = Vec::new();
    for entry in entries {
        let entry = entry?;
        kept.push(Kept {
            name: entry.file_name().to_string_lossy().into_owned(),
            bytes: fs::read(entry.path())?,
        });
    }
    kept.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(kept)
}

/// Adds an input to a target's corpus.
///
/// # Errors
/// The file system's.
pub fn keep(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = folder(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

/// Keeps an input that breaks a promise, where `.gitignore` leaves it out, and says where.
///
/// # Errors
/// The file system's.
pub fn keep_failure(target: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("failures");
    fs::create_dir_all(&folder)?;
    let name = &to_hex(&tagged_hash("failure", bytes))[..16];
    let path = folder.join(format!("{target}-{name}"));
    fs::write(&path, bytes)?;
    Ok(path)
}
