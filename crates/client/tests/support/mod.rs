//! A network of nodes in this process, on loopback, with a small application: it adds up numbers.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::{net::SocketAddr, path::Path, sync::Arc};

use client::{Client, ClientOptions, SignedRequest};
use consensus::{
    Ed25519, Entry, EntryKind, Hash, InvalidPayload, NodeId, Payloads, PublicKey, RequestKey,
    Signature, Signer, Verifier, hashing::tagged_hash, merkle, message::Applied,
};
use keys::{Account, Asset, Genesis, GenesisFile, Incarnation, KeyPair, Mode, Validator};
use node::{
    Application, AppliedEntry, Node, NodeHandle, NodeOptions, NotAdmitted, Outcome, TransactionId,
};
use tempfile::TempDir;

/// Payload: key (32), nonce (8), number (8), signature (64) over the rest.
struct Numbers {
    verifier: Ed25519,
}

impl Payloads for Numbers {
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        let (account, rest) = payload.split_first_chunk::<32>().ok_or_else(malformed)?;
        let nonce = rest.first_chunk::<8>().ok_or_else(malformed)?;
        Ok(RequestKey {
            account: *account,
            nonce: u64::from_le_bytes(*nonce),
        })
    }

    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        let key = self.key(payload)?;
        let (body, signature) = payload.split_last_chunk::<64>().ok_or_else(malformed)?;
        if body.len() != 48 {
            return Err(malformed());
        }
        let digest = tagged_hash("test", &[body]);
        if self
            .verifier
            .verify(&PublicKey(key.account), &digest, &Signature(*signature))
        {
            Ok(key)
        } else {
            Err(InvalidPayload("bad signature".to_owned()))
        }
    }
}

fn malformed() -> InvalidPayload {
    InvalidPayload("malformed".to_owned())
}

/// A signed request to add a number.
pub fn add(key: &KeyPair, nonce: u64, number: u64) -> SignedRequest {
    let account = *key.public_key().as_bytes();
    let mut payload = account.to_vec();
    payload.extend(nonce.to_le_bytes());
    payload.extend(number.to_le_bytes());
    let digest = tagged_hash("test", &[&payload]);
    payload.extend(Signer::sign(key.signing_key(), &digest).0);
    let transaction = tagged_hash("transaction", &[&payload]).0;
    SignedRequest {
        payload,
        key: RequestKey { account, nonce },
        transaction,
    }
}

/// The sum of all numbers, each (account, nonce) once.
pub struct Sum {
    applied: Applied,
    total: u64,
    seen: std::collections::BTreeSet<RequestKey>,
}

impl Sum {
    pub fn new() -> Self {
        let applied = Applied {
            index: consensus::Index::ZERO,
            digest: Hash::default(),
        };
        Self {
            applied,
            total: 0,
            seen: Default::default(),
        }
    }
}

impl Application for Sum {
    fn payloads(&self) -> Arc<dyn Payloads> {
        Arc::new(Numbers {
            verifier: Ed25519::default(),
        })
    }

    fn applied(&self) -> Applied {
        self.applied
    }

    fn apply(&mut self, entry: &Entry) -> AppliedEntry {
        let mut outcomes = Vec::new();
        if entry.header().kind == EntryKind::Transactions {
            for payload in &entry.payloads {
                let key = Numbers {
                    verifier: Ed25519::default(),
                }
                .key(payload)
                .unwrap();
                let repeat = !self.seen.insert(key);
                if !repeat {
                    self.total += u64::from_le_bytes(payload[40..48].try_into().unwrap());
                }
                outcomes.push(Outcome {
                    key,
                    transaction: tagged_hash("transaction", &[payload]).0,
                    result: self.total.to_le_bytes().to_vec(),
                    repeat,
                    reference: None,
                });
            }
        }
        let results: Vec<&[u8]> = outcomes.iter().map(|one| &one.result[..]).collect();
        let results_root = merkle::root(&results);
        self.applied = Applied {
            index: entry.index(),
            digest: tagged_hash("digest", &[&self.applied.digest.0, &results_root.0]),
        };
        AppliedEntry {
            applied: self.applied,
            results_root,
            outcomes,
        }
    }

    /// Each (account, nonce) once.
    fn admit(&self, payload: &[u8]) -> Result<(), NotAdmitted> {
        let numbers = Numbers {
            verifier: Ed25519::default(),
        };
        match numbers.key(payload) {
            Ok(key) if self.seen.contains(&key) => Err(NotAdmitted {
                settled: true,
                result: b"used".to_vec(),
            }),
            _ => Ok(()),
        }
    }

    fn transaction_id(&self) -> Option<TransactionId> {
        Some(Arc::new(|payload| {
            Some(tagged_hash("transaction", &[payload]).0)
        }))
    }

    fn query(&self, question: &[u8]) -> Vec<u8> {
        [question, &self.total.to_le_bytes()].concat()
    }
}

/// Nodes with their directories; some may be stopped.
pub struct TestNetwork {
    pub genesis: Genesis,
    directory: TempDir,
    addresses: Vec<SocketAddr>,
    nodes: Vec<Option<NodeHandle>>,
}

/// A node's key.
pub fn node_key(node: usize) -> KeyPair {
    KeyPair::from_seed(&format!("node {node}"))
}

/// What makes a node's directory.
pub fn incarnation(node: usize) -> Incarnation {
    Incarnation::from_seed(&format!("node {node}"))
}

