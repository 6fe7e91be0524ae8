//! Asking a node.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use thiserror::Error;

use super::{LINE_LIMIT, Request, Response, short_path};
use crate::network::NodeLayout;

/// How long an answer may take. A node that computes at its limit still answers within this.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ControlError {
    /// Nobody is there.
    #[error("it does not run")]
    Absent,
    /// The node is there and says nothing: it is paused, or stuck.
    #[error("it does not answer")]
    Silent,
    /// The answer is none.
    #[error("its answer cannot be understood: {0}")]
    Garbled(#[from] serde_json::Error),
    /// The system refused.
    #[error("it cannot be reached: {0}")]
    System(io::Error),
}

impl From<io::Error> for ControlError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Self::Absent,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Silent,
            _ => Self::System(error),
        }
    }
}

/// Asks one node and waits for the answer, two seconds at most.
///
/// # Errors
/// [`ControlError`].
pub fn ask(node: &NodeLayout, request: &Request) -> Result<Response, ControlError> {
    let (path, _folder) = short_path(&node.socket())?;
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = Vec::new();
    BufReader::new(stream.take(LINE_LIMIT)).read_until(b'\n', &mut answer)?;
    if answer.is_empty() {
        return Err(ControlError::Absent);
    }
    Ok(serde_json::from_slice(&answer)?)
}

/// Asks several nodes at once; the answers are in the nodes' order.
pub fn ask_all(nodes: &[NodeLayout], request: &Request) -> Vec<Result<Response, ControlError>> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = nodes
            .iter()
            .map(|node| scope.spawn(move || ask(node, request)))
            .collect();
        asked
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err(ControlError::Absent)))
            .collect()
    })
}
