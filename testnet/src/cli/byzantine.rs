//! `testnet byzantine`.

use clap::{Args, Subcommand};
use keys::{Address, Mode};
use serde_json::json;
use terminal::{Align, Output, table};

use super::{Common, links::tell};
use crate::{
    control::Request,
    failure::{Failure, Outcome},
    network::{Lock, Network},
    traitor::{KINDS, Kind, Setting},
};

pub const NOTES: &str = "\
A behaviour acts at once on a running node, and stays with it over restarts until it is
cleared.

Examples:
  cargo testnet byzantine list
  cargo testnet byzantine set n3 equivocate
  cargo testnet byzantine set n0 censor --account alice
  cargo testnet byzantine clear n3";

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a node misbehave
    Set {
        /// The node
        node: String,
        /// The behaviour; `cargo testnet byzantine list` names them
        behaviour: String,
        /// The account that it is turned against: a name or an address
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
    },
    /// Make a node behave again
    Clear {
        /// The node
        node: String,
    },
    /// List the behaviours, and the nodes that have one
    List,
}

pub fn run(common: &Common, arguments: Arguments, output: &Output) -> Outcome {
    match arguments.command {
        Command::Set {
            node,
            behaviour,
            account,
        } => set(common, &node, &behaviour, account.as_deref(), output),
        Command::Clear { node } => clear(common, &node, output),
        Command::List => list(common, output),
    }
}

fn set(
    common: &Common,
    name: &str,
    behaviour: &str,
    account: Option<&str>,
    output: &Output,
) -> Outcome {
    let mut setting: Setting = behaviour.parse()?;
    let network = common.network_in_reach()?;
    let node = network.node(name)?;
    setting.account = account
        .map(|account| address_of(&network, account))
        .transpose()?;
    setting.make()?;
    let kind = Kind::find(&setting.behaviour);
    let kind = kind.ok_or_else(|| Failure::usage("there is no such behaviour"))?;
    let _lock = Lock::wait(&network.layout.lock())?;
    Setting::store(Some(&setting), &node)?;
    tell(&node, &Request::Behave(Some(setting.clone())))?;
    let mode = network.genesis.mode();
    let warning = match mode {
        Mode::Byzantine => too_many(&network)?.map_or_else(String::new, |text| output.bold(&text)),
        Mode::Raft | Mode::RaftSigned => {
            output.bold(&format!("Mode {mode} does not tolerate traitors. "))
        }
    };
    let expectation = network.layout.spell_out(kind.expectation(mode));
    let text = format!(
        "{name} is a traitor now: it {}.\n{warning}{expectation}",
        kind.summary
    );
    output.result(
        &json!({"node": name, "set": setting, "tolerated": mode == Mode::Byzantine, "expect": expectation}),
        &text,
    );
    Ok(())
}

/// What to expect when more nodes misbehave than the network tolerates.
fn too_many(network: &Network) -> Outcome<Option<String>> {
    let mut traitors = Vec::new();
    for node in network.nodes() {
        if Setting::load(&node)?.is_some() {
            traitors.push(node.name());
        }
    }
    let tolerated = network.sizes()?.faulty();
    Ok((traitors.len() > tolerated).then(|| {
        format!(
            "{} are more traitors than the f = {tolerated} that {} nodes tolerate: the ledger may \
             stop, or fork. `{}` makes {} behave again.\n",
            traitors.join(" and "),
            network.nodes().len(),
            network
                .layout
                .command("testnet", &format!("byzantine clear {}", traitors[0])),
            traitors[0]
        )
    }))
}

/// The address behind a name or an address.
fn address_of(network: &Network, text: &str) -> Outcome<Address> {
    if let Some(account) = network.genesis.account_by_name(text) {
        return Ok(account.address());
    }
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    match network.layout.keys().load(text) {
        Ok(key) => Ok(key.public_key().address()),
        Err(_) => Err(
            Failure::usage(format!("{text:?} is no account that is known here")).next(
                "Give a name that genesis or the folder of keys knows, or an address (hw1…).",
            ),
        ),
    }
}

fn clear(common: &Common, name: &str, output: &Output) -> Outcome {
    let network = common.network_in_reach()?;
    let node = network.node(name)?;
    let _lock = Lock::wait(&network.layout.lock())?;
    let before = Setting::load(&node)?;
    Setting::store(None, &node)?;
    tell(&node, &Request::Behave(None))?;
    let text = match &before {
        Some(setting) => format!("{name} behaves again; it was set to {}.", setting.behaviour),
        None => format!("{name} behaved already."),
    };
    output.result(&json!({"node": name, "cleared": before}), &text);
    Ok(())
}

fn list(common: &Common, output: &Output) -> Outcome {
    let layout = common.layout();
    let network = Network::find(&layout)?;
    let mode = network.as_ref().map(|network| network.genesis.mode());
    let mut set = Vec::new();
    if let Some(network) = &network {
        for node in network.nodes() {
            if let Some(setting) = Setting::load(&node)? {
                set.push((node.name(), setting));
            }
        }
    }
    let rows: Vec<Vec<String>> = KINDS
        .iter()
        .map(|kind| {
            let nodes: Vec<&str> = set
                .iter()
                .filter(|(_, setting)| setting.behaviour == kind.name)
                .map(|(node, _)| node.as_str())
                .collect();
            vec![
                kind.name.to_owned(),
                kind.summary.to_owned(),
                nodes.join(", "),
            ]
        })
        .collect();
    let text = table(
        &[
            ("behaviour", Align::Left),
            ("what it does", Align::Left),
            ("set on", Align::Left),
        ],
        &rows,
    );
    let behaviours: Vec<_> = KINDS
        .iter()
        .map(|kind| {
            json!({
                "name": kind.name,
                "summary": kind.summary,
                "takes_account": kind.takes_account,
                "byzantine": layout.spell_out(kind.contained),
                "raft": layout.spell_out(kind.unchecked),
            })
        })
        .collect();
    let nodes: Vec<_> = set
        .iter()
        .map(|(node, setting)| json!({"node": node, "set": setting}))
        .collect();
    output.result(
        &json!({"mode": mode, "behaviours": behaviours, "nodes": nodes}),
        &text,
    );
    Ok(())
}
