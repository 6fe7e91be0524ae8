//! The host's own part of the rules, with a real replica and without threads: the order between disk
//! and network (P11.1), and what a linearizable read is told (P7.2).

use std::sync::{
    Mutex,
    mpsc::{Receiver, sync_channel},
};

use consensus::{
    Entry, Event, Index, InvalidPayload, Message, Mode, Payloads, Recipient, Request, RequestKey,
    WriteId, message::Applied,
};
use keys::{Asset, GenesisFile, Incarnation, Validator};
use tempfile::TempDir;
use transport::{ClientEndpoint, Endpoint, Incoming};

use super::*;
use crate::{
    application::{Application, AppliedEntry},
    behaviour::Context,
    disk_task::Write,
    frames::ServerFrame,
    mailbox::{Input, Item, Taken},
    starting::StartProgress,
};

const LOOPBACK: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Nothing is executed here; a payload is one number.
struct Idle;

impl Payloads for Idle {
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        let bytes = payload
            .try_into()
            .map_err(|_| InvalidPayload("length".to_owned()))?;
        Ok(RequestKey {
            account: [1; 32],
            nonce: u64::from_le_bytes(bytes),
        })
    }

    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        self.key(payload)
    }
}

impl Application for Idle {
    fn payloads(&self) -> Arc<dyn Payloads> {
        Arc::new(Self)
    }

    fn applied(&self) -> Applied {
        Applied {
            index: Index::ZERO,
            digest: Hash::default(),
        }
    }

    fn apply(&mut self, _: &Entry) -> AppliedEntry {
        unreachable!("nothing is executed")
    }

    fn query(&self, _: &[u8]) -> Vec<u8> {
        Vec::new()
    }
}

/// Writes down what leaves.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<&'static str>>>);

impl Behaviour for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn outgoing(
        &mut self,
        _: &Context<'_>,
        _: Recipient,
        message: &Arc<Message>,
    ) -> Option<Vec<(Recipient, Arc<Message>)>> {
        self.0.lock().unwrap().push(message.name());
        None
    }
}

/// n0, which leads the first term of four nodes and hears from nobody. Its writes wait to be done.
struct Host {
    task: ReplicaTask,
    writes: Receiver<Write>,
    left: Recorder,
    endpoint: Endpoint,
    network: transport::Network,
    _data: TempDir,
}

fn node_key(node: usize) -> KeyPair {
    KeyPair::from_seed(&format!("node {node}"))
}

