//! A network of replicas in one thread: every message arrives, in order, at once.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use consensus::{
    Admittance, ClientChecks, Configuration, Domain, Ed25519, Entry, Event, Hash, Index,
    InvalidPayload, Message, Mode, NodeId, Now, Output, Payloads, PublicKey, Recipient, Record,
    Recovery, Replica, Request, RequestKey, Restored, Setup, Signature, Status, Time, Timers,
    Verification, Verifier, VoteState, WriteId, message::Applied, signature::public_key,
};
use ed25519_dalek::SigningKey;

/// Payloads are sixteen bytes: an account number and a nonce.
struct Numbers;

impl Payloads for Numbers {
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        let (nonce, rest) = payload
            .split_at_checked(8)
            .ok_or_else(|| InvalidPayload("not eight bytes".to_owned()))?;
        Ok(RequestKey {
            account: [rest.first().copied().unwrap_or(1); 32],
            nonce: u64::from_le_bytes(nonce.try_into().unwrap()),
        })
    }

    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        self.key(payload)
    }
}

/// Checks nothing.
struct Trusting;

impl Verifier for Trusting {
    fn verify(&self, _: &PublicKey, _: &Hash, _: &Signature) -> bool {
        true
    }
}

struct Host {
    replica: Option<Replica>,
    records: Vec<(u8, Vec<u8>)>,
    vote_state: VoteState,
    applied: Vec<Arc<Entry>>,
    digest: Hash,
    requests: BTreeSet<RequestKey>,
    /// Those that the application knows to be executed: all, unless it stands still.
    known: BTreeSet<RequestKey>,
    known_entries: usize,
    /// What the application refuses, and might admit later.
    refused: BTreeSet<RequestKey>,
}

/// The tenth byte of a payload that is rejected and settles no nonce, as an expired one is.
pub const EXPIRED: u8 = 0xEE;

pub type Filter = Box<dyn FnMut(usize, usize, &Message) -> bool>;

pub type Hook = Box<dyn FnMut(usize, usize, &Message) -> Vec<(usize, usize, Message)>>;

pub struct Cluster {
    /// What a traitor says at once when it sees a message.
    pub hook: Hook,
    pub verification: Verification,
    pub setups: Vec<Setup>,
    hosts: Vec<Host>,
    wire: VecDeque<(usize, usize, Arc<Message>)>,
    pub now: Now,
    is_hostile: bool,
    /// Whether all applications stand still.
    pub stuck: bool,
    /// Whether a message arrives.
    pub filter: Filter,
    /// Messages that a receiver refused.
    pub refused: Vec<(usize, usize, String)>,
    /// Every message that was sent, as it went.
    pub sent: Vec<(usize, usize, Arc<Message>)>,
}

impl Cluster {
    /// One in which somebody may say what others refuse.
    pub fn hostile(nodes: u8) -> Self {
        let mut cluster = Self::new(nodes);
        cluster.is_hostile = true;
        cluster
    }

    /// One in which every signature passes for good: for many runs in which nobody forges any.
    #[allow(dead_code, reason = "some tests need it")]
    pub fn trusting(nodes: u8) -> Self {
        let mut cluster = Self::new(nodes);
        cluster.verification = Verification::new(
            Arc::clone(&cluster.setups[0].configuration),
            Arc::new(Trusting),
            Arc::new(Numbers),
        );
        cluster
    }

