//! Ctrl-C during `ledger submit`.

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
};

use keys::Mode;
use serde_json::Value;
use support::TestNetwork;

const LINE: &[u8] = b"{\"from\":\"alice\",\"to\":\"bob\",\"amount\":1}\n";

fn submit(network: &TestNetwork) -> Child {
    network
        .command("submit - --json --timeout 1000m")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn interrupt(child: &Child) {
    let mut kill = Command::new("kill");
    let done = kill.arg("-INT").arg(child.id().to_string()).status();
    assert!(done.unwrap().success());
}

/// One result of a line.
fn result(out: &mut impl BufRead) -> Value {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

/// The code that it ended with, and the rest of what it said.
fn ended(mut child: Child, mut error: impl Read) -> (i32, String) {
    let mut said = String::new();
    error.read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), said)
}

#[test]
fn every_line_is_accounted_for() {
    let mut network = TestNetwork::start(Mode::Byzantine, 4);
    // While the next line is waited for.
    let mut child = submit(&network);
    let mut input = child.stdin.take().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let error = child.stderr.take().unwrap();
    input.write_all(LINE).unwrap();
    assert_eq!(result(&mut out)["status"], "applied");
    interrupt(&child);
    let (code, said) = ended(child, error);
    assert_eq!(code, 130, "{said}");
    assert!(
        said.contains("stopped after line 1: Ctrl-C; 1 applied"),
        "{said}"
    );
    drop(input);

    // While lines are under way that cannot be committed: the first one waits, the second one ends.
    network.stop([0, 1]);
    let mut child = submit(&network);
    let mut input = child.stdin.take().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut error = BufReader::new(child.stderr.take().unwrap());
    input.write_all(&LINE.repeat(2)).unwrap();
    let mut said = String::new();
    // Said once it waits for nodes, with both lines under way.
    while !said.contains("waiting for them") {
        assert_ne!(error.read_line(&mut said).unwrap(), 0, "{said}");
    }
    interrupt(&child);
    while !said.contains("Ctrl-C again") {
        assert_ne!(error.read_line(&mut said).unwrap(), 0, "{said}");
    }
    assert!(said.contains("2 lines under way"), "{said}");
    interrupt(&child);
    for number in 1..=2 {
        let line = result(&mut out);
        assert_eq!(
            (&line["line"], &line["status"]),
            (&number.into(), &"unknown".into())
        );
    }
    let (code, said) = ended(child, error);
    assert_eq!(code, 130, "{said}");
    assert!(
        said.contains("0 applied") && said.contains("2 of unknown outcome"),
        "{said}"
    );
    drop(input);
}
