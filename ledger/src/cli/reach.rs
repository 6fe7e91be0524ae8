//! What is known of nodes that cannot be reached, and what helps.

use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use client::{Cause, RefusalReason, Unreachable};
use keys::Validator;
use terminal::{exit::Code, explained, show_span};

use super::{connect::Connection, failure::Failure, setup::Setup};

/// How long this machine's own refusal takes at most.
const REFUSAL: Duration = Duration::from_millis(2);

impl Connection {
    /// How many nodes answer, and why the others do not.
    pub fn why(&self, reachable: usize, unreachable: &[Unreachable]) -> String {
        let total = self.configuration.sizes().validators();
        let verb = if reachable == 1 { "answers" } else { "answer" };
        let missing: Vec<String> = unreachable
            .iter()
            .map(|node| format!("{}: {}", node.name, node.reason))
            .collect();
        if missing.is_empty() {
            format!("{reachable} of {total} nodes {verb}")
        } else {
            format!(
                "{reachable} of {total} nodes {verb} ({})",
                missing.join("; ")
            )
        }
    }

    /// Too few nodes can be reached: what is known of why, and what helps against that.
    pub fn too_few(
        &self,
        reachable: usize,
        needed: usize,
        unreachable: &[Unreachable],
        purpose: &str,
    ) -> Failure {
        let common = &self.setup.common;
        let why = self.why(reachable, unreachable);
        let every = |cause: Cause| {
            !unreachable.is_empty() && unreachable.iter().all(|node| node.cause == cause)
        };
        let crowded = Cause::Refused(RefusalReason::TooManyConnections);
        let local = Local::of(&self.setup).filter(|_| reachable == 0);
        let (code, message, next) = match local {
            Some(Local::Stopped) => (
                Code::TestnetState,
                format!("the local network is stopped: {why}"),
                explained(&common.testnet(&["up"]), "starts it"),
            ),
            Some(Local::Starting(nodes)) => (
                Code::NoQuorum,
                format!(
                    "the local network is starting: the {} of {} live and do not listen yet, as \
                     while a node reads its log again after a restart ({why})",
                    if nodes.len() == 1 { "process" } else { "processes" },
                    nodes.join(", ")
                ),
                explained(
                    &common.testnet(&["status", "--wait", "healthy"]),
                    "waits for them",
                ),
            ),
            _ if unreachable.iter().any(|node| node.cause == crowded) => (
                Code::NoQuorum,
                format!("{why}, and {needed} are needed {purpose}; the nodes that refuse run"),
                "Let other commands that use this key end first, or connect with another key: --client-key NAME"
                    .to_owned(),
            ),
            _ if reachable == 0 && every(Cause::Unheard) => (
                Code::NoQuorum,
                format!(
                    "no node was heard of within {}, which says nothing about whether they run: {why}",
                    show_span(self.timeout())
                ),
                "Allow more time: --timeout 10s".to_owned(),
            ),
            _ => (
                Code::NoQuorum,
                format!("{why}, and {needed} are needed {purpose}"),
                self.advice(unreachable),
            ),
        };
        Failure::new(code, message).next(next)
    }

    /// How to get nodes back: those of a local network that are down are started, of all others
    /// more has to be known.
    fn advice(&self, unreachable: &[Unreachable]) -> String {
        let common = &self.setup.common;
        let validators = self.setup.genesis.validators();
        let is_down = |node: &&Unreachable| {
            let validator = validators.get(node.node.position());
            validator.is_some_and(|validator| is_refused(validator.address))
                && !lives(&self.setup, &node.name)
        };
        let down: Vec<&str> = unreachable
            .iter()
            .filter(is_down)
            .map(|node| node.name.as_str())
            .collect();
        if !is_testnet(&self.setup) || down.is_empty() {
            return explained(&common.command(&["status"]), "how the nodes are");
        }
        explained(
            &common.testnet(&[&["start"], down.as_slice()].concat()),
            if down.len() == 1 {
                "starts it again"
            } else {
                "starts them again"
            },
        )
    }
}

fn is_testnet(setup: &Setup) -> bool {
    setup.common.directory().join("testnet.json").is_file()
}

/// What this machine knows of a local network of which no node listens.
#[derive(Debug, PartialEq, Eq)]
pub enum Local {
    /// None of its nodes has a process.
    Stopped,
    /// These nodes have one.
    Starting(Vec<String>),
}

impl Local {
    /// `None` for a network that the local network's program did not make, or where somebody
    /// listens: the machine refuses what is sent to where nobody does.
    pub fn of(setup: &Setup) -> Option<Self> {
        let validators = setup.genesis.validators();
        let refused = |validator: &Validator| is_refused(validator.address);
        if !is_testnet(setup) || !validators.iter().all(refused) {
            return None;
        }
        let names = validators.iter().map(|validator| validator.name.clone());
        let living: Vec<String> = names.filter(|name| lives(setup, name)).collect();
        Some(match living.is_empty() {
            true => Self::Stopped,
            false => Self::Starting(living),
        })
    }
}

/// Whether a local network's node has a process: it holds a lock on this file for as long as it lives.
fn lives(setup: &Setup, name: &str) -> bool {
    let file = File::open(setup.common.directory().join(name).join("pid"));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Whether nobody listens there, as far as this machine says so by itself. An empty datagram means
/// nothing to a node.
fn is_refused(address: SocketAddr) -> bool {
    if !address.ip().is_loopback() {
        return false;
    }
    let ask = || {
        let socket = UdpSocket::bind(SocketAddr::new(address.ip(), 0))?;
        socket.set_read_timeout(Some(REFUSAL))?;
        socket.connect(address)?;
        socket.send(&[])?;
        socket.recv(&mut [])
    };
    ask().is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_nobody_listens_at_refuses() {
        let listening = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = listening.local_addr().unwrap();
        assert!(!is_refused(address));
        // Nobody listens at the port of tcpmux.
        assert!(is_refused(([127, 0, 0, 1], 1).into()));
    }
}