    pub fn new(nodes: u8) -> Self {
        let keys: Vec<SigningKey> = (1..=nodes)
            .map(|number| SigningKey::from_bytes(&[number; 32]))
            .collect();
        let domain = Domain {
            network: Hash([9; 32]),
            mode: Mode::Byzantine,
        };
        let configuration = Arc::new(
            Configuration::genesis(
                domain,
                keys.iter().map(public_key).collect(),
                ClientChecks::All,
            )
            .unwrap(),
        );
        let verification = Verification::new(
            Arc::clone(&configuration),
            Arc::new(Ed25519::with_known(configuration.keys().iter().copied())),
            Arc::new(Numbers),
        );
        let setups: Vec<Setup> = keys
            .into_iter()
            .zip(configuration.sizes().nodes())
            .map(|(key, me)| Setup {
                configuration: Arc::clone(&configuration),
                me,
                signer: Arc::new(key),
                timers: Timers::DEFAULT,
                seed: me.0.into(),
            })
            .collect();
        let mut cluster = Self {
            verification,
            hosts: setups
                .iter()
                .map(|setup| Host {
                    replica: None,
                    records: Vec::new(),
                    vote_state: VoteState::new(&setup.configuration),
                    applied: Vec::new(),
                    digest: Hash::default(),
                    requests: BTreeSet::new(),
                    known: BTreeSet::new(),
                    known_entries: 0,
                    refused: BTreeSet::new(),
                })
                .collect(),
            setups,
            wire: VecDeque::new(),
            now: Now {
                monotonic: Time(0),
                wall: 1_000_000,
            },
            is_hostile: false,
            stuck: false,
            filter: Box::new(|_, _, _| true),
            hook: Box::new(|_, _, _| Vec::new()),
            refused: Vec::new(),
            sent: Vec::new(),
        };
        for node in 0..cluster.hosts.len() {
            cluster.start(node);
        }
        cluster
    }

    pub fn status(&self, node: usize) -> Status {
        self.hosts[node].replica.as_ref().unwrap().status()
    }

    pub fn stop(&mut self, node: usize) {
        self.hosts[node].replica = None;
    }

    pub fn restart(&mut self, node: usize) {
        self.stop(node);
        self.start(node);
    }

    /// Starts a node from what its disk holds.
    pub fn start(&mut self, node: usize) {
        let restored = self.restored(node);
        let replica = Replica::new(self.setups[node].clone(), restored, self.now);
        self.hosts[node].replica = Some(replica);
        self.drain(node);
    }

    fn restored(&mut self, node: usize) -> Option<Restored> {
        let configuration = &self.setups[node].configuration;
        let host = &mut self.hosts[node];
        if host.records.is_empty() {
            return None;
        }
        let mut recovery = Recovery::default();
        for (place, (kind, bytes)) in host.records.iter().enumerate() {
            recovery.record(
                place,
                Record::from_bytes(configuration, *kind, bytes).unwrap(),
            );
        }
        let mut tail = Vec::new();
        for stored in &recovery.chain {
            let (kind, bytes) = &host.records[stored.place];
            let Ok(Record::Entry(entry)) = Record::from_bytes(configuration, *kind, bytes) else {
                panic!("not an entry");
            };
            let mut one = [entry];
            self.verification.entries(&mut one).unwrap();
            let [entry] = one;
            tail.push(entry);
        }
        let committed = recovery.committed();
        host.applied.clear();
        host.digest = Hash::default();
        host.requests.clear();
        host.known.clear();
        host.known_entries = 0;
        for entry in tail.iter().filter(|entry| entry.index() <= committed) {
            host.apply(entry);
        }
        host.note_executed();
        Some(Restored {
            vote_state: host.vote_state.clone(),
            before: configuration.opening(),
            tail,
            applied: Applied {
                index: committed,
                digest: host.digest,
            },
            side: recovery.side,
            election: recovery.election,
            leave: recovery.leave,
            lock: recovery.lock,
            commit: recovery.commit,
            justification: recovery.justification,
            evidence: recovery.evidence,
        })
    }

    pub fn submit(&mut self, node: usize, number: u64) {
        let request = Request::check(Arc::from(number.to_le_bytes()), &Numbers).unwrap();
        self.handle(node, Event::Submit(request));
    }

    /// Hands in what the application of the node admits (P6.2).
    fn handle(&mut self, node: usize, mut event: Event) {
        let host = &mut self.hosts[node];
        let admits = |request: &Request| host.admission(&request.key()) == Admittance::Admitted;
        match &mut event {
            Event::Submit(request) | Event::Complain(request) if !admits(request) => return,
            Event::Relayed { requests, .. } => requests.retain(admits),
            _ => {}
        }
        if let Some(replica) = &mut host.replica {
            replica.handle(self.now, event);
            self.drain(node);
        }
    }

