//! A small network in memory: every node's outputs are done at once or held back as a test wants.
//! On every step it asserts what must hold whatever happens: one leader a term, one committed
//! chain, and no promise that leaves a node before it is on its disk (P11.1).

mod driving;
mod election;
mod faulty;
mod figures;
mod late;
mod mutations;
mod outputs;
mod reading;
mod receivers;
mod relaying;
mod replication;
mod schedules;
mod standing;
mod stopping;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use ed25519_dalek::SigningKey;

use super::{Part, Raft};
use crate::{
    Admittance, ClientChecks, Configuration, Domain, Ed25519, Entry, Event, Hash, Index,
    InvalidPayload, Message, Mode, NodeId, Notice, Now, Output, Payloads, Point, Recipient, Record,
    Refusal, Request, RequestKey, Restored, Setup, Term, Time, Timers, Verification, Verified,
    VoteState, WriteId,
    entry::EntryKind,
    limits,
    message::{AppendOutcome, Applied, Justification},
    outbox::Outbox,
    signature::public_key,
};

/// Payloads of nine bytes: an account's number and a nonce.
struct Numbered;

impl Payloads for Numbered {
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        let (account, nonce) = payload
            .split_first()
            .ok_or_else(|| InvalidPayload("empty".into()))?;
        let nonce = nonce
            .try_into()
            .map_err(|_| InvalidPayload("length".into()))?;
        Ok(RequestKey {
            account: [*account; 32],
            nonce: u64::from_le_bytes(nonce),
        })
    }

    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        self.key(payload)
    }
}

fn request(number: u64) -> Request {
    let account = u8::try_from(number % 251).unwrap();
    let payload = [&[account][..], &number.to_le_bytes()].concat();
    Request::check(payload.into(), &Numbered).unwrap()
}

fn key(number: u64) -> RequestKey {
    request(number).key()
}

/// What survives a crash.
#[derive(Clone)]
struct Disk {
    vote_state: VoteState,
    chain: Vec<Arc<Entry>>,
    commit: Index,
}

impl Disk {
    fn write(&mut self, vote_state: VoteState, records: Vec<Record>) {
        self.vote_state = vote_state;
        for record in records {
            match record {
                Record::Entry(entry) => {
                    self.chain.truncate(position(entry.index()));
                    assert_eq!(self.chain.len(), position(entry.index()), "no gaps on disk");
                    self.chain.push(entry);
                }
                Record::Truncate(last) => self.chain.truncate(position(last.next())),
                Record::CommitIndex(index) => self.commit = self.commit.max(index),
                other => panic!("no Raft mode writes {other:?}"),
            }
        }
    }
}

fn position(index: Index) -> usize {
    usize::try_from(index.0 - 1).unwrap()
}

struct Node {
    raft: Option<Raft>,
    disk: Disk,
    /// Writes under way and sends that wait for them, in order.
    writes: VecDeque<(WriteId, VoteState, Vec<Record>)>,
    written: WriteId,
    sends: Vec<(WriteId, Recipient, Arc<Message>)>,
    /// Everything executed since the start of the process.
    applied: Vec<Arc<Entry>>,
    reads: BTreeMap<u64, Result<Index, Refusal>>,
    refused: Vec<RequestKey>,
    notices: Vec<Notice>,
    disk_reads: usize,
    /// How much was committed when a read was asked for.
    asked: BTreeMap<u64, usize>,
    /// Writes wait for [`Cluster::finish_writes`].
    slow: bool,
    /// The application is stuck: it executes nothing.
    stuck: bool,
}

impl Node {
    /// What its application says of a request.
    fn admission(&self, key: &RequestKey) -> Admittance {
        let mut applied = self.applied.iter().flat_map(|entry| entry.keys());
        match applied.any(|settled| settled == key) {
            true => Admittance::Settled,
            false => Admittance::Admitted,
        }
    }
}

struct Cluster {
    configuration: Arc<Configuration>,
    keys: Vec<SigningKey>,
    verification: Verification,
    seed: u64,
    now: Now,
    nodes: Vec<Node>,
    network: VecDeque<(NodeId, NodeId, Arc<Message>)>,
    cut: BTreeSet<(usize, usize)>,
    committed: Vec<Hash>,
    leaders: BTreeMap<Term, NodeId>,
    sent: Vec<(NodeId, Recipient, Arc<Message>)>,
}

impl Cluster {
    fn new(nodes: u8) -> Self {
        Self::of_mode(Mode::Raft, nodes, 1)
    }

    fn of_mode(mode: Mode, nodes: u8, seed: u64) -> Self {
        let mut cluster = Self::down(mode, nodes, seed);
        for node in 0..cluster.nodes.len() {
            cluster.start(node);
        }
        cluster
    }

