//! Four replicas in one thread, of which one key also signs what an input says.

use std::{
    collections::VecDeque,
    sync::{Arc, LazyLock},
};

use consensus::{
    Admittance, ClientChecks, Configuration, Domain, Entry, Event, Hash, Index, Message, Mode,
    NodeId, Now, Output, PublicKey, Recipient, Record, Recovery, Replica, Request, Restored, Setup,
    Signature, Signer, Time, Timers, Verification, Verifier, VoteState, WriteId,
    hashing::tagged_hash, message::Applied,
};

use crate::network::AnyPayload;

/// Whose key the input holds.
pub(crate) const TRAITOR: NodeId = NodeId(1);
const NODES: usize = 4;
/// Messages that one settling delivers at most.
const DELIVERED: usize = 3_000;
/// Messages that can be altered: the last ones.
const REMEMBERED: usize = 256;

/// A signature that only [`StandIn`] knows how to make: a hash, which is a hundred times faster.
/// Inputs cannot hit one by chance.
pub(crate) struct StandIn(PublicKey);

impl Signer for StandIn {
    fn sign(&self, digest: &Hash) -> Signature {
        let half = |tag| tagged_hash(tag, &[&self.0.0, &digest.0]).0;
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&half("fuzzing/signature"));
        signature[32..].copy_from_slice(&half("fuzzing/signature-too"));
        Signature(signature)
    }
}

struct StandInVerifier;

impl Verifier for StandInVerifier {
    fn verify(&self, key: &PublicKey, digest: &Hash, signature: &Signature) -> bool {
        StandIn(*key).sign(digest) == *signature
    }
}

struct Host {
    replica: Replica,
    records: Vec<Record>,
    vote_state: VoteState,
    applied: Vec<Arc<Entry>>,
    digest: Hash,
}

/// Replicas whose messages arrive at once, in order, where the network is not parted.
pub(crate) struct Cluster {
    pub(crate) configuration: Arc<Configuration>,
    verification: Verification,
    setups: Vec<Setup>,
    hosts: Vec<Host>,
    wire: VecDeque<(usize, usize, Arc<Message>)>,
    said: VecDeque<Vec<u8>>,
    now: Now,
    /// Nodes that hear nothing and are not heard, as a mask.
    parted: u8,
}

fn configuration() -> Arc<Configuration> {
    static CONFIGURATION: LazyLock<Arc<Configuration>> = LazyLock::new(|| {
        let domain = Domain {
            network: Hash([9; 32]),
            mode: Mode::Byzantine,
        };
        let keys = (1..=4).map(|number| PublicKey([number; 32])).collect();
        let made = Configuration::genesis(domain, keys, ClientChecks::All);
        Arc::new(made.expect("four validators are enough"))
    });
    Arc::clone(&CONFIGURATION)
}

impl Cluster {
    /// A network that has just begun; the seed is the replicas'.
    pub(crate) fn new(seed: u8) -> Self {
        let configuration = configuration();
        let now = Now {
            monotonic: Time(0),
            wall: 1_000_000,
        };
        let setups: Vec<Setup> = configuration
            .sizes()
            .nodes()
            .map(|me| Setup {
                configuration: Arc::clone(&configuration),
                me,
                signer: Arc::new(StandIn(configuration.keys()[me.position()])),
                timers: Timers::DEFAULT,
                seed: u64::from(seed) + u64::from(me.0),
            })
            .collect();
        let hosts = setups
            .iter()
            .map(|setup| Host {
                replica: Replica::new(setup.clone(), None, now),
                records: Vec::new(),
                vote_state: VoteState::new(&configuration),
                applied: Vec::new(),
                digest: Hash::default(),
            })
            .collect();
        let mut cluster = Self {
            verification: Verification::new(
                Arc::clone(&configuration),
                Arc::new(StandInVerifier),
                Arc::new(AnyPayload),
            ),
            configuration,
            setups,
            hosts,
            wire: VecDeque::new(),
            said: VecDeque::new(),
            now,
            parted: 0,
        };
        (0..NODES).for_each(|node| cluster.drain(node));
        cluster.settle();
        cluster
    }

