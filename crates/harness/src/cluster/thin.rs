//! A device that has no room for what it has never been given: as with a thinly provisioned volume, or
//! an image on a file system that ran full, a write to such a place fails when it is synced, and the
//! kernel goes on showing what it could not write.
//!
//! The whole image of a file system has its room from the beginning. Only where a stream's segments
//! hold nothing yet is it taken away, so the next batch finds none, while the journal and everything
//! else of the file system do, and it stays mounted.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
    process::{Command, Stdio},
};

use rustix::fs::{FallocateFlags, fallocate, syncfs};
use testnet::failure::{Failure, Outcome};

/// The unit in which room is taken away.
const BLOCK_BYTES: u64 = 4096;

/// Gives every block of an image its room, whatever it holds.
pub(super) fn allocate(image: &Path, bytes: u64) -> Outcome {
    let fail = |error: std::io::Error| Failure::system(format!("fill {}", image.display()), error);
    let file = OpenOptions::new().write(true).open(image).map_err(fail)?;
    fallocate(&file, FallocateFlags::empty(), 0, bytes).map_err(|error| fail(error.into()))
}

/// Takes the room of every block of the segments below `mount` that holds nothing but zeros. They go
/// on holding zeros. Nobody may write to them meanwhile.
pub(super) fn make_holes(image: &Path, mount: &Path) -> Outcome {
    let action = || format!("take room from {}", image.display());
    let fail = |error: std::io::Error| Failure::system(action(), error);
    let root = File::open(mount).map_err(fail)?;
    syncfs(&root).map_err(|error| fail(error.into()))?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(image)
        .map_err(fail)?;
    let mut taken = 0;
    for entry in fs::read_dir(mount).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_none_or(|found| found != "segment") {
            continue;
        }
        for (first, count) in extents(&path)? {
            for block in first..first + count {
                let mut bytes = [0; BLOCK_BYTES as usize];
                let offset = block * BLOCK_BYTES;
                file.read_exact_at(&mut bytes, offset).map_err(fail)?;
                if bytes == [0; BLOCK_BYTES as usize] {
                    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                    fallocate(&file, hole, offset, BLOCK_BYTES)
                        .map_err(|error| fail(error.into()))?;
                    taken += 1;
                }
            }
        }
    }
    if taken == 0 {
        return Err(Failure::system(action(), "no segment has an empty block"));
    }
    Ok(())
}

/// Where on its device a file lies: first block and number of blocks of each piece.
fn extents(path: &Path) -> Outcome<Vec<(u64, u64)>> {
    let action = || format!("run filefrag {}", path.display());
    let output = Command::new("filefrag")
        .args(["-v", &format!("-b{BLOCK_BYTES}")])
        .arg(path)
        .stdin(Stdio::null())
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| Failure::system(action(), error))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let pieces: Vec<(u64, u64)> = said.lines().filter_map(piece).collect();
    if !output.status.success() || pieces.is_empty() {
        return Err(Failure::system(action(), "it lists no pieces"));
    }
    Ok(pieces)
}

/// One line of the list: number, first and last block of the file, first and last of the device,
/// how many.
fn piece(line: &str) -> Option<(u64, u64)> {
    let parts: Vec<&str> = line.split(':').map(str::trim).collect();
    let [number, _, device, count, ..] = parts[..] else {
        return None;
    };
    number.parse::<u64>().ok()?;
    let (first, _) = device.split_once("..")?;
    Some((first.trim().parse().ok()?, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::piece;

    #[test]
    fn pieces_are_read_from_the_list_and_nothing_else_is() {
        let lines = [
            "Filesystem type is: ef53",
            "File size of x.segment is 8388608 (2048 blocks of 4096 bytes)",
            " ext:     logical_offset:        physical_offset: length:   expected: flags:",
            "   0:        0..    1023:       4096..      5119:   1024:            ",
            "   1:     1024..    2047:       8192..      9215:   1024:       5120: last,eof",
            "x.segment: 2 extents found",
        ];
        let found: Vec<_> = lines.into_iter().filter_map(piece).collect();
        assert_eq!(found, [(4096, 1024), (8192, 1024)]);
    }
}
