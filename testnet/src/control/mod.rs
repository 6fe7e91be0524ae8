//! How a node of the testnet is steered: a Unix domain socket in its folder, for its owner only,
//! and one line of JSON each way.

mod client;
mod server;

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use node::{StatusReport, starting::Starting};
use serde::{Deserialize, Serialize};

pub use client::{ControlError, ask, ask_all};
pub use server::{Server, apply_links, serve};

use crate::{network::faults::LinkFaults, traitor::Setting};

/// Most bytes of a line, either way.
pub const LINE_LIMIT: u64 = 256 * 1024;
/// Most indexes in one question.
pub const HASHES_LIMIT: usize = 64;

/// What a node is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// How is it?
    Status,
    /// Misbehave like this from now on, or no longer.
    Behave(Option<Setting>),
    /// These are the faults of the links from here; all others have none.
    Links(LinkFaults),
    /// Which entries were applied at these indexes?
    Hashes(Vec<u64>),
}

/// What it answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// To [`Request::Status`].
    Status(Box<StatusReport>),
    /// To [`Request::Status`], while the node starts: how far it is.
    Starting(Starting),
    /// To [`Request::Hashes`]: in hexadecimal; nothing where the node applied none or no longer
    /// knows.
    Hashes(Vec<Option<String>>),
    /// It is done.
    Done,
    /// It is not done, for this reason.
    Refused(String),
}

/// The name of a socket is bounded to some hundred bytes, which a folder deep down exceeds. The
/// folder's descriptor gives it a short name; the returned file keeps that valid.
fn short_path(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    const LONGEST: usize = 100;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok((path.to_owned(), None));
    };
    if path.as_os_str().len() <= LONGEST {
        return Ok((path.to_owned(), None));
    }
    let folder = File::open(folder)?;
    let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string());
    Ok((short.join(name), Some(folder)))
}
