//! Starting nodes: each is this executable run again, in a session of its own.

use std::{
    env,
    ffi::OsString,
    fs,
    fs::OpenOptions,
    io::{self, Read, Seek, SeekFrom},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use terminal::{exit::Code, plain};

use super::{NodeLayout, ProcessState, process};
use crate::{
    control::{self, Request, Response},
    failure::{Failure, Outcome},
};

/// How long nodes may take until they answer. Replaying a long log takes longest.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(10);
/// A log is begun anew at a start when it has grown beyond this; one old log is kept.
const LOG_BYTES: u64 = 32 << 20;

/// How a node's process is started, where the usual way does not do.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// A command that runs the node, such as one that enters a network namespace, and its
    /// arguments before the node's own. It must become the node, not start it as its child.
    pub wrapper: Vec<OsString>,
    /// Where the node listens, if not on the loopback interface.
    pub listen: Option<SocketAddr>,
}

/// Starts the processes of these nodes, which must be down. They are not ready yet.
///
/// # Errors
/// If the system refuses. What was started goes on.
pub fn launch(nodes: &[NodeLayout]) -> Outcome<Vec<Child>> {
    let usual = Start::default();
    nodes.iter().map(|node| launch_with(node, &usual)).collect()
}

/// Starts the process of one node, which must be down. It is not ready yet.
///
/// # Errors
/// If the system refuses.
pub fn launch_with(node: &NodeLayout, start: &Start) -> Outcome<Child> {
    let executable = env::current_exe()
        .map_err(|error| Failure::system("find this program's own executable", error))?;
    spawn(&executable, node, start)
}

fn spawn(executable: &Path, node: &NodeLayout, start: &Start) -> Outcome<Child> {
    let fail = |error: io::Error| Failure::system(format!("start {}", node.name()), error);
    let log = node.log();
    if fs::metadata(&log).is_ok_and(|log| log.len() > LOG_BYTES) {
        fs::rename(&log, log.with_extension("old.log")).map_err(fail)?;
    }
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&log)
        .map_err(fail)?;
    let mut command = match start.wrapper.split_first() {
        None => Command::new(executable),
        Some((wrapper, arguments)) => {
            let mut command = Command::new(wrapper);
            command.args(arguments).arg(executable);
            command
        }
    };
    command.arg("node").arg("--directory").arg(node.directory());
    if let Some(address) = start.listen {
        command.arg("--listen").arg(address.to_string());
    }
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(fail)?)
        .stderr(log)
        .spawn()
        .map_err(fail)
}

/// Waits until each of these nodes answers or has ended. Returns what became of those that do not
/// answer: one that ended, with what it said last, or took too long.
pub fn await_answers(nodes: &[NodeLayout], children: &mut [Child]) -> Vec<Failure> {
    let deadline = Instant::now() + PATIENCE;
    let waited = nodes.iter().zip(children);
    waited
        .filter_map(|(node, child)| await_answer(node, child, deadline).err())
        .collect()
}

fn await_answer(node: &NodeLayout, child: &mut Child, deadline: Instant) -> Outcome {
    loop {
        if matches!(
            control::ask(node, &Request::Status),
            Ok(Response::Status(_))
        ) {
            return Ok(());
        }
        if let Ok(Some(_)) = child.try_wait()
            && process::probe(node) == ProcessState::Down
        {
            return Err(did_not_start(node));
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(
                Code::NoQuorum,
                format!(
                    "{} does not answer after {} s",
                    node.name(),
                    PATIENCE.as_secs()
                ),
            )
            .next(format!("See what it says: {}", logs(node))));
        }
        std::thread::sleep(LOOK);
    }
}

fn did_not_start(node: &NodeLayout) -> Failure {
    let log = tail(&node.log(), 4096).unwrap_or_default();
    let reason = log
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("error: "))
        .map_or_else(|| "it ended without saying why".to_owned(), plain);
    Failure::state(format!("{} did not start: {reason}", node.name()))
        .next(format!("The whole log: {}", logs(node)))
}

/// The command that shows the node's log.
fn logs(node: &NodeLayout) -> String {
    let words = format!("logs {}", node.name());
    node.network().command("testnet", &words)
}

/// The end of a file, at most so many bytes of it.
fn tail(path: &Path, bytes: u64) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
    let mut text = Vec::new();
    file.take(bytes).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
