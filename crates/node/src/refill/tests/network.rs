//! A damaged disk, and the other validators: sockets with their keys and an answer each.

use std::{fs, net::SocketAddr, path::Path};

use consensus::{
    Ed25519, EntryHeader, EntryKind, InvalidPayload, NodeId, Payloads, RequestKey, SignedHeader,
    Signer, Term, merkle,
};
use keys::{Asset, GenesisFile, Incarnation, Validator};
use storage::{Batch, Identity as StreamIdentity};
use tempfile::TempDir;
use transport::{Endpoint, Identity, Incoming, Limits, Session};

use super::super::*;
use crate::{
    access::Doorkeeper,
    frames::{self, ClientFrame, ServerFrame},
    recovery,
    starting::StartProgress,
};

const NODES: usize = 4;
/// The damaged node, the last of them.
const ME: usize = NODES - 1;
const ENTRIES: u64 = 4;
const LOOPBACK: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// What a node answers to the question with this id for this entry.
pub(super) type Answer = fn(u64, &Arc<Entry>) -> Vec<ServerFrame>;

/// No payload is looked at.
struct NoPayloads;

impl Payloads for NoPayloads {
    fn key(&self, _: &[u8]) -> Result<RequestKey, InvalidPayload> {
        unreachable!("an entry's hash says that its payloads are right")
    }
    fn check(&self, _: &[u8]) -> Result<RequestKey, InvalidPayload> {
        unreachable!("an entry's hash says that its payloads are right")
    }
}

fn node_key(node: usize) -> KeyPair {
    KeyPair::from_seed(&format!("node {node}"))
}

fn genesis(addresses: &[SocketAddr]) -> Genesis {
    let validator = |(node, address): (usize, &SocketAddr)| Validator {
        name: format!("n{node}"),
        key: node_key(node).validator_key(),
        incarnation: Incarnation::from_seed(&format!("node {node}")).hash(),
        address: *address,
    };
    Genesis::new(GenesisFile {
        format: 1,
        network: "test".to_owned(),
        mode: keys::Mode::Byzantine,
        client_checks: None,
        access: keys::Access::Anybody,
        created_unix_ms: 0,
        validators: addresses.iter().enumerate().map(validator).collect(),
        admin: KeyPair::from_seed("admin").public_key(),
        assets: vec![Asset {
            code: "COIN".to_owned(),
            decimals: 2,
        }],
        accounts: Vec::new(),
        readers: Vec::new(),
    })
    .unwrap()
}

/// The others and a damaged disk.
pub(super) struct Network {
    genesis: Genesis,
    configuration: Arc<Configuration>,
    pub(super) entries: Vec<Arc<Entry>>,
    data: TempDir,
}

impl Network {
    /// The validators before [`ME`] answer like this.
    pub(super) async fn start(answers: [Answer; ME]) -> Self {
        Self::start_at(LOOPBACK, answers).await
    }

    /// The same, all at that address, each at a port of its own.
    pub(super) async fn start_at(address: SocketAddr, answers: [Answer; ME]) -> Self {
        // The network's name does not depend on where its nodes are.
        let anywhere: Vec<SocketAddr> = (1..=4).map(|port| ([127, 0, 0, 1], port).into()).collect();
        let genesis_elsewhere = genesis(&anywhere);
        let configuration = crate::configuration(&genesis_elsewhere, None).unwrap();
        let configuration = Arc::new(configuration);
        let entries = chain(&configuration);
        let mut addresses = Vec::new();
        for (node, answer) in answers.into_iter().enumerate() {
            let identity = Identity::new(node_key(node).signing_key().clone()).unwrap();
            let network = transport::Network {
                id: genesis_elsewhere.id(),
                mode: configuration.mode().number(),
            };
            let configuration = Arc::clone(&configuration);
            let members = Arc::new(Doorkeeper::new(&genesis_elsewhere, configuration, None));
            let endpoint =
                Endpoint::bind(address, &identity, network, members, Limits::default()).unwrap();
            addresses.push(endpoint.local_addr().unwrap());
            tokio::spawn(listen(endpoint, entries.clone(), answer));
        }
        addresses.push(anywhere[ME]);
        let network = Self {
            genesis: genesis(&addresses),
            configuration,
            entries,
            data: tempfile::tempdir().unwrap(),
        };
        assert_eq!(network.genesis.id(), genesis_elsewhere.id());
        network.write();
        network
    }

    pub(super) fn open(&self) -> Opened {
        let identity = StreamIdentity {
            network: self.genesis.id(),
            node: *node_key(ME).public_key().as_bytes(),
        };
        recovery::open(
            self.data.path(),
            identity,
            &self.configuration,
            &StartProgress::default(),
        )
        .unwrap()
    }

