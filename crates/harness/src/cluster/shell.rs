//! Programs of the system that a run needs, and whether they are to be had.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    process::{Command, Stdio},
};

use serde::Serialize;
use terminal::plain;
use testnet::failure::{Failure, Outcome};
use thiserror::Error;

/// Why something cannot be done on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "what")]
pub enum Unavailable {
    /// It takes the rights of root.
    #[error("it takes root")]
    Root,
    /// A program is not installed.
    #[error("{0} is not installed")]
    Program(&'static str),
    /// The kernel has it not.
    #[error("the kernel does not offer {0}")]
    Kernel(String),
    /// The system refuses to mount a file system.
    #[error("file systems cannot be mounted here: {0}")]
    Mount(String),
    /// The network's mode does not tolerate it.
    #[error("mode {0} does not tolerate it")]
    Mode(String),
    /// It takes more nodes.
    #[error("it takes a network that tolerates a faulty node")]
    Nodes,
    /// It takes a network namespace for each node.
    #[error("it takes a network namespace for each node: {0}")]
    Namespaces(String),
}

/// Whether this process may mount and make namespaces.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether the program is found where the system looks for programs.
///
/// # Errors
/// [`Unavailable::Program`].
pub fn available(program: &'static str) -> Result<(), Unavailable> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path);
    if folders.any(|folder| folder.join(program).is_file()) {
        Ok(())
    } else {
        Err(Unavailable::Program(program))
    }
}

/// Runs a program to its end.
pub(super) fn run<const N: usize>(program: &str, arguments: [&str; N]) -> Outcome {
    run_all(program, &arguments)
}

/// Runs a program to its end.
pub(super) fn run_all(program: &str, arguments: &[&str]) -> Outcome {
    let action = || format!("run {program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::system(action(), error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::system(action(), plain(said.trim())))
}

/// The last line of a log, or nothing.
pub(super) fn last_line(path: &Path) -> String {
    const END: u64 = 4096;
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
        let mut bytes = Vec::new();
        file.take(END).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    plain(text.trim_end().lines().last().unwrap_or("it said nothing"))
}
