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

use node::starting::Starting;
use terminal::{exit::Code, plain};

use super::{NodeLayout, ProcessState, process};
use crate::{
    control::{self, Request, Response},
    failure::{Failure, Outcome},
};

/// How long a starting node may get nowhere. Replaying takes as long as the log is long, so what counts
/// is that it goes on.
const PATIENCE: Duration = Duration::from_secs(60);
/// After how long it is said what is waited for, and how often.
const TELL: Duration = Duration::from_secs(5);
/// How long a node that was started is watched until it has caught up.
const SETTLING: Duration = Duration::from_secs(1);
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

/// Waits until each of these nodes has started or ended, for as long as it gets on. Says now and then
/// how far they are. Returns what became of those that did not start: one that ended, with what it said
/// last, or got nowhere.
pub fn await_answers(
    nodes: &[NodeLayout],
    children: &mut [Child],
    mut tell: impl FnMut(&str),
) -> Vec<Failure> {
    let mut told = Instant::now();
    let mut tell = |text: &str| {
        if told.elapsed() >= TELL {
            told = Instant::now();
            tell(text);
        }
    };
    let mut patience: Vec<Patience> = nodes
        .iter()
        .map(|_| Patience::new(Instant::now()))
        .collect();
    let mut failures = Vec::new();
    for (position, node) in nodes.iter().enumerate() {
        loop {
            // All are watched, so that a node which got on while another was waited for is known to.
            for (other, patience) in nodes.iter().zip(&mut patience).skip(position + 1) {
                if let Ok(Response::Starting(starting)) = control::ask(other, &Request::Status) {
                    patience.note(starting, Instant::now());
                }
            }
            match await_answer(node, &mut children[position], &mut patience[position]) {
                Waited::Started => break,
                Waited::Failed(failure) => {
                    failures.push(failure);
                    break;
                }
                Waited::Starting(starting) => tell(&format!("{} is {starting} …", node.name())),
            }
            std::thread::sleep(LOOK);
        }
    }
    failures
}

/// Until when a node is waited for.
struct Patience {
    seen: Option<Starting>,
    since: Instant,
}

impl Patience {
    const fn new(now: Instant) -> Self {
        Self {
            seen: None,
            since: now,
        }
    }

    /// Takes in how far the node is now.
    fn note(&mut self, starting: Starting, now: Instant) {
        if self.seen != Some(starting) {
            self.seen = Some(starting);
            self.since = now;
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= PATIENCE
    }
}

enum Waited {
    Started,
    Starting(Starting),
    Failed(Failure),
}

/// Looks once.
fn await_answer(node: &NodeLayout, child: &mut Child, patience: &mut Patience) -> Waited {
    match control::ask(node, &Request::Status) {
        Ok(Response::Status(_)) => return Waited::Started,
        Ok(Response::Starting(starting)) => patience.note(starting, Instant::now()),
        _ => {}
    }
    if let Ok(Some(_)) = child.try_wait()
        && process::probe(node) == ProcessState::Down
    {
        return Waited::Failed(did_not_start(node));
    }
    if patience.is_over(Instant::now()) {
        let seen = patience.seen;
        let seen = seen.map_or_else(String::new, |starting| {
            format!("; the last seen: {starting}")
        });
        let failure = Failure::new(
            Code::NoQuorum,
            format!(
                "{} got no further for {} s{seen}",
                node.name(),
                PATIENCE.as_secs()
            ),
        );
        return Waited::Failed(failure.next(format!("See what it says: {}", logs(node))));
    }
    Waited::Starting(patience.seen.unwrap_or_default())
}

/// Waits until a node that answers has written down what the others have committed, or for a second
/// if it does not get there: one whose disk takes nothing answers, and is gone a moment later.
///
/// # Errors
/// If it is gone.
pub fn await_work(node: &NodeLayout, children: &mut [Child]) -> Outcome {
    let deadline = Instant::now() + SETTLING;
    let commit = |node: &NodeLayout| match control::ask(node, &Request::Status) {
        Ok(Response::Status(report)) => Some((report.commit, report.peers)),
        _ => None,
    };
    let others = node.siblings();
    let target = others
        .iter()
        .filter_map(|other| Some(commit(other)?.0))
        .max();
    loop {
        for child in &mut *children {
            if let Ok(Some(_)) = child.try_wait() {
                return Err(ended(node, "started, and stopped again"));
            }
        }
        let there = commit(node).is_some_and(|(commit, peers)| {
            target.is_none_or(|target| commit >= target) && peers.iter().any(|peer| peer.up)
        });
        if there || Instant::now() >= deadline {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

fn did_not_start(node: &NodeLayout) -> Failure {
    ended(node, "did not start")
}

/// A node that has ended, with what it said last.
fn ended(node: &NodeLayout, what: &str) -> Failure {
    let log = tail(&node.log(), 4096).unwrap_or_default();
    let (reason, advice) = last_error(&log);
    let reason = reason.map_or_else(|| "it ended without saying why".to_owned(), plain);
    let whole = format!("The whole log: {}", logs(node));
    let next = match advice {
        Some(advice) => format!("{} {whole}", plain(advice)),
        None => whole,
    };
    Failure::state(format!("{} {what}: {reason}", node.name())).next(next)
}

/// The last error in a log, and the line of advice behind it, if there is one.
fn last_error(log: &str) -> (Option<&str>, Option<&str>) {
    let mut behind = None;
    for line in log.lines().rev() {
        if let Some(error) = line.strip_prefix("error: ") {
            return (Some(error), behind);
        }
        // Advice is set in.
        behind = line.strip_prefix("  ");
    }
    (None, None)
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

#[cfg(test)]
mod tests {
    use super::*;
    use node::starting::Stage;

    #[test]
    fn the_last_error_is_told_with_its_advice() {
        let log = "error: old\n  do this\nINFO start\nerror: gone\n  do that\n";
        assert_eq!(last_error(log), (Some("gone"), Some("do that")));
        assert_eq!(last_error("error: gone\nINFO end"), (Some("gone"), None));
        assert_eq!(last_error("INFO\n  set in\n"), (None, None));
    }

    /// As with a disk that is full: the start succeeds, and the first write does not.
    #[test]
    fn a_node_that_ends_after_it_has_started_is_not_said_to_be_up() {
        let folder = tempfile::tempdir().unwrap();
        let node = NodeLayout::new(&folder.path().join("n0"));
        fs::create_dir(node.directory()).unwrap();
        let said = "error: the disk failed, the node stopped: no space left\n";
        fs::write(node.log(), said).unwrap();
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let gone = await_work(&node, &mut [child]).unwrap_err();
        assert_eq!(
            gone.message,
            "n0 started, and stopped again: the disk failed, the node stopped: no space left"
        );
    }

    #[test]
    fn patience_lasts_as_long_as_there_is_progress() {
        let mut now = Instant::now();
        let mut patience = Patience::new(now);
        let at = |done| Starting {
            stage: Stage::Replaying,
            done,
            total: 1_500_000,
        };
        // Ten times what a node may take that gets nowhere.
        for done in 0..20 {
            now += PATIENCE / 2;
            assert!(!patience.is_over(now), "{done}");
            patience.note(at(done), now);
        }
        now += PATIENCE / 2;
        patience.note(at(19), now);
        assert!(!patience.is_over(now));
        now += PATIENCE / 2;
        patience.note(at(19), now);
        assert!(patience.is_over(now), "it stands still");
    }
}