fn genesis() -> Genesis {
    let validator = |node: usize| Validator {
        name: format!("n{node}"),
        key: node_key(node).validator_key(),
        incarnation: Incarnation::from_seed(&format!("node {node}")).hash(),
        address: ([127, 0, 0, 1], 1 + node as u16).into(),
    };
    Genesis::new(GenesisFile {
        format: 1,
        network: "test".to_owned(),
        mode: keys::Mode::Byzantine,
        client_checks: None,
        access: keys::Access::Anybody,
        created_unix_ms: 0,
        validators: (0..4).map(validator).collect(),
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

impl Host {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let genesis = genesis();
        let configuration = Arc::new(configuration(&genesis, None).unwrap());
        let identity = storage::Identity {
            network: genesis.id(),
            node: *node_key(0).public_key().as_bytes(),
        };
        let opened = recovery::open(
            data.path(),
            identity,
            &configuration,
            &StartProgress::default(),
        )
        .unwrap();
        let options = NodeOptions::new(genesis.clone(), node_key(0), data.path(), Box::new(Idle));
        let prepared = Prepared::new(options, configuration, NodeId(0), opened).unwrap();
        let (shared, signer) = (prepared.shared, prepared.signer);
        let limits = Limits::default();
        let endpoint = listen_at(
            &genesis,
            &node_key(0),
            Some(LOOPBACK),
            limits,
            &shared,
            None,
        )
        .unwrap();
        let mesh = Mesh::start(&endpoint, &peers_of(&genesis));
        let left = Recorder::default();
        let setup = Setup {
            configuration: Arc::clone(&shared.configuration),
            me: shared.me,
            signer: Arc::clone(&signer),
            timers: Timers::DEFAULT,
            seed: 1,
        };
        let (disk, writes) = disk_task::queue();
        let task = ReplicaTask {
            replica: Replica::new(setup, prepared.restored, shared.clock.now()),
            outbound: Outbound::new(
                Arc::clone(&shared),
                mesh,
                signer,
                Some(Box::new(left.clone())),
            ),
            disk,
            // Neither is asked for anything here.
            application: sync_channel(1).0,
            reader: sync_channel(1).0,
            reads: Reads::default(),
            shared,
        };
        Self {
            task,
            writes,
            left,
            endpoint,
            network: transport::Network {
                id: genesis.id(),
                mode: Mode::Byzantine.number(),
            },
            _data: data,
        }
    }

    /// Lets the replica's thread take in what is in the mailbox, once.
    fn turn(&mut self, written: Option<WriteId>, items: Vec<Item>) {
        let mut taken = Taken {
            written,
            applied: None,
            items,
        };
        assert!(self.task.take_in(&mut taken).is_ok());
    }

    fn submit(&mut self, number: u64) {
        let request = Request::check(Arc::from(number.to_le_bytes()), &Idle).unwrap();
        self.turn(None, vec![Event::Submit(request).into()]);
    }

    /// What left of these kinds so far.
    fn left(&self, kind: &str) -> usize {
        let left = self.left.0.lock().unwrap();
        left.iter().filter(|name| **name == kind).count()
    }
}

#[tokio::test]
async fn what_names_a_write_leaves_once_that_write_is_durable() {
    let mut host = Host::new();
    host.submit(1);
    // A leader begins with its term's record. Its entries wait for the note that it led alone; its
    // vote waits for the entries, too.
    let writes: Vec<WriteId> = host.writes.try_iter().map(|write| write.id).collect();
    let [led, entries, ..] = &writes[..] else {
        panic!("{writes:?}");
    };
    let left = |host: &Host| (host.left("AppendEntries") > 0, host.left("Vote") > 0);
    assert_eq!(left(&host), (false, false));
    host.turn(Some(WriteId(led.0 - 1)), Vec::new());
    assert_eq!(left(&host), (false, false), "an older write");
    host.turn(Some(*led), Vec::new());
    assert_eq!(left(&host), (true, false), "{writes:?}");
    host.turn(Some(*entries), Vec::new());
    assert_eq!(left(&host), (true, true), "{writes:?}");
}

#[tokio::test]
async fn the_gate_keeps_messages_until_the_write_that_each_names() {
    let mut host = Host::new();
    let outbound = &mut host.task.outbound;
    let message = |name: &str| -> Arc<Message> {
        let signer = &*outbound.signer;
        let configuration = &outbound.shared.configuration;
        let me = outbound.shared.me;
        let epoch = configuration.epoch();
        Arc::new(match name {
            "Fetch" => {
                let fetch = consensus::message::Fetch {
                    epoch,
                    from: configuration.opening(),
                    target: None,
                };
                consensus::Signed::new(configuration, me, signer, fetch).into()
            }
            "Relay" => {
                let relay = consensus::message::Relay {
                    epoch,
                    complained: false,
                    requests: Vec::new(),
                };
                consensus::Signed::new(configuration, me, signer, relay).into()
            }
            _ => {
                let proof = consensus::message::Proof {
                    epoch,
                    election: None,
                    leave: None,
                    commit: None,
                };
                consensus::Signed::new(configuration, me, signer, proof).into()
            }
        })
    };
    let (fetch, relay, proof) = (message("Fetch"), message("Relay"), message("Proof"));
    let to = Recipient::Others;
    let left = || host.left.0.lock().unwrap().clone();
    outbound.send(to, Arc::clone(&relay), Some(WriteId(9)));
    outbound.send(to, Arc::clone(&fetch), Some(WriteId(7)));
    assert_eq!(left(), [""; 0]);
    outbound.send(to, Arc::clone(&proof), None);
    assert_eq!(left(), ["Proof"], "what names no write waits for none");
    outbound.written(WriteId(6));
    assert_eq!(left(), ["Proof"]);
    outbound.written(WriteId(8));
    assert_eq!(left(), ["Proof", "Fetch"]);
    // Completions may come in another order than the writes.
    outbound.written(WriteId(3));
    outbound.send(to, Arc::clone(&proof), Some(WriteId(8)));
    outbound.send(to, Arc::clone(&fetch), Some(WriteId(9)));
    assert_eq!(left(), ["Proof", "Fetch", "Proof"]);
    outbound.written(WriteId(9));
    assert_eq!(left(), ["Proof", "Fetch", "Proof", "Relay", "Fetch"]);
    outbound.written(WriteId(10));
    assert_eq!(left().len(), 5, "each once");
}

#[tokio::test]
async fn a_linearizable_read_is_told_what_is_accepted_not_only_what_is_committed() {
    let mut host = Host::new();
    host.submit(1);
    for write in host.writes.try_iter().collect::<Vec<_>>() {
        host.turn(Some(write.id), Vec::new());
    }
    let status = host.task.replica.status();
    // Others may have committed what this node accepted, and have told a client so.
    assert!(status.head.index > status.commit.index);

    let identity = transport::Identity::new(KeyPair::from_seed("client").signing_key().clone());
    let (network, limits) = (host.network, Limits::default());
    let client = ClientEndpoint::bind(LOOPBACK, &identity.unwrap(), network, limits).unwrap();
    let address = host.endpoint.local_addr().unwrap();
    let key = *node_key(0).public_key().as_bytes();
    let (connection, session) = tokio::join!(client.connect(address, key), host.endpoint.accept());
    let mut connection = connection.unwrap();
    let Some(Incoming::Client(session)) = session else {
        panic!("a client came");
    };
    let session = host.task.shared.sessions.enter(session.sender);
    host.turn(None, vec![Input::Read { session, id: 5 }.into()]);
    let frame = connection.recv().await.unwrap().unwrap();
    let expected = ServerFrame::ReadIndex {
        id: 5,
        index: status.head.index.0,
    };
    assert_eq!(ServerFrame::decode(&frame).unwrap(), expected);
}
