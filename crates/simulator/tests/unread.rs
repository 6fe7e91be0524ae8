//! A command whose reader has gone, as with `| head -1`.

use std::process::{Command, Stdio};

#[test]
fn what_nobody_reads_ends_the_command_with_an_error_in_a_line() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_simulator"))
        .args(["--list"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("error: the standard output cannot be written"),
        "{said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}
