//! The command line.

mod byzantine;
mod compare;
mod down;
mod lead;
mod links;
mod logs;
mod nodes;
mod status;
mod up;

pub use links::tell;
pub use status::wait_until_healthy;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use keys::data_directory;
use terminal::{Output, arguments, concluded, exit::Code};

use crate::{
    failure::{Failure, Outcome},
    network::{Layout, Network, renamed},
    node_process,
};

/// A local network of real processes: start it, break it, measure it, compare its modes.
///
/// Every node is a process of its own, with its own key, port and folder. Faults on links act
/// inside the nodes, so nothing here needs root.
#[derive(Parser)]
#[command(name = "testnet", version, max_term_width = 100, after_help = EXAMPLES)]
struct CommandLine {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cargo testnet up                           four nodes, byzantine mode, until Ctrl-C
  cargo testnet up --mode raft --detach      a Raft network in the background
  cargo testnet status                       who leads, how far all are, and what is wrong
  cargo testnet kill n0                      as a power cut would
  cargo testnet start n0                     brings it back
  cargo testnet partition 'n0,n1|n2,n3'      two halves that do not hear each other
  cargo testnet heal                         mends all links
  cargo testnet byzantine set n3 equivocate  makes a node a traitor
  cargo testnet compare                      measures the modes beside each other

Exit codes: 0 done, 1 the system failed, 2 wrong use, 3 too few nodes, 6 an audit failed,
7 the network is not in the state that the command needs, 130 stopped by Ctrl-C.
HAWSER_DATA names the network's folder, RUST_LOG what nodes log, NO_COLOR switches colours off.";

/// What every command takes.
#[derive(Args)]
struct Common {
    /// The network's folder [default: $HAWSER_DATA, else .hawser in the workspace]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// JSON alone on standard output, text for people on standard error
    #[arg(long, global = true)]
    json: bool,
}

impl Common {
    fn layout(&self) -> Layout {
        Layout::new(&data_directory(self.data.clone()))
    }

    /// The network, to look at.
    fn network(&self) -> Outcome<Network> {
        Network::open(&self.layout())
    }

    /// The network, to do something with its nodes.
    fn network_in_reach(&self) -> Outcome<Network> {
        let network = self.network()?;
        check_name(&network)?;
        Ok(network)
    }

    /// A command of this project as the user would type it, for the network chosen this time.
    fn command(&self, tool: &str, words: &str) -> String {
        self.layout().command(tool, words)
    }
}

/// Nodes that run under another name of the folder are not found under this one, hold its ports,
/// and write its data: whatever is done here would take them for stopped.
fn check_name(network: &Network) -> Outcome {
    let renamed = renamed(network);
    if renamed.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the nodes in {} run, and cannot be reached under this name",
        network.layout.root().display()
    );
    Err(Failure::state(message).next(renamed.join("\n  ")))
}

#[derive(Subcommand)]
enum Command {
    /// Start a network, or go on with a stopped one
    #[command(after_help = up::NOTES)]
    Up(up::Arguments),
    /// Stop the network; its ledger stays
    #[command(alias = "stop")]
    Down(down::Arguments),
    /// Show who leads, how far everybody is, and what is wrong
    #[command(after_help = status::NOTES)]
    Status(status::Arguments),
    /// End nodes without warning (SIGKILL)
    Kill(nodes::Arguments),
    /// Start nodes that are down
    Start(nodes::Arguments),
    /// Stop nodes in order and start them again
    Restart(nodes::Arguments),
    /// Let nodes stand still (SIGSTOP)
    Pause(nodes::Arguments),
    /// Let paused nodes go on
    Resume(nodes::Arguments),
    /// Make a node the leader
    #[command(after_help = lead::NOTES)]
    Lead(lead::Arguments),
    /// Divide the network into groups that do not hear each other
    #[command(after_help = links::PARTITION_NOTES)]
    Partition(links::PartitionArguments),
    /// Mend all links: no cuts, delays or losses any more
    Heal,
    /// Cut, delay or thin out what one node sends to another
    #[command(after_help = links::LINK_NOTES)]
    Link(links::LinkArguments),
    /// Make a node a traitor
    #[command(after_help = byzantine::NOTES)]
    Byzantine(byzantine::Arguments),
    /// Show what nodes log
    Logs(logs::Arguments),
    /// Measure the modes beside each other
    #[command(after_help = compare::NOTES)]
    Compare(compare::Arguments),
    /// Run one node (what `up` starts)
    #[command(hide = true)]
    Node {
        /// The node's folder
        #[arg(long)]
        directory: PathBuf,
        /// Where it listens, if not on the loopback interface
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
}

/// Runs the command and says how it ended.
#[must_use]
pub fn run() -> Code {
    // Wrong use ends here, with clap's message and exit code 2.
    let CommandLine { common, command } = arguments();
    let output = Output::new(common.json).coloured();
    let result = match command {
        Command::Up(arguments) => up::run(&common, &arguments, &output),
        Command::Down(arguments) => down::run(&common, &arguments, &output).map(done),
        Command::Status(arguments) => status::run(&common, &arguments, &output).map(done),
        Command::Kill(arguments) => nodes::kill(&common, &arguments, &output).map(done),
        Command::Start(arguments) => nodes::start(&common, &arguments, &output).map(done),
        Command::Restart(arguments) => nodes::restart(&common, &arguments, &output).map(done),
        Command::Pause(arguments) => nodes::pause(&common, &arguments, &output).map(done),
        Command::Resume(arguments) => nodes::resume(&common, &arguments, &output).map(done),
        Command::Lead(arguments) => lead::run(&common, &arguments, &output).map(done),
        Command::Partition(arguments) => links::partition(&common, &arguments, &output).map(done),
        Command::Heal => links::heal(&common, &output).map(done),
        Command::Link(arguments) => links::link(&common, &arguments, &output).map(done),
        Command::Byzantine(arguments) => byzantine::run(&common, arguments, &output).map(done),
        Command::Logs(arguments) => logs::run(&common, &arguments, &output).map(done),
        Command::Compare(arguments) => compare::run(&common, &arguments, &output).map(done),
        Command::Node { directory, listen } => node_process::run(&directory, listen).map(done),
    };
    let code = match result {
        Ok(code) => code,
        Err(failure) => {
            failure.tell(output);
            failure.code
        }
    };
    concluded(output, code)
}

const fn done((): ()) -> Code {
    Code::Ok
}
