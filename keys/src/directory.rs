//! Where a network's data lies when nobody says so.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The data directory's name.
pub const DATA_DIRECTORY: &str = ".hawser";
/// The environment variable that names the data directory.
pub const DATA_VARIABLE: &str = "HAWSER_DATA";

/// How much of a `Cargo.toml` is searched for `[workspace]`.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// The data directory: `explicit` (a `--data` option), else the variable `HAWSER_DATA`, else
/// `.hawser` in the nearest folder upwards that has one or whose `Cargo.toml` is a workspace's,
/// else `.hawser` here. It need not exist. A relative path stays relative to the current folder.
#[must_use]
pub fn data_directory(explicit: Option<PathBuf>) -> PathBuf {
    let here = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    find(explicit, env::var_os(DATA_VARIABLE), &here)
}

fn find(explicit: Option<PathBuf>, variable: Option<OsString>, here: &Path) -> PathBuf {
    explicit
        .or_else(|| {
            variable
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        })
        .unwrap_or_else(|| {
            here.ancestors()
                .find(|folder| folder.join(DATA_DIRECTORY).is_dir() || is_workspace(folder))
                .unwrap_or(here)
                .join(DATA_DIRECTORY)
        })
}

/// Whether the folder's `Cargo.toml` has a line `[workspace]` or `[workspace.…]`.
fn is_workspace(folder: &Path) -> bool {
    let path = folder.join("Cargo.toml");
    if !path.is_file() {
        return false;
    }
    let Ok(file) = File::open(path) else {
        return false;
    };
    let mut text = Vec::new();
    // A manifest that ends early or badly is judged by what could be read of it.
    let _ = file.take(MAX_MANIFEST_BYTES).read_to_end(&mut text);
    text.split(|byte| *byte == b'\n').any(|line| {
        let line = line.trim_ascii_start();
        line.starts_with(b"[workspace]") || line.starts_with(b"[workspace.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn an_option_comes_before_the_variable_before_the_search() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(".hawser")).unwrap();
        let here = root.path();
        assert_eq!(
            find(Some("given".into()), Some("variable".into()), here),
            Path::new("given")
        );
        assert_eq!(
            find(None, Some("variable".into()), here),
            Path::new("variable")
        );
        assert_eq!(find(None, Some("".into()), here), here.join(".hawser"));
    }

    #[test]
    fn the_workspace_root_is_found_from_a_member() {
        let root = tempfile::tempdir().unwrap();
        let member = root.path().join("crates/member/src");
        fs::create_dir_all(&member).unwrap();
        fs::write(root.path().join("Cargo.toml"), "# x\n[workspace]\n").unwrap();
        fs::write(
            root.path().join("crates/member/Cargo.toml"),
            "[package]\nversion.workspace = true\n[lints]\nworkspace = true\n",
        )
        .unwrap();
        // A file of that name is no data directory.
        fs::write(member.join(".hawser"), "").unwrap();
        assert_eq!(find(None, None, &member), root.path().join(".hawser"));
        // A data directory nearer than the workspace root wins.
        fs::create_dir(root.path().join("crates/.hawser")).unwrap();
        assert_eq!(
            find(None, None, &member),
            root.path().join("crates/.hawser")
        );
    }

    #[test]
    fn without_a_workspace_it_lies_here() {
        let here = Path::new("/no-such-folder/alone");
        assert_eq!(find(None, None, here), here.join(".hawser"));
    }
}
