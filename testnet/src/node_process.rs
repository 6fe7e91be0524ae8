//! One node of a testnet, as a process of its own: `testnet node --directory DIR/n0`.

use std::{
    io::IsTerminal,
    net::SocketAddr,
    path::Path,
    sync::{Arc, OnceLock},
};

use keys::{Genesis, KeyPair};
use ledger::Ledger;
use node::{Node, NodeOptions, StartError};
use terminal::exit::Code;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::{
    control,
    failure::{Failure, Outcome},
    history::{History, Recorded},
    network::{NodeLayout, faults::LinkFaults, process},
    traitor::Setting,
};

/// The variable that says how much a node logs, as `tracing` filters are written.
const LOG_VARIABLE: &str = "RUST_LOG";

/// Runs the node whose folder that is until it is told to stop. It listens on the loopback
/// interface unless another address is given.
///
/// # Errors
/// If it cannot start, or had to stop by itself.
pub fn run(directory: &Path, listen: Option<SocketAddr>) -> Outcome {
    // A session of its own: neither the terminal's Ctrl-C nor its end reaches the node. It fails
    // only for who leads a group already, and is nobody's child then.
    let _ = rustix::process::setsid();
    let layout = NodeLayout::new(directory);
    let _claim = process::claim(&layout)?;
    start_logging();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::system("start the node's threads", error))?
        .block_on(serve(&layout, listen))
}

fn start_logging() {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

async fn serve(layout: &NodeLayout, listen: Option<SocketAddr>) -> Outcome {
    let genesis = Genesis::load(&layout.network().genesis())?;
    let key = KeyPair::read_pem(&layout.key())?;
    let configuration = node::configuration(&genesis, None)
        .map_err(|error| Failure::new(Code::VerificationFailed, error.to_string()))?;
    let history = Arc::new(History::default());
    let ledger = Box::new(Ledger::new(&genesis, &configuration));
    let application = Box::new(Recorded::new(ledger, Arc::clone(&history)));
    let mut options = NodeOptions::new(genesis.clone(), key, layout.data(), application);
    options.listen = listen;
    let setting = Setting::load(layout)?;
    options.behaviour = setting.as_ref().map(Setting::make).transpose()?;
    let control = Arc::new(OnceLock::new());
    let server = control::Server {
        progress: Arc::clone(&options.progress),
        control: Arc::clone(&control),
        genesis: genesis.clone(),
        history,
    };
    // Before the start, which may take long and must not look like a node that is stuck.
    control::serve(layout, server)?;
    let handle = Node::start(options).await.map_err(refused)?;
    if let Some(setting) = &setting {
        tracing::warn!(mark = setting.mark(), "traitor since its start");
    }
    let faults = LinkFaults::load(layout)?;
    control::apply_links(&handle.control(), &genesis, &faults).map_err(Failure::state)?;
    // Once it is told, it answers as a node that has started.
    let _ = control.set(handle.control());
    tracing::info!(
        name = layout.name(),
        process = std::process::id(),
        "node started"
    );
    let fail = |error| Failure::system("listen for signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(fail)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(fail)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hang_up.recv() => {}
        error = handle.failed() => {
            let failure = Failure::new(Code::Internal, error.to_string());
            handle.shutdown().await;
            return Err(failure);
        }
    }
    tracing::info!("stopping");
    handle.shutdown().await;
    tracing::info!("stopped");
    Ok(())
}

fn refused(error: StartError) -> Failure {
    let code = match &error {
        StartError::Damaged { .. }
        | StartError::Record { .. }
        | StartError::VoteState(_)
        | StartError::Chain(_)
        | StartError::Entry(_) => Code::VerificationFailed,
        StartError::NotMade { .. }
        | StartError::OtherIncarnation { .. }
        | StartError::StreamLost { .. } => Code::VerificationFailed,
        StartError::NotAValidator | StartError::Size(_) => Code::Usage,
        _ => Code::Internal,
    };
    let failure = Failure::new(code, error.to_string());
    match error.about_lost_data() {
        Some(advice) => failure.next(advice),
        None => failure,
    }
}
