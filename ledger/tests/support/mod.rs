//! A network of nodes in this process, and the command as its users run it.

#![allow(dead_code)]

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use client::{Client, ClientOptions};
use consensus::NodeId;
use keys::{
    Access, Account, Asset, Genesis, GenesisFile, Incarnation, KeyPair, KeyStore, Mode, Overwrite,
    Validator,
};
use ledger::Ledger;
use node::{Node, NodeHandle, NodeOptions, StatusReport};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Nodes with their directories, some of which may be stopped, and the data directory of a user.
pub struct TestNetwork {
    runtime: Runtime,
    pub genesis: Genesis,
    directory: TempDir,
    addresses: Vec<SocketAddr>,
    nodes: Vec<Option<NodeHandle>>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub error: String,
}

impl Run {
    fn new(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            error: text(output.stderr),
        }
    }

    /// The JSON that stands alone on the standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks the exit code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

/// What makes a node's data directory.
pub fn incarnation(number: usize) -> Incarnation {
    Incarnation::from_seed(&format!("n{number}"))
}

/// Keys without an account that may connect.
const READERS: [&str; 2] = ["client", "crowd"];

fn key(name: &str) -> KeyPair {
    KeyPair::from_seed(name)
}

fn validators(addresses: &[SocketAddr]) -> Vec<Validator> {
    addresses
        .iter()
        .enumerate()
        .map(|(number, address)| Validator {
            name: format!("n{number}"),
            key: key(&format!("n{number}")).validator_key(),
            incarnation: incarnation(number).hash(),
            address: *address,
        })
        .collect()
}

/// Alice has 1000.00 USD, bob nothing; `named` tells networks apart. Members may connect.
pub fn genesis(named: &str, mode: Mode, addresses: &[SocketAddr]) -> Genesis {
    genesis_for(Access::Members, named, mode, addresses)
}

fn genesis_for(access: Access, named: &str, mode: Mode, addresses: &[SocketAddr]) -> Genesis {
    let readers = match access {
        Access::Members => READERS.map(|name| key(name).public_key()).to_vec(),
        Access::Anybody => Vec::new(),
    };
    let account = |name: &str, balance: u64| Account {
        name: name.to_owned(),
        key: key(name).public_key(),
        balances: BTreeMap::from([("USD".to_owned(), balance)]),
    };
    Genesis::new(GenesisFile {
        format: 1,
        network: named.to_owned(),
        mode,
        client_checks: None,
        access,
        created_unix_ms: 0,
        validators: validators(addresses),
        admin: key("admin").public_key(),
        assets: vec![Asset {
            code: "USD".to_owned(),
            decimals: 2,
        }],
        accounts: vec![account("alice", 100_000), account("bob", 0)],
        readers,
    })
    .unwrap()
}

/// Addresses that nobody listens at yet; the real ones follow once the sockets have their ports.
pub fn placeholders(nodes: u16) -> Vec<SocketAddr> {
    (1..=nodes)
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .collect()
}

impl TestNetwork {
    /// Starts the nodes, and gives a user what the user needs.
    pub fn start(mode: Mode, nodes: u16) -> Self {
        Self::start_for(Access::Members, mode, nodes)
    }

    /// The same, with clients of whom the network knows nothing.
    pub fn start_for_anybody(mode: Mode, nodes: u16) -> Self {
        Self::start_for(Access::Anybody, mode, nodes)
    }

    fn start_for(access: Access, mode: Mode, nodes: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut network = Self {
            runtime,
            genesis: genesis_for(access, "test", mode, &placeholders(nodes)),
            directory: tempfile::tempdir().unwrap(),
            addresses: Vec::new(),
            nodes: Vec::new(),
        };
        for node in 0..usize::from(nodes) {
            incarnation(node)
                .create(&network.path(&format!("n{node}")))
                .unwrap();
            let handle = network.start_at(node, SocketAddr::from(([127, 0, 0, 1], 0)));
            network.addresses.push(handle.local_addr().unwrap());
            network.nodes.push(Some(handle));
        }
        network.introduce();
        let genesis = genesis_for(access, "test", mode, &network.addresses);
        assert_eq!(genesis.id(), network.genesis.id());
        genesis
            .store(&network.path("genesis.json"), Overwrite::Refuse)
            .unwrap();
        let store = KeyStore::new(network.path("keys"));
        for name in ["admin", "alice", "bob"] {
            store.save(name, &key(name), Overwrite::Refuse).unwrap();
        }
        network
    }