    /// The traitor's key.
    pub(crate) fn key(&self) -> &dyn Signer {
        &*self.setups[TRAITOR.position()].signer
    }

    /// One of the messages said so far, 0 being the last.
    pub(crate) fn said(&self, back: u8) -> Option<Vec<u8>> {
        let last = self.said.len().checked_sub(1)?;
        Some(self.said[last - usize::from(back) % self.said.len()].clone())
    }

    /// Sends a message of the traitor's to the nodes of the mask.
    pub(crate) fn say(&mut self, to: u8, message: Message) {
        let message = Arc::new(message);
        for node in 0..NODES {
            if to & (1 << node) != 0 && node != TRAITOR.position() {
                self.wire
                    .push_back((TRAITOR.position(), node, Arc::clone(&message)));
            }
        }
    }

    /// A client asks one node.
    pub(crate) fn submit(&mut self, number: u8) {
        let payload = Arc::from([number, 1, 2, 3]);
        let request = Request::check(payload, &AnyPayload).expect("every payload is good");
        let event = if number & 0x80 == 0 {
            Event::Submit(request)
        } else {
            Event::Complain(request)
        };
        self.handle(usize::from(number) % NODES, event);
    }

    /// Waits until the next timer is due.
    pub(crate) fn wait(&mut self) {
        let next = self
            .hosts
            .iter()
            .filter_map(|host| host.replica.next_deadline());
        if let Some(next) = next.min() {
            let ahead = next.since(self.now.monotonic);
            self.advance(Time(ahead.0.min(60_000_000)));
        }
    }

    /// Lets time pass, in steps of 10 ms.
    pub(crate) fn pass(&mut self, millis: u64) {
        for _ in 0..millis / 10 {
            self.advance(Time::from_millis(10));
            self.settle();
        }
    }

    fn advance(&mut self, span: Time) {
        self.now.monotonic.0 += span.0;
        self.now.wall += span.0 / 1000;
        for node in 0..NODES {
            let deadline = self.hosts[node].replica.next_deadline();
            if deadline.is_some_and(|due| due <= self.now.monotonic) {
                self.handle(node, Event::Timeout);
            }
        }
    }

    /// Cuts off the nodes of the mask; 0 heals the network.
    pub(crate) fn part(&mut self, nodes: u8) {
        self.parted = nodes & 15;
    }

    /// Ends a node's process and starts it from its disk, on which everything is.
    pub(crate) fn restart(&mut self, node: u8) {
        let node = usize::from(node) % NODES;
        let restored = self.restored(node);
        let replica = Replica::new(self.setups[node].clone(), restored, self.now);
        self.hosts[node].replica = replica;
        self.drain(node);
    }

