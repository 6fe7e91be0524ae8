//! Small JSON files, written whole or not at all and read within a bound.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};
use terminal::program;

use crate::failure::{Failure, Outcome};

/// Most bytes of such a file.
const LIMIT: u64 = 256 * 1024;

/// Replaces the file.
///
/// # Errors
/// Those of the operating system.
pub fn write<T: Serialize>(path: &Path, value: &T) -> Outcome {
    let fail = |error: io::Error| Failure::system(format!("write {}", path.display()), error);
    let mut text = serde_json::to_string_pretty(value).expect("settings are plain values");
    text.push('\n');
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(fail)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_data())
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(fail)
}

/// Reads the file; `None` if there is none.
///
/// # Errors
/// If it cannot be read or is not what it should be.
pub fn read<T: DeserializeOwned>(path: &Path) -> Outcome<Option<T>> {
    let fail = |error: io::Error| Failure::system(format!("read {}", path.display()), error);
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(fail)?,
    };
    let mut text = Vec::new();
    file.take(LIMIT).read_to_end(&mut text).map_err(fail)?;
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        Failure::state(format!("{} cannot be understood: {error}", path.display())).next(format!(
            "If it was changed by hand, put it right, or begin anew with `{} up --reset`.",
            program("testnet")
        ))
    })
}

/// Removes the file, if it is there.
///
/// # Errors
/// Those of the operating system.
pub fn remove(path: &Path) -> Outcome {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::system(format!("remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}