    fn drain(&mut self, node: usize) {
        let nodes = self.hosts.len();
        let mut written: Option<WriteId> = None;
        let mut applied = None;
        let mut to_judge = Vec::new();
        let host = &mut self.hosts[node];
        while let Some(output) = host.replica.as_mut().and_then(Replica::next_output) {
            match output {
                Output::Write {
                    id,
                    vote_state,
                    records,
                } => {
                    host.vote_state = *vote_state;
                    host.records.extend(records.iter().map(Record::to_bytes));
                    written = Some(id);
                }
                Output::Send { to, message, after } => {
                    assert!(after.is_none_or(|after| written.unwrap_or(after) >= after));
                    let to: Vec<usize> = match to {
                        Recipient::Node(to) => vec![to.position()],
                        Recipient::Others => (0..nodes).filter(|&to| to != node).collect(),
                    };
                    self.wire
                        .extend(to.into_iter().map(|to| (node, to, Arc::clone(&message))));
                }
                Output::Apply(entry) => {
                    host.apply(&entry);
                    applied = Some(Applied {
                        index: entry.index(),
                        digest: host.digest,
                    });
                }
                Output::ReadEntries { to, from } => {
                    let entries: Vec<Arc<Entry>> = host
                        .applied
                        .iter()
                        .filter(|entry| entry.index() > from.index)
                        .take(consensus::limits::MESSAGE_ENTRIES)
                        .cloned()
                        .collect();
                    let last = entries.last().map(|entry| entry.index());
                    let commit = host
                        .records
                        .iter()
                        .filter(|(kind, _)| *kind == 7)
                        .filter_map(|(kind, bytes)| {
                            Record::from_bytes(&self.setups[node].configuration, *kind, bytes).ok()
                        })
                        .filter_map(|record| match record {
                            Record::Commit(commit) => Some(commit),
                            _ => None,
                        })
                        .rfind(|commit| Some(commit.header.index) <= last);
                    host.replica.as_mut().unwrap().handle(
                        self.now,
                        Event::EntriesRead {
                            to,
                            from,
                            entries,
                            commit,
                        },
                    );
                }
                Output::Judge(requests) => to_judge.extend(requests),
                Output::Notice(_) | Output::Certified(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
        if let Some(applied) = applied.filter(|_| !self.stuck) {
            let host = &mut self.hosts[node];
            host.note_executed();
            self.handle(node, Event::Applied(applied));
        }
        if let Some(id) = written {
            self.handle(node, Event::Written(id));
        }
        if !to_judge.is_empty() {
            let host = &self.hosts[node];
            let as_of = Index(host.known_entries as u64);
            let judge = |request: Request| (request.key(), host.admission(&request.key()));
            let verdicts = to_judge.into_iter().map(judge).collect();
            self.handle(node, Event::Judged { as_of, verdicts });
        }
    }

    /// Says something in a node's name.
    pub fn say(&mut self, from: usize, to: usize, message: impl Into<Message>) {
        self.wire.push_back((from, to, Arc::new(message.into())));
    }

    pub fn submit_payload(&mut self, node: usize, payload: Vec<u8>) {
        let request = Request::check(Arc::from(payload), &Numbers).unwrap();
        self.handle(node, Event::Submit(request));
    }

    /// From now on the application of a node refuses this request, though it may admit it later.
    pub fn refuse(&mut self, node: usize, payload: &[u8]) {
        let key = Numbers.key(payload).unwrap();
        self.hosts[node].refused.insert(key);
    }

    /// The applications go on where they stood still.
    pub fn unstick(&mut self) {
        self.stuck = false;
        for node in 0..self.hosts.len() {
            let host = &mut self.hosts[node];
            let applied = host.applied.last().map(|last| Applied {
                index: last.index(),
                digest: host.digest,
            });
            host.note_executed();
            if let Some(applied) = applied {
                self.handle(node, Event::Applied(applied));
            }
        }
    }

    pub fn complain(&mut self, node: usize, payload: Vec<u8>) {
        let request = Request::check(Arc::from(payload), &Numbers).unwrap();
        self.handle(node, Event::Complain(request));
    }

    pub fn chain(&self, node: usize) -> Vec<Arc<Entry>> {
        self.hosts[node].applied.clone()
    }

    /// Delivers everything that is on its way.
    pub fn settle(&mut self) {
        let mut delivered = 0;
        while let Some((from, to, message)) = self.wire.pop_front() {
            delivered += 1;
            assert!(delivered < 200_000, "the network never comes to rest");
            if to >= self.hosts.len()
                || self.hosts[to].replica.is_none()
                || !(self.filter)(from, to, &message)
            {
                continue;
            }
            self.sent.push((from, to, Arc::clone(&message)));
            for (from, to, said) in (self.hook)(from, to, &message) {
                self.wire.push_front((from, to, Arc::new(said)));
            }
            let from = NodeId(u16::try_from(from).unwrap());
            let bytes = message.to_bytes();
            let message = match self.verification.message(from, &bytes) {
                Ok(message) => message,
                Err(refused) => {
                    assert!(self.is_hostile, "{message:?}: {refused}");
                    self.refused.push((
                        from.position(),
                        to,
                        format!("{}: {refused}", message.name()),
                    ));
                    continue;
                }
            };
            if let Message::Relay(relay) = &*message {
                let requests = self.verification.relayed(&relay.body.requests);
                let complained = relay.body.complained;
                self.handle(
                    to,
                    Event::Relayed {
                        from,
                        complained,
                        requests,
                    },
                );
            } else {
                self.handle(to, Event::Message(message));
            }
        }
    }

    /// Lets time pass, millisecond by millisecond.
    pub fn run_for(&mut self, millis: u64) {
        for _ in 0..millis {
            self.settle();
            self.now.monotonic.0 += 1_000;
            self.now.wall += 1;
            for node in 0..self.hosts.len() {
                let due = self.hosts[node]
                    .replica
                    .as_ref()
                    .and_then(Replica::next_deadline)
                    .is_some_and(|due| due <= self.now.monotonic);
                if due {
                    self.handle(node, Event::Timeout);
                }
            }
        }
        self.settle();
    }

    /// Whether a node executed so many requests.
    #[allow(dead_code, reason = "some tests need it")]
    pub fn has_applied(&self, node: usize, requests: usize) -> bool {
        self.hosts[node].requests.len() >= requests
    }

    /// All nodes executed the same requests, this many.
    pub fn assert_all_applied(&self, requests: usize) {
        let nodes: Vec<usize> = (0..self.hosts.len()).collect();
        self.assert_applied(&nodes, requests);
    }

    pub fn assert_applied(&self, nodes: &[usize], requests: usize) {
        for &node in nodes {
            assert_eq!(
                self.hosts[node].requests.len(),
                requests,
                "requests applied at n{node}: {:?}",
                self.hosts[node].replica.as_ref().map(Replica::status)
            );
        }
    }
}

impl Host {
    fn admission(&self, key: &RequestKey) -> Admittance {
        if self.known.contains(key) {
            Admittance::Settled
        } else if self.refused.contains(key) {
            Admittance::Refused
        } else {
            Admittance::Admitted
        }
    }

    /// The application knows what it was given.
    fn note_executed(&mut self) {
        for entry in &self.applied[self.known_entries..] {
            let executed = entry.keys().iter().zip(&entry.payloads);
            let settling = executed.filter(|(_, payload)| payload.get(9) != Some(&EXPIRED));
            self.known.extend(settling.map(|(key, _)| *key));
        }
        self.known_entries = self.applied.len();
    }

    fn apply(&mut self, entry: &Arc<Entry>) {
        let last = self.applied.last().map_or(0, |last| last.index().0);
        assert_eq!(entry.index().0, last + 1, "entries are applied in order");
        self.applied.push(Arc::clone(entry));
        self.requests.extend(entry.keys().iter().copied());
        self.digest =
            consensus::hashing::tagged_hash("test", &[&self.digest.0, &entry.point().hash.0]);
    }
}
