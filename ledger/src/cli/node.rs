//! `ledger node`: runs one node of a network until it is told to stop.

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    path::PathBuf,
};

use crate::Ledger;
use clap::Args;
use keys::{FileError, IncarnationError, KeyFileError, KeyPair};
use node::{Node, NodeOptions, StartError};
use serde_json::json;
use storage::OpenError;
use terminal::{Output, colour_allowed, exit::Code, explained, program, quote};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{
    failure::{Failure, Outcome},
    setup::Common,
};

pub const EXAMPLES: &str = "\
DIR/key.pem is the node's key, DIR/genesis.json the network, DIR/data what the node must not
forget: `keys init DIR` makes it, once, and a node never votes from another one. The others' addresses come from genesis; a validator that moved needs no new genesis id.

Examples:
  ledger node --data /var/lib/hawser/n0 --listen 0.0.0.0:4100
  ledger node --data n1 --genesis genesis.json --listen 10.0.0.2:4100
  RUST_LOG=node=debug ledger node --data n0
  ledger node --data n0 --passphrase-file /run/credentials/hawser/passphrase

Stop it with Ctrl-C, SIGTERM or SIGHUP: what was promised is on disk before it ends. A node that is
started while its predecessor still ends waits some seconds for it.";

#[derive(Args)]
pub struct Arguments {
    /// Where to listen [default: 127.0.0.1 at the port that genesis gives this node]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The genesis file [default: DIR/genesis.json]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// The node's key file [default: DIR/key.pem]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

pub async fn run(common: &Common, arguments: Arguments, output: Output) -> Outcome {
    start_log(output);
    let directory = common.directory();
    let genesis = common.genesis_by_option(arguments.genesis.as_deref())?;
    let path = arguments.key.unwrap_or_else(|| directory.join("key.pem"));
    let key = KeyPair::read_pem_with(&path, &common.passphrases()).map_err(|error| {
        let absent = matches!(error, KeyFileError::File(FileError::NotFound(_)));
        let failure = Failure::from(error);
        if absent {
            failure.next(explained(
                &format!(
                    "{} init {}",
                    program("keys"),
                    quote(&directory.to_string_lossy())
                ),
                "makes it on a new node's machine, before genesis is written",
            ))
        } else {
            failure
        }
    })?;
    let configuration = node::configuration(&genesis, None)
        .map_err(|error| Failure::unverified(format!("the genesis makes no network: {error}")))?;
    let validator = genesis.validator_by_key(&key.public_key());
    let name = validator.map(|(_, validator)| validator.name.clone());
    let ledger = Box::new(Ledger::new(&genesis, &configuration));
    let (network, mode) = (genesis.network().to_owned(), genesis.mode());
    let mut options = NodeOptions::new(genesis, key, directory.join("data"), ledger);
    options.listen = arguments.listen;
    let wait_for = |kind| signal(kind).map_err(|error| Failure::system("wait for signals", error));
    let mut interrupt = wait_for(SignalKind::interrupt())?;
    let mut terminate = wait_for(SignalKind::terminate())?;
    let mut hang_up = wait_for(SignalKind::hangup())?;
    let node = Node::start(options).await.map_err(start_failure)?;
    let address = node
        .local_addr()
        .map_err(|error| Failure::system("read the node's address", error))?;
    let name = name.unwrap_or_else(|| node.id().to_string());
    output.line(
        &json!({
            "node": name,
            "network": network,
            "mode": mode.as_str(),
            "address": address.to_string(),
            "pid": std::process::id(),
        }),
        &format!("{name} of {network} ({mode}) listens at {address}. Ctrl-C stops it."),
    );
    let stopped = tokio::select! {
        error = node.failed() => Err(error),
        _ = interrupt.recv() => Ok("interrupted"),
        _ = terminate.recv() => Ok("told to stop"),
        _ = hang_up.recv() => Ok("its terminal is gone"),
    };
    let diverged = node.diverged();
    node.shutdown().await;
    if let Some(divergence) = diverged {
        let folder = directory.to_string_lossy();
        return Err(
            Failure::unverified(format!("{name} has diverged: {divergence}"))
                .meaning("It voted and served no more from then on, and its data are as they were.")
                .next(explained(
                    &common.command(&["audit", &folder]),
                    "says from which entry on; add another node's folder to compare the two",
                )),
        );
    }
    match stopped {
        Ok(reason) => {
            tracing::info!(node = %name, reason, "stopped");
            Ok(())
        }
        Err(error) => Err(
            Failure::new(Code::Internal, format!("{name} stopped: {error}")).next(
                "What it had promised is on disk. Look at the log above, then start it again.",
            ),
        ),
    }
}

/// Structured logs on standard error; `RUST_LOG` chooses what is said.
fn start_log(output: Output) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = io::stderr().is_terminal() && colour_allowed() && !output.is_json();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colour);
    // Somebody else may listen already, in tests.
    let _ = log.try_init();
}

/// What to do about an address that cannot be listened at.
fn listening(error: &StartError) -> &'static str {
    match error.listening() {
        Some(io::ErrorKind::AddrInUse) => {
            "Another process listens at this UDP port: stop it, or choose another address with --listen"
        }
        Some(io::ErrorKind::AddrNotAvailable) => {
            "This machine does not have this address. Listen at one of its own, or at all of them: --listen 0.0.0.0:PORT"
        }
        Some(io::ErrorKind::PermissionDenied) => {
            "This user may not open this port: choose one above 1023 with --listen"
        }
        _ => "Choose another address with --listen",
    }
}

fn start_failure(error: StartError) -> Failure {
    let code = match &error {
        StartError::NotAValidator
        | StartError::Size(_)
        | StartError::Listen { .. }
        | StartError::Storage(
            OpenError::Locked { .. } | OpenError::OtherNetwork { .. } | OpenError::OtherNode { .. },
        ) => Code::Usage,
        StartError::Damaged { .. }
        | StartError::Record { .. }
        | StartError::VoteState(_)
        | StartError::Chain(_)
        | StartError::Entry(_)
        | StartError::NotMade { .. }
        | StartError::OtherIncarnation { .. }
        | StartError::StreamLost { .. }
        | StartError::Incarnation {
            source: IncarnationError::Malformed(_),
        } => Code::VerificationFailed,
        StartError::Incarnation { .. }
        | StartError::Storage(_)
        | StartError::Read(_)
        | StartError::Application { .. }
        | StartError::Identity(_)
        | StartError::System { .. } => Code::Internal,
    };
    let next = match &error {
        lost if lost.about_lost_data().is_some() => lost.about_lost_data().unwrap_or_default(),
        StartError::NotAValidator => {
            "Check DIR/key.pem against the validators in genesis: keys show DIR/key.pem"
        }
        StartError::Storage(OpenError::Locked { .. }) => {
            "One directory belongs to one running node: stop the other process, or choose another --data"
        }
        StartError::Storage(OpenError::OtherNetwork { .. } | OpenError::OtherNode { .. }) => {
            "A node that used what another one promised could contradict it: choose the --data that was made for this key and network"
        }
        StartError::Listen { .. } => listening(&error),
        StartError::Damaged { .. }
        | StartError::Record { .. }
        | StartError::VoteState(_)
        | StartError::Chain(_)
        | StartError::Entry(_) => {
            "Keep a copy of DIR/data for inspection. The network goes on without this node while no more than f are down."
        }
        _ => return Failure::new(code, format!("the node did not start: {error}")),
    };
    Failure::new(code, format!("the node did not start: {error}")).next(next)
}
