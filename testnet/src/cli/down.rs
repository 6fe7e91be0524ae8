//! `testnet down`.

use clap::Args;
use serde_json::json;
use terminal::{Output, explained};

use super::Common;
use crate::{
    failure::Outcome,
    network::{Lock, Network, process, remove, remove_reports},
};

#[derive(Args)]
pub struct Arguments {
    /// Also remove the ledger, the nodes with their keys, the logs and what `compare` reported there
    #[arg(long)]
    purge: bool,
}

pub fn run(common: &Common, arguments: &Arguments, output: &Output) -> Outcome {
    let network = common.network_in_reach()?;
    let _lock = Lock::wait(&network.layout.lock())?;
    let was_running = network.is_alive();
    stop(network, output)?;
    let layout = common.layout();
    if arguments.purge {
        remove_reports(&layout)?;
        remove(&layout)?;
    }
    let text = match (was_running, arguments.purge) {
        (true, true) => {
            "The network is stopped and removed, with its ledger. The keys of accounts stay."
                .to_owned()
        }
        (false, true) => {
            "The network is removed, with its ledger. The keys of accounts stay.".to_owned()
        }
        (true, false) => format!(
            "The network is stopped. Its ledger stays in {}.",
            layout.root().display()
        ),
        (false, false) => "The network was not running.".to_owned(),
    };
    output.result(
        &json!({"stopped": was_running, "purged": arguments.purge}),
        &text,
    );
    if !arguments.purge {
        output.next(&explained(
            &common.command("testnet", "up"),
            "goes on with it",
        ));
    }
    Ok(())
}

/// Stops all nodes in order.
pub fn stop(mut network: Network, output: &Output) -> Outcome {
    network.state.running = false;
    network.state.store(&network.layout)?;
    for name in process::stop(&network.nodes())? {
        output.aside(&format!("{name} did not stop by itself and was killed"));
    }
    Ok(())
}
