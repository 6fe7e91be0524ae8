//! The command, as a person uses it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn harness(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.args(words).env_remove("HAWSER_DATA");
    command.env("NO_COLOR", "1").output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!("{error}: {said}")
    })
}

fn histories(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/histories")
        .join(folder)
}

#[test]
fn a_kept_history_is_checked_again_and_the_exit_code_says_what_came_of_it() {
    for (folder, code) in [("good", 0), ("bad", 6)] {
        for file in fs::read_dir(histories(folder)).unwrap() {
            let path = file.unwrap().path();
            let output = harness(&["check", path.to_str().unwrap(), "--json"]);
            assert_eq!(output.status.code(), Some(code), "{}", path.display());
            let violations = json(&output)["violations"].as_array().unwrap().len();
            assert_eq!(violations > 0, code == 6);
        }
    }
    assert_eq!(harness(&["check", "/nowhere"]).status.code(), Some(2));
}

#[test]
fn what_cannot_be_done_is_named_and_a_run_of_nothing_else_is_refused() {
    let output = harness(&["list", "--mode", "raft", "--json"]);
    assert!(output.status.success());
    let list = json(&output);
    let of = |name: &str| {
        let mut lines = list.as_array().unwrap().iter();
        lines.find(|line| line["name"] == name).unwrap().clone()
    };
    assert_eq!(of("kill")["available"], true);
    assert_eq!(of("equivocate")["available"], false);
    assert!(
        of("equivocate")["reason"]
            .as_str()
            .unwrap()
            .contains("raft")
    );
    for words in [
        &["run", "--mode", "raft", "--nemesis", "equivocate"][..],
        &["run", "--nemesis", "earthquake"],
        &["run", "--duration", "soon"],
    ] {
        assert_eq!(harness(words).status.code(), Some(2), "{words:?}");
    }
}

/// A short run on the loopback interface, which needs no rights.
fn run(mode: &str, nemeses: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let output = harness(&[
        "run",
        "--json",
        "--mode",
        mode,
        "--nemesis",
        nemeses,
        "--duration",
        "4s",
        "--seed",
        "1",
        "--hosts",
        "loopback",
        "--folder",
        folder.path().to_str().unwrap(),
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "a run that found nothing leaves nothing");
    json(&output)["report"].clone()
}

#[test]
fn raft_survives_kills() {
    let report = run("raft", "kill-leader");
    assert!(report["nemeses"]["kill-leader"].as_u64().unwrap() > 0);
    assert!(
        report["kills"].as_u64().unwrap() > 4,
        "all are killed in the end"
    );
    let operations = report["operations"]["applied"].as_u64().unwrap();
    assert!(operations > 0);
    assert!(report["checked"]["receipts"].as_u64().unwrap() >= operations);
    assert_eq!(report["checked"]["balanced"], 4);
}

#[test]
fn byzantine_survives_an_equivocator_and_a_partition() {
    let report = run("byzantine", "equivocate,partition");
    assert!(report["nemeses"]["equivocate"].as_u64().unwrap() > 0);
    assert!(report["checked"]["operations"].as_u64().unwrap() > 0);
    assert_eq!(report["checked"]["balanced"], 3, "the traitor is not asked");
}

#[test]
fn a_stream_opens_again_after_every_kill_in_the_middle_of_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let batches = "65536,4194304";
    let words = [
        "kills", "--count", "2", "--batch", batches, "--folder", place,
    ];
    let output = harness(&[&words[..], &["--json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let sizes = json(&output)["sizes"].clone();
    for (size, bytes) in [(0, 65536), (1, 4_194_304)] {
        assert_eq!(sizes[size]["batch_bytes"], bytes);
        assert_eq!(sizes[size]["kills"], 2);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(harness(&["kills", "--batch", "1"]).status.code(), Some(2));
}
