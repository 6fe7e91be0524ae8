//! The process of a node: whether it lives, and what can be done to it.
//!
//! A node holds a lock on its pid file for as long as it lives, so a number that the system has
//! given to somebody else meanwhile is never taken for a node. The command line is compared, too,
//! before a signal is sent.

use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    os::unix::ffi::OsStrExt,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::{layout::NodeLayout, lock};
use crate::failure::{Failure, Outcome};

/// How long a process may take to be gone after SIGKILL.
const KILL_PATIENCE: Duration = Duration::from_secs(5);
/// How long a node may take to stop by itself before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether a process is gone.
const LOOK: Duration = Duration::from_millis(5);

/// What the process of a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// There is none.
    Down,
    /// It runs.
    Running(u32),
    /// It is stopped by a signal and can be resumed.
    Paused(u32),
}

impl ProcessState {
    /// The process's number.
    #[must_use]
    pub const fn id(self) -> Option<u32> {
        match self {
            Self::Down => None,
            Self::Running(id) | Self::Paused(id) => Some(id),
        }
    }
}

/// Held by a node for as long as it lives.
#[derive(Debug)]
pub struct Claim {
    _file: File,
}

/// Claims the node's directory for this process and writes down its number.
///
/// # Errors
/// If another process has it, or those of the operating system.
pub fn claim(node: &NodeLayout) -> Outcome<Claim> {
    let path = node.process();
    let fail = |error: io::Error| Failure::system(format!("write {}", path.display()), error);
    let mut file = lock::open(&path).map_err(fail)?;
    // Somebody who looks whether the node lives holds the lock for a moment.
    let deadline = Instant::now() + Duration::from_secs(1);
    while !lock::try_lock(&file).map_err(fail)? {
        if Instant::now() >= deadline {
            return Err(Failure::state(format!(
                "another process already runs {} in {}",
                node.name(),
                node.directory().display()
            )));
        }
        std::thread::sleep(LOOK);
    }
    file.set_len(0).map_err(fail)?;
    file.rewind().map_err(fail)?;
    writeln!(file, "{}", std::process::id()).map_err(fail)?;
    Ok(Claim { _file: file })
}

/// Whether it can be seen if the node has a process.
///
/// # Errors
/// If this user may not, or the folder is none.
pub fn check_readable(node: &NodeLayout) -> Outcome {
    match File::open(node.process()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::system(
            format!("see whether {} runs", node.name()),
            format!("{}: {error}", node.process().display()),
        )
        .next("Whether the network runs is not known. Is it another user's?")),
        _ => Ok(()),
    }
}

/// The process that holds the node's folder under another name, if one does: the folder was renamed
/// while it ran. It is not ours to signal.
#[must_use]
pub fn under_another_name(node: &NodeLayout) -> Option<u32> {
    let file = File::open(node.process()).ok()?;
    if !lock::is_held(&file).ok()? {
        return None;
    }
    let id = fs::read_to_string(node.process()).ok()?;
    let id = id.trim().parse().ok()?;
    let command = command_of(id)?;
    // One that is ending holds its lock a moment longer than its command line.
    let elsewhere = !command.is_empty() && !names(&command, node);
    elsewhere.then_some(id)
}

/// The command line of a process.
fn command_of(id: u32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{id}/cmdline")).ok()
}

/// Whether a command line names the node's folder.
fn names(command: &[u8], node: &NodeLayout) -> bool {
    let directory = node.directory().as_os_str().as_bytes();
    command
        .split(|byte| *byte == 0)
        .any(|argument| argument == directory)
}

/// What the node's process does now.
#[must_use]
pub fn probe(node: &NodeLayout) -> ProcessState {
    match find(node) {
        Some((id, 'T' | 't')) => ProcessState::Paused(id),
        // A zombie is gone; its lock goes with the rest of it.
        None | Some((_, 'Z' | 'X')) => ProcessState::Down,
        Some((id, _)) => ProcessState::Running(id),
    }
}

