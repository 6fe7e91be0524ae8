//! Files that this program reads and writes: within a bound, and whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use super::failure::{Failure, Outcome};

/// Reads at most `limit` bytes and one more, so that a larger file is seen to be one.
pub fn read(path: &Path, limit: usize) -> Outcome<Vec<u8>> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failure::usage(format!("there is no file {}", path.display())),
        _ => Failure::system(format!("read {}", path.display()), error),
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(refused)?;
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(refused)?;
    Ok(bytes)
}

/// Writes the file, replacing one that is there.
pub fn write(path: &Path, bytes: &[u8]) -> Outcome {
    let refused = |error: io::Error| Failure::system(format!("write {}", path.display()), error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // It may never have been there.
        let _ = fs::remove_file(&temporary);
        refused(error)
    })
}

#[cfg(test)]
mod tests {
    use terminal::exit::Code;

    use super::*;

    #[test]
    fn files_are_replaced_whole_and_read_within_a_bound() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        assert_eq!(read(&path, 10).unwrap_err().code, Code::Usage);
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"second");
        assert_eq!(read(&path, 3).unwrap(), b"seco");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        let absent = root.path().join("no/such/folder");
        assert_eq!(write(&absent, b"").unwrap_err().code, Code::Internal);
    }
}