    /// A network whose nodes are not started.
    fn down(mode: Mode, nodes: u8, seed: u64) -> Self {
        let keys: Vec<_> = (1..=nodes)
            .map(|node| SigningKey::from_bytes(&[node; 32]))
            .collect();
        let validators: Vec<_> = keys.iter().map(public_key).collect();
        let domain = Domain {
            network: Hash([9; 32]),
            mode,
        };
        let configuration =
            Configuration::genesis(domain, validators.clone(), ClientChecks::default_of(mode));
        let configuration = Arc::new(configuration.unwrap());
        let verifier = Arc::new(Ed25519::with_known(validators));
        let disk = Disk {
            vote_state: VoteState::new(&configuration),
            chain: Vec::new(),
            commit: Index(0),
        };
        Self {
            verification: Verification::new(
                Arc::clone(&configuration),
                verifier,
                Arc::new(Numbered),
            ),
            nodes: keys
                .iter()
                .map(|_| Node {
                    raft: None,
                    disk: disk.clone(),
                    writes: VecDeque::new(),
                    written: WriteId(0),
                    sends: Vec::new(),
                    applied: Vec::new(),
                    reads: BTreeMap::new(),
                    refused: Vec::new(),
                    notices: Vec::new(),
                    disk_reads: 0,
                    asked: BTreeMap::new(),
                    slow: false,
                    stuck: false,
                })
                .collect(),
            configuration,
            keys,
            seed,
            now: Now {
                monotonic: Time(1_000_000),
                wall: 1_700_000_000_000,
            },
            network: VecDeque::new(),
            cut: BTreeSet::new(),
            committed: Vec::new(),
            leaders: BTreeMap::new(),
            sent: Vec::new(),
        }
    }

    fn setup(&self, node: usize) -> Setup {
        Setup {
            configuration: Arc::clone(&self.configuration),
            me: id(node),
            signer: Arc::new(self.keys[node].clone()),
            timers: Timers::DEFAULT,
            seed: self.seed,
        }
    }

    /// Starts a node from its disk. Its application executes again what is known as committed.
    fn start(&mut self, node: usize) {
        let disk = &self.nodes[node].disk;
        let commit = usize::try_from(disk.commit.0).unwrap();
        let first = commit.saturating_sub(usize::try_from(limits::RETAINED_ENTRIES).unwrap());
        let point_of = |last: usize| match last.checked_sub(1) {
            Some(position) => disk.chain[position].point(),
            None => self.configuration.opening(),
        };
        let fresh = disk.chain.is_empty() && disk.vote_state == VoteState::new(&self.configuration);
        let restored = (!fresh).then(|| Restored {
            vote_state: disk.vote_state.clone(),
            before: point_of(first),
            tail: disk.chain[first..].to_vec(),
            applied: Applied {
                index: disk.commit,
                digest: Hash::default(),
            },
            side: Vec::new(),
            election: None,
            leave: None,
            lock: None,
            commit: None,
            justification: Justification::Opening,
            evidence: Vec::new(),
        });
        let raft = Raft::new(self.setup(node), restored, self.now);
        let this = &mut self.nodes[node];
        this.applied = this.disk.chain[..commit].to_vec();
        this.written = WriteId(0);
        this.raft = Some(raft);
    }

    /// Stops a node; writes under way are lost.
    fn crash(&mut self, node: usize) {
        let this = &mut self.nodes[node];
        this.raft = None;
        this.writes.clear();
        this.sends.clear();
        self.network.retain(|&(_, to, _)| to != id(node));
    }

    fn raft(&self, node: usize) -> &Raft {
        self.nodes[node].raft.as_ref().expect("it runs")
    }

    /// The requests that a node executed, in order.
    fn executed(&self, node: usize) -> Vec<RequestKey> {
        let entries = self.nodes[node].applied.iter();
        entries
            .flat_map(|entry| {
                entry
                    .payloads
                    .iter()
                    .map(|payload| Numbered.key(payload).unwrap())
            })
            .collect()
    }

    fn everyone_executed(&self, keys: &[RequestKey]) {
        for node in 0..self.nodes.len() {
            assert_eq!(self.executed(node), keys, "node {node}");
        }
    }

    /// A valid message of a node that says whatever a test wants.
    fn forge<T: crate::signed::Body>(&self, node: usize, body: T) -> Verified<Message>
    where
        Message: From<crate::Signed<T>>,
    {
        let signed = crate::Signed::new(&self.configuration, id(node), &self.keys[node], body);
        self.verification
            .message(id(node), &Message::from(signed).to_bytes())
            .unwrap()
    }

    /// Entries of the given terms that extend a chain.
    fn chain(&self, base: &[Arc<Entry>], author: usize, terms: &[u64]) -> Vec<Arc<Entry>> {
        let outbox = Outbox::new(self.setup(author));
        let mut chain = base.to_vec();
        for &term in terms {
            let last = chain
                .last()
                .map_or((self.configuration.opening(), 0), |entry| {
                    (entry.point(), entry.header().timestamp)
                });
            chain.push(outbox.create_entry(
                EntryKind::TermRecord,
                Term(term),
                last,
                Vec::new(),
                Now::default(),
            ));
        }
        chain
    }
}

fn id(node: usize) -> NodeId {
    NodeId(u16::try_from(node).unwrap())
}