/// The process and its state letter, if it is the node's.
fn find(node: &NodeLayout) -> Option<(u32, char)> {
    let file = File::open(node.process()).ok()?;
    if !lock::is_held(&file).ok()? {
        return None;
    }
    let id: u32 = fs::read_to_string(node.process())
        .ok()?
        .trim()
        .parse()
        .ok()?;
    let ours = names(&command_of(id)?, node);
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before may hold anything, brackets included.
    let state = stat.rsplit_once(')')?.1.trim_start().chars().next()?;
    ours.then_some((id, state))
}

fn send(node: &NodeLayout, signal: Signal, group: bool) -> Outcome<bool> {
    let Some((id, _)) = find(node) else {
        return Ok(false);
    };
    let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) else {
        return Ok(false);
    };
    // A node leads its own session, so its group is its own.
    let sent = if group {
        kill_process_group(id, signal).or_else(|_| kill_process(id, signal))
    } else {
        kill_process(id, signal)
    };
    match sent {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(Failure::system(
            format!("send a signal to {}", node.name()),
            error,
        )),
    }
}

fn wait_until_gone(node: &NodeLayout, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while probe(node) != ProcessState::Down {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

/// Ends the process without a chance to say anything, as a power cut would. Whether there was one.
///
/// # Errors
/// Those of the operating system.
pub fn kill(node: &NodeLayout) -> Outcome<bool> {
    if !send(node, Signal::KILL, true)? {
        return Ok(false);
    }
    if wait_until_gone(node, KILL_PATIENCE) {
        Ok(true)
    } else {
        Err(Failure::system(
            format!("kill {}", node.name()),
            "it is still there after SIGKILL",
        ))
    }
}

/// Stops these nodes in order, all at once; those that take too long are killed. Returns the names
/// of the ones that had to be.
///
/// # Errors
/// Those of the operating system.
pub fn stop(nodes: &[NodeLayout]) -> Outcome<Vec<String>> {
    for node in nodes {
        send(node, Signal::TERM, false)?;
        // A paused process takes no other signal until it goes on.
        send(node, Signal::CONT, false)?;
    }
    let deadline = Instant::now() + STOP_PATIENCE;
    let mut killed = Vec::new();
    for node in nodes {
        let left = deadline.saturating_duration_since(Instant::now());
        if !wait_until_gone(node, left) && kill(node)? {
            killed.push(node.name());
        }
    }
    Ok(killed)
}

/// Lets the process stand still. Whether there was one.
///
/// # Errors
/// Those of the operating system.
pub fn pause(node: &NodeLayout) -> Outcome<bool> {
    send(node, Signal::STOP, true)
}

/// Lets the process go on. Whether there was one.
///
/// # Errors
/// Those of the operating system.
pub fn resume(node: &NodeLayout) -> Outcome<bool> {
    send(node, Signal::CONT, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_does_not_hold_the_lock_is_no_node() {
        let root = tempfile::tempdir().unwrap();
        let node = NodeLayout::new(root.path());
        assert_eq!(probe(&node), ProcessState::Down);
        // This very process lives, but has not claimed the directory.
        fs::write(node.process(), format!("{}\n", std::process::id())).unwrap();
        assert_eq!(probe(&node), ProcessState::Down);
        assert!(!kill(&node).unwrap());
        // It holds the lock now, but was not started for this directory.
        let _claim = claim(&node).unwrap();
        assert_eq!(probe(&node), ProcessState::Down);
        assert!(!pause(&node).unwrap());
        // That is known, and who it is.
        assert_eq!(under_another_name(&node), Some(std::process::id()));
    }

    /// A process that was killed has no command line any more, and may still hold its files.
    #[test]
    fn a_process_that_is_ending_is_not_taken_for_one_of_a_renamed_folder() {
        let root = tempfile::tempdir().unwrap();
        let node = NodeLayout::new(root.path());
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        let stat = format!("/proc/{}/stat", ended.id());
        while !fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        let _claim = claim(&node).unwrap();
        fs::write(node.process(), format!("{}\n", ended.id())).unwrap();
        assert_eq!(under_another_name(&node), None);
        ended.wait().unwrap();
    }

    #[test]
    fn a_directory_is_claimed_once() {
        let root = tempfile::tempdir().unwrap();
        let node = NodeLayout::new(root.path());
        let claimed = claim(&node).unwrap();
        assert!(claim(&node).is_err());
        drop(claimed);
        claim(&node).unwrap();
    }
}