    fn start_at(&self, node: usize, listen: SocketAddr) -> NodeHandle {
        let configuration = node::configuration(&self.genesis, None).unwrap();
        let application = Box::new(Ledger::new(&self.genesis, &configuration));
        let mut options = NodeOptions::new(
            self.genesis.clone(),
            key(&format!("n{node}")),
            self.path(&format!("n{node}")),
            application,
        );
        options.listen = Some(listen);
        self.runtime.block_on(Node::start(options)).unwrap()
    }

    /// Tells the nodes where the others are.
    fn introduce(&self) {
        for node in self.nodes.iter().flatten() {
            for (peer, address) in (0..).map(NodeId).zip(&self.addresses) {
                if peer != node.id() {
                    node.control().set_peer_address(peer, *address).unwrap();
                }
            }
        }
    }

    /// Where a node listens.
    pub fn address(&self, node: usize) -> SocketAddr {
        self.addresses[node]
    }

    /// A client of all nodes.
    pub fn client(&self) -> Client {
        self.client_named("client")
    }

    /// A client of all nodes with a connection key of its own.
    pub fn client_named(&self, name: &str) -> Client {
        let options = ClientOptions {
            addresses: Some(self.addresses.clone()),
            ..ClientOptions::default()
        };
        let _inside = self.runtime.enter();
        Client::connect_with(&self.genesis, &key(name), options).unwrap()
    }

    /// Waits for something of a client.
    pub fn wait<A>(&self, something: impl Future<Output = A>) -> A {
        self.runtime.block_on(something)
    }

    /// The state of a running node.
    pub fn status(&self, node: usize) -> StatusReport {
        let running = self.nodes[node].as_ref().expect("it runs");
        self.wait(running.status()).expect("it answers")
    }

    /// Stops nodes.
    pub fn stop(&mut self, nodes: impl IntoIterator<Item = usize>) {
        let stopping: Vec<NodeHandle> = nodes
            .into_iter()
            .filter_map(|node| self.nodes[node].take())
            .collect();
        self.runtime.block_on(async {
            // At once: a node that stops waits a while for peers that have gone.
            let mut stopped = tokio::task::JoinSet::new();
            for node in stopping {
                stopped.spawn(node.shutdown());
            }
            stopped.join_all().await;
        });
    }

    /// Starts a stopped node again.
    pub fn restart(&mut self, node: usize) {
        // QUIC gives the socket back a moment after the endpoint was closed.
        while std::net::UdpSocket::bind(self.addresses[node]).is_err() {
            std::thread::yield_now();
        }
        let handle = self.start_at(node, self.addresses[node]);
        self.nodes[node] = Some(handle);
        self.introduce();
    }

    /// A file of the user's data directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The command, with words separated by spaces; `~` stands for the data directory.
    pub fn command(&self, line: &str) -> Command {
        command(self.directory.path(), line)
    }

    /// Runs the command.
    pub fn ledger(&self, line: &str) -> Run {
        Run::new(self.command(line).output().unwrap())
    }

    /// Runs the command with something to read.
    pub fn ledger_with(&self, line: &str, input: &str) -> Run {
        let file = self.path("input");
        fs::write(&file, input).unwrap();
        let input = fs::File::open(file).unwrap();
        Run::new(self.command(line).stdin(input).output().unwrap())
    }

    /// What an account holds, in smallest units.
    pub fn balance(&self, account: &str) -> u64 {
        let run = self.ledger(&format!(
            "balance {account} --consistency linearizable --json"
        ));
        let json = run.ends(0).json();
        json["balances"]["USD"].as_str().unwrap().parse().unwrap()
    }
}

impl Drop for TestNetwork {
    fn drop(&mut self) {
        self.stop(0..self.nodes.len());
    }
}

/// The command for that data directory.
pub fn command(data: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger"));
    command.stdin(Stdio::null());
    for variable in ["RUST_LOG", "HAWSER_PASSPHRASE_FILE"] {
        command.env_remove(variable);
    }
    for word in line.split_whitespace() {
        command.arg(word.replace('~', &data.to_string_lossy()));
    }
    command.arg("--data").arg(data);
    command
}

/// Runs the command for that data directory.
pub fn run(data: &Path, line: &str) -> Run {
    Run::new(command(data, line).output().unwrap())
}