/// A network's genesis, with addresses that nobody uses.
pub fn genesis(mode: Mode, nodes: usize) -> Genesis {
    // Real addresses are told to nodes and clients once the sockets have their ports.
    let address = |node: u16| SocketAddr::from(([127, 0, 0, 1], node));
    let addresses: Vec<SocketAddr> = (1..).take(nodes).map(address).collect();
    genesis_at(mode, &addresses)
}

/// The same network, at these addresses.
pub fn genesis_at(mode: Mode, addresses: &[SocketAddr]) -> Genesis {
    let nodes = addresses.len();
    let validator = |node: usize| Validator {
        name: format!("n{node}"),
        key: node_key(node).validator_key(),
        incarnation: incarnation(node).hash(),
        address: addresses[node],
    };
    let account = KeyPair::from_seed("alice");
    Genesis::new(GenesisFile {
        format: 1,
        network: "test".to_owned(),
        mode,
        client_checks: None,
        access: keys::Access::Anybody,
        created_unix_ms: 0,
        validators: (0..nodes).map(validator).collect(),
        admin: KeyPair::from_seed("admin").public_key(),
        assets: vec![Asset {
            code: "COIN".to_owned(),
            decimals: 2,
        }],
        accounts: vec![Account {
            name: "alice".to_owned(),
            key: account.public_key(),
            balances: Default::default(),
        }],
        readers: Vec::new(),
    })
    .unwrap()
}

/// What a node with an empty sum is started from, at any free port.
pub fn options(genesis: &Genesis, key: KeyPair, data: &Path) -> NodeOptions {
    let mut options = NodeOptions::new(genesis.clone(), key, data, Box::new(Sum::new()));
    options.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    options
}

impl TestNetwork {
    /// Starts all nodes.
    pub async fn start(mode: Mode, nodes: usize) -> Self {
        Self::start_with(mode, nodes, |_, _| {}).await
    }

    /// Starts all nodes, each with options changed as its position asks for.
    pub async fn start_with(
        mode: Mode,
        nodes: usize,
        change: impl Fn(usize, &mut NodeOptions),
    ) -> Self {
        let mut network = Self {
            genesis: genesis(mode, nodes),
            directory: tempfile::tempdir().unwrap(),
            addresses: Vec::new(),
            nodes: Vec::new(),
        };
        for node in 0..nodes {
            incarnation(node).create(&network.data(node)).unwrap();
            let handle = network
                .start_at(node, SocketAddr::from(([127, 0, 0, 1], 0)), &change)
                .await;
            network.addresses.push(handle.local_addr().unwrap());
            network.nodes.push(Some(handle));
        }
        network.introduce();
        network
    }

    async fn start_at(
        &self,
        node: usize,
        listen: SocketAddr,
        change: impl Fn(usize, &mut NodeOptions),
    ) -> NodeHandle {
        let mut options = options(&self.genesis, node_key(node), &self.data(node));
        options.listen = Some(listen);
        change(node, &mut options);
        Node::start(options).await.unwrap()
    }

    /// Tells all running nodes where all nodes are.
    fn introduce(&self) {
        for handle in self.nodes.iter().flatten() {
            for (node, address) in (0..).zip(&self.addresses) {
                if NodeId(node) != handle.id() {
                    handle
                        .control()
                        .set_peer_address(NodeId(node), *address)
                        .unwrap();
                }
            }
        }
    }

    /// A node's directory.
    pub fn data(&self, node: usize) -> std::path::PathBuf {
        Path::new(self.directory.path()).join(format!("n{node}"))
    }

    /// Stops a node in order.
    pub async fn stop(&mut self, node: usize) {
        self.nodes[node].take().unwrap().shutdown().await;
    }

    /// Starts a stopped node again, at its old address.
    pub async fn restart(&mut self, node: usize) {
        // QUIC gives the socket back a moment after the endpoint was closed.
        while std::net::UdpSocket::bind(self.addresses[node]).is_err() {
            tokio::task::yield_now().await;
        }
        let genesis = genesis_at(self.genesis.mode(), &self.addresses);
        let handle = self
            .start_at(node, self.addresses[node], |_, options| {
                options.genesis = genesis.clone();
            })
            .await;
        self.nodes[node] = Some(handle);
        self.introduce();
    }

    /// A running node.
    pub fn node(&self, node: usize) -> &NodeHandle {
        self.nodes[node].as_ref().unwrap()
    }

    /// A client of all nodes.
    pub fn client(&self) -> Client {
        let options = ClientOptions {
            addresses: Some(self.addresses.clone()),
            ..ClientOptions::default()
        };
        Client::connect_with(&self.genesis, &KeyPair::from_seed("client"), options).unwrap()
    }

    /// A client that reaches one node only.
    pub fn client_of(&self, node: usize) -> Client {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut addresses = vec![nowhere; self.addresses.len()];
        addresses[node] = self.addresses[node];
        let options = ClientOptions {
            addresses: Some(addresses),
            ..ClientOptions::default()
        };
        Client::connect_with(&self.genesis, &KeyPair::from_seed("client"), options).unwrap()
    }

    /// Stops everything.
    pub async fn shutdown(mut self) {
        for node in self.nodes.iter_mut().filter_map(Option::take) {
            node.shutdown().await;
        }
    }
}