    /// Puts the chain on the disk of the node that is to be damaged.
    fn write(&self) {
        let mut opened = self.open();
        let mut vote_state = VoteState::new(&self.configuration);
        vote_state.pair_point = self.entries.last().unwrap().point();
        let vote_state = vote_state.to_bytes();
        let mut records: Vec<Record> = self.entries.iter().cloned().map(Record::Entry).collect();
        // Entries are damaged before the last write, which is another matter.
        records.push(Record::CommitIndex(Index::ZERO));
        for record in records {
            let (kind, bytes) = record.to_bytes();
            let batch = Batch {
                vote_state: &vote_state,
                records: &[storage::Record {
                    kind,
                    bytes: &bytes,
                }],
            };
            opened.storage.append(&batch).unwrap();
            opened.storage.sync().unwrap();
        }
    }

    /// Flips a bit in the middle of these bytes wherever they stand.
    pub(super) fn damage(&self, bytes: &[u8]) {
        let mut flipped = 0;
        for file in fs::read_dir(self.data.path()).unwrap() {
            flipped += flip(&file.unwrap().path(), bytes);
        }
        assert_eq!(flipped, 1, "it is on disk");
    }

    pub(super) async fn refill(&self) -> Result<(), String> {
        let mut opened = self.open();
        assert!(!opened.missing.is_empty());
        from_peers(
            &self.genesis,
            &node_key(ME),
            self.verification(),
            &mut opened,
        )
        .await
    }

    pub(super) fn verification(&self) -> Verification {
        Verification::new(
            Arc::clone(&self.configuration),
            Arc::new(Ed25519::default()),
            Arc::new(NoPayloads),
        )
    }

    /// Opens the directory as the start after this one will.
    pub(super) fn expect_whole(&self, context: &str) {
        let opened = self.open();
        assert!(opened.missing.is_empty(), "{context}");
        for entry in &self.entries {
            let stored = opened.chain.entry(entry.index()).unwrap();
            assert_eq!(stored.signed, entry.signed, "{context}");
            assert_eq!(stored.payloads, entry.payloads, "{context}");
        }
    }
}

fn flip(path: &Path, bytes: &[u8]) -> usize {
    if path.is_dir() {
        // The index is made anew at every start.
        return 0;
    }
    let mut contents = fs::read(path).unwrap();
    let places: Vec<usize> = (0..contents.len().saturating_sub(bytes.len()))
        .filter(|place| contents[*place..].starts_with(bytes))
        .collect();
    for place in &places {
        contents[place + bytes.len() / 2] ^= 0x10;
    }
    if !places.is_empty() {
        fs::write(path, contents).unwrap();
    }
    places.len()
}

fn chain(configuration: &Arc<Configuration>) -> Vec<Arc<Entry>> {
    let mut previous = configuration.opening().hash;
    let term = Term(1);
    let author = configuration.leader(term);
    let mut entries = Vec::new();
    for index in 1..=ENTRIES {
        let payloads: Vec<Arc<[u8]>> = (0..3u8)
            .map(|number| vec![0x40 + number + 16 * index as u8; 300].into())
            .collect();
        let header = EntryHeader {
            kind: EntryKind::Transactions,
            epoch: configuration.epoch(),
            term,
            index: Index(index),
            author,
            previous,
            body_root: merkle::root(&payloads),
            count: 3,
            timestamp: index,
        };
        let signature = sign(configuration, &header, author);
        let signed = SignedHeader { header, signature };
        let entry = Entry::new(configuration, signed, payloads);
        previous = entry.point().hash;
        entries.push(Arc::new(entry));
    }
    entries
}

fn sign(configuration: &Configuration, header: &EntryHeader, author: NodeId) -> Signature {
    let hash = header.hash(configuration);
    let digest = EntryHeader::signing_digest(configuration, header.epoch, &hash);
    Signer::sign(node_key(author.position()).signing_key(), &digest)
}

async fn listen(endpoint: Endpoint, entries: Vec<Arc<Entry>>, answer: Answer) {
    while let Some(incoming) = endpoint.accept().await {
        if let Incoming::Client(session) = incoming {
            tokio::spawn(serve(session, entries.clone(), answer));
        }
    }
}

async fn serve(mut session: Session, entries: Vec<Arc<Entry>>, answer: Answer) {
    let leader = ServerFrame::Leader {
        term: 1,
        leader: Some(1),
    };
    let mut frames = vec![leader];
    loop {
        for frame in frames.drain(..) {
            if session
                .sender
                .send(frames::encode(&frame).unwrap())
                .is_err()
            {
                return;
            }
        }
        let Ok(Some(bytes)) = session.receiver.recv().await else {
            return;
        };
        let Ok(ClientFrame::Block { id, index }) = ClientFrame::decode(&bytes) else {
            panic!("only blocks are asked for");
        };
        frames = answer(id, &entries[index as usize - 1]);
    }
}
