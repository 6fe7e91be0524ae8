//! `testnet up`.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    process::Child,
    time::{Duration, Instant},
};

use clap::Args;
use keys::{Access, ClientChecks, Mode};
use terminal::{Output, counted, exit::Code, explained};

use super::{Common, check_name, down, status};
use crate::{
    balance,
    failure::{Failure, Outcome},
    interrupt::Interrupts,
    network::{
        Facts, Health, Layout, Lock, Network, Plan, await_answers, found, launch, remove,
        renew_ports, usual_accounts,
    },
    supervisor,
};

pub const NOTES: &str = "\
A network is made once, with its mode, nodes and keys, and gone on with afterwards; --reset
makes another one in its place. Ctrl-C stops all nodes; with --detach they go on until
`cargo testnet down`.

Examples:
  cargo testnet up
  cargo testnet up --mode raft --nodes 3 --data /tmp/other --detach
  cargo testnet up --reset --mode byzantine --nodes 7";

/// How many nodes there are unless the user says so.
const NODES: usize = 4;
/// How long a network may take until it is healthy.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same if it cannot become healthy, because a node did not start: for the others to be led.
const PATIENCE_WITHOUT_ALL: Duration = Duration::from_secs(3);

#[derive(Args)]
pub struct Arguments {
    /// How many nodes [default: 4]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=64))]
    nodes: Option<u16>,
    /// How they agree: raft, raft-signed or byzantine [default: byzantine]
    #[arg(long)]
    mode: Option<Mode>,
    /// Who checks clients' signatures: leader or all [default: leader in mode raft, else all]
    #[arg(long, value_name = "WHO")]
    client_checks: Option<ClientChecks>,
    /// Who may connect: members (the accounts, the nodes and this machine's own client key) or
    /// anybody [default: members]
    #[arg(long, value_name = "WHO")]
    access: Option<Access>,
    /// Return as soon as the network is healthy, and leave it running
    #[arg(long)]
    detach: bool,
    /// Make all keys from this number, so that the same network can be made again
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Remove the network that is there, with its ledger, and make a new one; the keys of accounts stay
    #[arg(long)]
    reset: bool,
}

pub fn run(common: &Common, arguments: &Arguments, output: &Output) -> Outcome<Code> {
    let layout = common.layout();
    make_root(&layout)?;
    // Whoever else's folder it is, not even a lock is left in it.
    if Network::find(&layout)?.is_none() && layout.is_somebodys() {
        return Err(Failure::state(format!(
            "{} is the folder of a node of another network (it has a key.pem): no local network is \
             made in it",
            layout.root().display()
        ))
        .next("Choose another folder with --data."));
    }
    let lock = Lock::wait(&layout.lock())?;
    if let Some(network) = Network::find(&layout)? {
        check_name(&network)?;
    }
    if arguments.reset
        && let Some(network) = Network::find(&layout)?
    {
        if network.is_alive() {
            return Err(Failure::state(format!(
                "the network in {} runs, and --reset would erase it",
                layout.root().display()
            ))
            .next(format!(
                "To stop it first: {}",
                common.command("testnet", "down")
            )));
        }
        remove(&layout)?;
        make_root(&layout)?;
    }
    let start = Instant::now();
    let (mut network, fresh) = match Network::find(&layout)? {
        Some(network) => {
            check_same(common, arguments, &network)?;
            if network.is_alive() {
                drop(lock);
                return already_running(common, &network, output);
            }
            (network, false)
        }
        None => (make(&layout, arguments)?, true),
    };
    let (genesis, moved) = renew_ports(&layout, network.genesis)?;
    network.genesis = genesis;
    for name in moved {
        output.aside(&format!(
            "{name} listens at another port: somebody took its old one"
        ));
    }
    network.state.running = true;
    network.state.store(&layout)?;
    // Before the first node starts, so that Ctrl-C finds somebody who stops them.
    let interrupts = Interrupts::count()?;
    let nodes = network.nodes();
    let mut children = launch(&nodes)?;
    let failures = await_answers(&nodes, &mut children, |text| output.aside(text));
    let up = nodes.len() - failures.len();
    let mut patience = PATIENCE;
    for failure in &failures {
        failure.tell_aside(*output);
        patience = PATIENCE_WITHOUT_ALL;
    }
    if up < network.sizes()?.quorum() {
        down::stop(network, output)?;
        return Err(Failure::state(
            "too few nodes started for a quorum, so all are stopped again; the ledger is untouched",
        ));
    }
    let (facts, health) = wait_until_ready(&network, patience)?;
    drop(lock);
    let text = introduction(
        common,
        &network,
        fresh,
        start.elapsed(),
        arguments.detach,
        output,
    )?;
    let mut value = status::as_json(&network, &facts, &health)?;
    value.ready_seconds = Some(start.elapsed().as_secs_f64());
    output.result(&value, &text);
    if !health.healthy {
        output.aside(&format!(
            "It runs, but is not healthy yet:\n  {}",
            health.problems.join("\n  ")
        ));
    }
    if arguments.detach {
        return Ok(Code::Ok);
    }
    supervise(network, &mut children, &interrupts, output)
}