    fn restored(&mut self, node: usize) -> Option<Restored> {
        let host = &mut self.hosts[node];
        if host.records.is_empty() {
            return None;
        }
        let mut recovery = Recovery::default();
        for (place, record) in host.records.iter().enumerate() {
            recovery.record(place, record.clone());
        }
        let tail: Vec<Arc<Entry>> = recovery
            .chain
            .iter()
            .map(|stored| match &host.records[stored.place] {
                Record::Entry(entry) => {
                    let mut one = [Arc::clone(entry)];
                    let judged = self.verification.entries(&mut one);
                    judged.expect("what was accepted is accepted again");
                    let [entry] = one;
                    entry
                }
                other => panic!("{other:?} is no entry"),
            })
            .collect();
        let committed = recovery.committed();
        host.applied.clear();
        host.digest = Hash::default();
        for entry in tail.iter().filter(|entry| entry.index() <= committed) {
            host.apply(entry);
        }
        Some(Restored {
            vote_state: host.vote_state.clone(),
            before: self.configuration.opening(),
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

    fn handle(&mut self, node: usize, event: Event) {
        self.hosts[node].replica.handle(self.now, event);
        self.drain(node);
    }

    fn drain(&mut self, node: usize) {
        let (mut written, mut applied): (Option<WriteId>, _) = (None, None);
        let (mut read, mut to_judge) = (Vec::new(), Vec::new());
        while let Some(output) = self.hosts[node].replica.next_output() {
            let host = &mut self.hosts[node];
            match output {
                Output::Write {
                    id,
                    vote_state,
                    records,
                } => {
                    host.vote_state = *vote_state;
                    host.records.extend(records);
                    written = Some(id);
                }
                Output::Send { to, message, .. } => self.send(node, to, &message),
                Output::Apply(entry) => {
                    host.apply(&entry);
                    applied = Some(Applied {
                        index: entry.index(),
                        digest: host.digest,
                    });
                }
                Output::ReadEntries { to, from } => read.push((to, from)),
                Output::Judge(requests) => to_judge.extend(requests),
                _ => {}
            }
        }
        for (to, from) in read {
            let host = &self.hosts[node];
            let wanted = host
                .applied
                .iter()
                .filter(|entry| entry.index() > from.index);
            let entries: Vec<Arc<Entry>> = wanted
                .take(consensus::limits::MESSAGE_ENTRIES)
                .cloned()
                .collect();
            let event = Event::EntriesRead {
                to,
                from,
                entries,
                commit: None,
            };
            self.handle(node, event);
        }
        if let Some(applied) = applied {
            self.handle(node, Event::Applied(applied));
        }
        if let Some(id) = written {
            self.handle(node, Event::Written(id));
        }
        if !to_judge.is_empty() {
            // Its application admits everything.
            let as_of = Index(self.hosts[node].applied.len() as u64);
            let admit = |request: Request| (request.key(), Admittance::Admitted);
            let verdicts = to_judge.into_iter().map(admit).collect();
            self.handle(node, Event::Judged { as_of, verdicts });
        }
    }

    fn send(&mut self, from: usize, to: Recipient, message: &Arc<Message>) {
        self.said.push_back(message.to_bytes());
        if self.said.len() > REMEMBERED {
            self.said.pop_front();
        }
        let hears = |node: &usize| match to {
            Recipient::Node(to) => to.position() == *node,
            Recipient::Others => *node != from,
        };
        let receivers = (0..NODES).filter(hears);
        self.wire
            .extend(receivers.map(|to| (from, to, Arc::clone(message))));
    }

    /// Delivers what is on its way, up to a bound.
    pub(crate) fn settle(&mut self) {
        for _ in 0..DELIVERED {
            let Some((from, to, message)) = self.wire.pop_front() else {
                return;
            };
            if self.parted & (1 << from | 1 << to) != 0 {
                continue;
            }
            let from = NodeId(u16::try_from(from).expect("four nodes"));
            let Ok(message) = self.verification.message(from, &message.to_bytes()) else {
                assert_eq!(from, TRAITOR, "a correct node's {message:?} was refused");
                continue;
            };
            let event = match &*message {
                Message::Relay(relay) => Event::Relayed {
                    from,
                    complained: relay.body.complained,
                    requests: self.verification.relayed(&relay.body.requests),
                },
                _ => Event::Message(message),
            };
            self.handle(to, event);
        }
        self.wire.clear();
    }

    /// What must hold whatever the traitor says.
    pub(crate) fn check(&self) {
        let correct = |node: &usize| *node != TRAITOR.position();
        let mut longest: &[Arc<Entry>] = &[];
        for host in (0..NODES).filter(correct).map(|node| &self.hosts[node]) {
            for (one, other) in host.applied.iter().zip(longest) {
                assert_eq!(one.point(), other.point(), "two entries at one index");
            }
            if host.applied.len() > longest.len() {
                longest = &host.applied;
            }
            for record in &host.records {
                if let Record::Evidence(evidence) = record {
                    let verifier = self.verification.verifier();
                    assert_eq!(evidence.accused(), TRAITOR, "a correct node was accused");
                    assert_eq!(evidence.check(&self.configuration, verifier), Ok(()));
                }
            }
        }
    }
}

impl Host {
    fn apply(&mut self, entry: &Arc<Entry>) {
        let last = self.applied.last().map_or(0, |last| last.index().0);
        assert_eq!(entry.index().0, last + 1, "entries are applied in order");
        self.applied.push(Arc::clone(entry));
        self.digest = tagged_hash("fuzzing/digest", &[&self.digest.0, &entry.point().hash.0]);
    }
}
