//! No released program contains a way to betray its network: the executable `ledger` is searched
//! for the marks that every traitor's file holds.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use testnet::traitor::{KINDS, MARK};

fn contains(program: &[u8], text: &str) -> bool {
    let (first, rest) = text.as_bytes().split_first().expect("marks are not empty");
    let mut left = program;
    while let Some(position) = left.iter().position(|byte| byte == first) {
        left = &left[position + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

/// `ledger` beside this test, as the workspace's build made it; built now if it did not.
fn ledger() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let program = profile.join("ledger");
    if !program.is_file() {
        let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--quiet", "--package", "ledger"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(build.current_dir(folder).status().unwrap().success());
    }
    program
}

#[test]
fn the_released_program_contains_no_traitor() {
    let ledger = fs::read(ledger()).unwrap();
    let testnet = fs::read(env!("CARGO_BIN_EXE_testnet")).unwrap();
    assert!(!KINDS.is_empty());
    for kind in KINDS {
        assert!(
            contains(&testnet, kind.mark),
            "{} leaves no mark where it is known to be, so looking for it proves nothing",
            kind.name
        );
        assert!(!contains(&ledger, kind.mark), "{} is in ledger", kind.name);
    }
    assert!(!contains(&ledger, MARK));
    // The search itself finds what is there.
    assert!(contains(&ledger, "hawser/v1/transaction-id"));
}