/// Waits until the network is healthy, all links are up, and the leader has committed something.
fn wait_until_ready(network: &Network, patience: Duration) -> Outcome<(Facts, Health)> {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let (facts, health) = status::wait_until_healthy(network, left)?;
        let linked = facts.reports().all(|(node, report)| {
            let mut peers = report.peers.iter();
            report.commit > 0 && peers.all(|peer| peer.up || node.links.to(&peer.name).cut)
        });
        if (health.healthy && linked) || Instant::now() >= deadline {
            return Ok((facts, health));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn supervise(
    network: Network,
    children: &mut Vec<Child>,
    interrupts: &Interrupts,
    output: &Output,
) -> Outcome<Code> {
    match supervisor::watch(&network, children, interrupts)? {
        supervisor::End::TakenDown => {
            output.aside("The network was stopped by another command.");
            Ok(Code::Ok)
        }
        supervisor::End::Interrupted => {
            output.aside("Stopping all nodes …");
            let _lock = Lock::wait(&network.layout.lock())?;
            let layout = network.layout.clone();
            down::stop(network, output)?;
            output.aside(&format!(
                "Stopped. The ledger stays in {}; `{}` goes on with it.",
                layout.root().display(),
                layout.command("testnet", "up")
            ));
            Ok(Code::Interrupted)
        }
    }
}

fn make_root(layout: &Layout) -> Outcome {
    let root = layout.root();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(root)
        .map_err(|error| Failure::system(format!("make the folder {}", root.display()), error))
}

fn make(layout: &Layout, arguments: &Arguments) -> Outcome<Network> {
    found(
        layout,
        &Plan {
            nodes: arguments.nodes.map_or(NODES, usize::from),
            mode: arguments.mode.unwrap_or(Mode::Byzantine),
            client_checks: arguments.client_checks,
            access: arguments.access.unwrap_or_default(),
            seed: arguments.seed,
            accounts: usual_accounts(),
        },
    )?;
    Network::open(layout)
}

/// A network that was made otherwise is never quietly taken for the one that is asked for.
fn check_same(common: &Common, arguments: &Arguments, network: &Network) -> Outcome {
    let genesis = &network.genesis;
    let nodes = genesis.validators().len();
    let mut differences = Vec::new();
    if let Some(mode) = arguments.mode.filter(|mode| *mode != genesis.mode()) {
        differences.push(format!("its mode is {}, not {mode}", genesis.mode()));
    }
    if let Some(asked) = arguments.nodes.filter(|asked| usize::from(*asked) != nodes) {
        differences.push(format!("it has {nodes} nodes, not {asked}"));
    }
    if let Some(checks) = arguments.client_checks
        && checks != genesis.client_checks()
    {
        differences.push(format!(
            "clients' signatures are checked by {}, not {checks}",
            genesis.client_checks()
        ));
    }
    if let Some(access) = arguments
        .access
        .filter(|access| *access != genesis.access())
    {
        differences.push(format!("{} may connect, not {access}", genesis.access()));
    }
    if let Some(seed) = arguments.seed
        && network.state.seed != Some(seed)
    {
        differences.push(format!("it was not made from seed {seed}"));
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::state(format!(
        "there is a network in {} already, and {}",
        network.layout.root().display(),
        differences.join(", and ")
    ))
    .next(format!(
        "To go on with it: {}\n  To remove it and its ledger: repeat this with --reset\n  To keep \
         both: choose another folder with --data",
        common.command("testnet", "up")
    )))
}

fn already_running(common: &Common, network: &Network, output: &Output) -> Outcome<Code> {
    let (facts, health) = crate::network::assess(network)?;
    let value = status::as_json(network, &facts, &health)?;
    let text = format!(
        "The network in {} runs already.\n\n{}",
        network.layout.root().display(),
        status::as_text(network, &facts, &health, false, output)?
    );
    output.result(&value, &text);
    output.next(&explained(&common.command("testnet", "down"), "stops it"));
    Ok(Code::Ok)
}

/// What runs, where, what to type next, and how to stop.
fn introduction(
    common: &Common,
    network: &Network,
    fresh: bool,
    took: Duration,
    detached: bool,
    output: &Output,
) -> Outcome<String> {
    let sizes = network.sizes()?;
    let mode = network.genesis.mode();
    let faulty = sizes.faulty();
    let tolerates = match (mode, faulty) {
        (Mode::Byzantine, 1) => "1 traitor".to_owned(),
        (Mode::Byzantine, _) => format!("{faulty} traitors"),
        (Mode::Raft | Mode::RaftSigned, 1) => "1 crash".to_owned(),
        (Mode::Raft | Mode::RaftSigned, _) => format!("{faulty} crashes"),
    };
    let mut text = format!(
        "{}: {}, mode {mode}, tolerates {tolerates} (f = {faulty}), quorum {}; {} in {:.1} s.\n",
        output.bold("Hawser testnet"),
        counted(sizes.validators(), "node"),
        sizes.quorum(),
        if fresh {
            "ready"
        } else {
            "going on where it stopped, ready"
        },
        took.as_secs_f64(),
    );
    for validator in network.genesis.validators() {
        text.push_str(&format!("\n  {}  {}", validator.name, validator.address));
    }
    if let Some(balance) = balance::of(network, "alice", fresh) {
        text.push_str(&format!("\n\nalice holds {balance}."));
    }
    text.push_str(&format!(
        "\nKeys are in {}, each node's log in its folder beside it.\n\n{}",
        network.layout.keys().directory().display(),
        output.bold(if detached {
            "Now type:"
        } else {
            "In a second terminal:"
        })
    ));
    let mut hints: Vec<(String, &str)> = [
        ("ledger", "transfer alice bob 250", "send money"),
        ("testnet", "status", "who leads, and is all well"),
        ("testnet", "kill n0", "a crash"),
        ("testnet", "start n0", "brings it back"),
        ("testnet", "byzantine set n3 equivocate", "a traitor"),
        ("testnet", "logs -f", "what the nodes say"),
    ]
    .map(|(tool, words, meaning)| (common.command(tool, words), meaning))
    .to_vec();
    if detached {
        hints.push((common.command("testnet", "down"), "stop it"));
    }
    let width = hints
        .iter()
        .map(|(command, _)| command.len())
        .max()
        .unwrap_or(0);
    for (command, meaning) in hints {
        text.push_str(&format!("\n  {command:<width$}   # {meaning}"));
    }
    if !detached {
        text.push_str(&format!(
            "\n\n{} stops all nodes; the ledger stays.",
            output.bold("Ctrl-C")
        ));
    }
    Ok(text)
}
