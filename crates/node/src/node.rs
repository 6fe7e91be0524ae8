//! Starting, steering and stopping a node.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc::SyncSender},
    thread::JoinHandle,
};

use consensus::{
    ClientChecks, Configuration, Domain, Ed25519, Hash, Mode, NodeId, PublicKey, Replica, Setup,
    Signer, Timers, Verification, mode::SizeError,
};
use keys::{Genesis, KeyPair};
use rayon::ThreadPool;
use tokio::task::JoinSet;
use transport::{
    Dropped, Endpoint, Identity, Incoming, Limits, LinkPolicy, LinkState, Mesh, Network, Peer,
};

use crate::{
    application::Application,
    application_task::{self, ApplicationTask, Work},
    behaviour::Behaviour,
    checks::{RememberingPayloads, RememberingVerifier},
    clock::Clock,
    counters::Counters,
    disk_task::{self, DiskTask},
    error::{Fatal, NodeError, PanicGuard, StartError},
    evidence::EvidenceStore,
    mailbox::{Input, Urgency},
    outbound::Outbound,
    outcomes::EntryOutcomes,
    peers::{self, BulkJudge, Members},
    reading, recovery,
    replica_task::{Reads, ReplicaTask},
    reporting::Reporter,
    session::Server,
    shared::Shared,
    status::StatusReport,
};

/// What a node is started from.
pub struct NodeOptions {
    /// The network.
    pub genesis: Genesis,
    /// The node's key, one of the validators'.
    pub key: KeyPair,
    /// The directory of its durable stream, made if it is missing.
    pub data: PathBuf,
    /// Where it listens; by default on the loopback interface, at the port that genesis gives it.
    pub listen: Option<SocketAddr>,
    /// What the network agrees for, in its state before the first entry.
    pub application: Box<dyn Application>,
    /// A misbehaviour to start with.
    pub behaviour: Option<Box<dyn Behaviour>>,
    /// Who checks client signatures, if not as genesis says (P1.4).
    pub client_checks: Option<ClientChecks>,
    /// The timers.
    pub timers: Timers,
    /// Bounds of the connections.
    pub limits: Limits,
}

impl NodeOptions {
    /// The usual options.
    #[must_use]
    pub fn new(
        genesis: Genesis,
        key: KeyPair,
        data: impl Into<PathBuf>,
        application: Box<dyn Application>,
    ) -> Self {
        Self {
            genesis,
            key,
            data: data.into(),
            listen: None,
            application,
            behaviour: None,
            client_checks: None,
            timers: Timers::DEFAULT,
            limits: Limits::default(),
        }
    }
}

/// The configuration of the first epoch. `client_checks` overrides what genesis says; Byzantine
/// mode always checks everywhere (P1.4).
///
/// # Errors
/// [`SizeError`] if the mode cannot work with that many validators.
pub fn configuration(
    genesis: &Genesis,
    client_checks: Option<ClientChecks>,
) -> Result<Configuration, SizeError> {
    let mode = match genesis.mode() {
        keys::Mode::Raft => Mode::Raft,
        keys::Mode::RaftSigned => Mode::RaftSigned,
        keys::Mode::Byzantine => Mode::Byzantine,
    };
    let of_genesis = match genesis.client_checks() {
        keys::ClientChecks::Leader => ClientChecks::Leader,
        keys::ClientChecks::All => ClientChecks::All,
    };
    let validators = genesis.validators().iter();
    Configuration::genesis(
        Domain {
            network: Hash(genesis.id()),
            mode,
        },
        validators
            .map(|validator| PublicKey(*validator.key.as_bytes()))
            .collect(),
        client_checks.unwrap_or(of_genesis),
    )
}

/// Starts nodes.
pub struct Node;

impl Node {
    /// Recovers from disk, opens the socket and starts to take part. Must run inside a tokio
    /// runtime; the node's tasks run there, its threads beside it.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running.
    pub async fn start(options: NodeOptions) -> Result<NodeHandle, StartError> {
        let prepared = tokio::task::spawn_blocking(move || Prepared::new(options));
        let prepared = prepared.await.map_err(|error| StartError::System {
            what: "the start",
            reason: error.to_string(),
        })??;
        prepared.start()
    }
}

/// A node recovered from disk, not yet connected.
struct Prepared {
    options: Remaining,
    opened: recovery::Opened,
    restored: Option<consensus::Restored>,
    shared: Arc<Shared>,
    fatal: Fatal,
    signer: Arc<dyn Signer>,
    digest: Hash,
    seed: u64,
}

/// What is left of the options after recovery.
struct Remaining {
    genesis: Genesis,
    key: KeyPair,
    listen: Option<SocketAddr>,
    application: Box<dyn Application>,
    behaviour: Option<Box<dyn Behaviour>>,
    timers: Timers,
    limits: Limits,
}

impl Prepared {
    fn new(options: NodeOptions) -> Result<Self, StartError> {
        let NodeOptions {
            genesis,
            key,
            data,
            listen,
            mut application,
            behaviour,
            client_checks,
            timers,
            limits,
        } = options;
        let configuration = Arc::new(configuration(&genesis, client_checks)?);
        let public = PublicKey(*key.public_key().as_bytes());
        let me = configuration
            .node(&public)
            .ok_or(StartError::NotAValidator)?;
        let fatal = Fatal::new();
        let pool = pool(&fatal)?;
        let counters = Arc::new(Counters::default());
        let payloads: Arc<dyn consensus::Payloads> = Arc::new(RememberingPayloads::new(
            application.payloads(),
            Arc::clone(&pool),
            Arc::clone(&counters),
        ));
        let known = Ed25519::with_known(configuration.keys().iter().copied());
        let verification = Verification::new(
            Arc::clone(&configuration),
            Arc::new(RememberingVerifier::new(known, Arc::clone(&counters))),
            Arc::clone(&payloads),
        );
        let identity = storage::Identity {
            network: genesis.id(),
            node: public.0,
        };
        let mut opened = recovery::open(&data, identity, &configuration)?;
        let (bulk_judge, bulk) = BulkJudge::new();
        // Ends with the last holder of what is shared, so nobody waits for it.
        spawn("judge", &fatal, move || BulkJudge::run(&bulk))?;
        let evidence = EvidenceStore::new(&opened.fold.evidence);
        let shared = Shared::new(
            configuration,
            me,
            Clock::start(),
            verification,
            application.transaction_id(),
            pool,
            bulk_judge,
            counters,
            Arc::clone(&opened.chain),
            evidence,
        );
        let mut digest = application.applied().digest;
        recovery::replay(&opened, &mut *application, |entry, applied| {
            let before = std::mem::replace(&mut digest, applied.applied.digest);
            shared
                .outcomes
                .add(Arc::new(EntryOutcomes::new(entry, before, applied)));
        })?;
        let applied = application.applied();
        shared
            .applied
            .store(applied.index.0, std::sync::atomic::Ordering::Relaxed);
        let restored = recovery::restore(&opened, &*application, &shared.verification)?;
        tracing::info!(
            node = %me,
            applied = applied.index.0,
            stored = opened.fold.chain.len(),
            "recovered from disk"
        );
        let seed = getrandom::u64().map_err(|error| StartError::System {
            what: "random bytes",
            reason: error.to_string(),
        })?;
        opened.fold = consensus::Recovery::default();
        Ok(Self {
            signer: Arc::new(key.signing_key().clone()),
            options: Remaining {
                genesis,
                key,
                listen,
                application,
                behaviour,
                timers,
                limits,
            },
            opened,
            restored,
            shared: Arc::new(shared),
            fatal,
            digest,
            seed,
        })
    }

    fn start(self) -> Result<NodeHandle, StartError> {
        let Self {
            options,
            opened,
            restored,
            shared,
            fatal,
            signer,
            digest,
            seed,
        } = self;
        let Remaining {
            genesis,
            key,
            listen,
            application,
            behaviour,
            timers,
            limits,
        } = options;
        let endpoint = Arc::new(listen_at(&genesis, &key, listen, limits, &shared)?);
        let mesh = Mesh::start(&endpoint, &peers_of(&genesis));

        let (disk, writes) = disk_task::queue();
        let (work, works) = application_task::queue();
        let (reader, reads) = reading::queue();
        let disk_task = DiskTask {
            storage: opened.storage,
            chain: Arc::clone(&shared.chain),
            mailbox: Arc::clone(&shared.mailbox),
            counters: Arc::clone(&shared.counters),
            fatal: fatal.clone(),
        };
        let application_task = ApplicationTask {
            application,
            shared: Arc::clone(&shared),
            digest,
            waiting: Vec::new(),
            fatal: fatal.clone(),
        };
        let setup = Setup {
            configuration: Arc::clone(&shared.configuration),
            me: shared.me,
            signer: Arc::clone(&signer),
            timers,
            seed,
        };
        let replica_task = ReplicaTask {
            replica: Replica::new(setup, restored, shared.clock.now()),
            outbound: Outbound::new(Arc::clone(&shared), mesh.clone(), signer, behaviour),
            shared: Arc::clone(&shared),
            disk,
            application: work.clone(),
            reader,
            reads: Reads::default(),
        };
        let reader_shared = Arc::clone(&shared);
        // The order in which they are joined: each ends when those before it have.
        let threads = vec![
            spawn("replica", &fatal, move || replica_task.run())?,
            spawn("disk", &fatal, move || disk_task.run(&writes))?,
            spawn("reader", &fatal, move || {
                reading::run(&reader_shared, &reads)
            })?,
            spawn("application", &fatal, move || application_task.run(&works))?,
        ];
        let reporter = Arc::new(Reporter {
            shared: Arc::clone(&shared),
            endpoint: Arc::clone(&endpoint),
            mesh: mesh.clone(),
            names: genesis
                .validators()
                .iter()
                .map(|validator| validator.name.clone())
                .collect(),
            timers,
        });
        let server = Arc::new(Server {
            reporter: Arc::clone(&reporter),
            application: work.clone(),
        });
        let accepting = tokio::spawn(accept(Arc::clone(&endpoint), server));
        Ok(NodeHandle {
            inner: Arc::new(Inner {
                shared,
                endpoint,
                mesh,
                reporter,
                fatal,
                work,
            }),
            threads: Mutex::new(threads),
            accepting: Mutex::new(Some(accepting)),
        })
    }
}

fn pool(fatal: &Fatal) -> Result<Arc<ThreadPool>, StartError> {
    let fatal = fatal.clone();
    rayon::ThreadPoolBuilder::new()
        .thread_name(|number| format!("verify-{number}"))
        .panic_handler(move |_| fatal.set(NodeError::Panicked("verification")))
        .build()
        .map(Arc::new)
        .map_err(|error| StartError::System {
            what: "threads",
            reason: error.to_string(),
        })
}

fn spawn(
    thread: &'static str,
    fatal: &Fatal,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StartError> {
    let guard = PanicGuard {
        thread,
        fatal: fatal.clone(),
    };
    let run = move || {
        let _guard = guard;
        run();
    };
    std::thread::Builder::new()
        .name(thread.to_owned())
        .spawn(run)
        .map_err(|error| StartError::System {
            what: "a thread",
            reason: error.to_string(),
        })
}

fn listen_at(
    genesis: &Genesis,
    key: &KeyPair,
    listen: Option<SocketAddr>,
    limits: Limits,
    shared: &Shared,
) -> Result<Endpoint, StartError> {
    let port = genesis.validators()[shared.me.position()].address.port();
    let address = listen.unwrap_or((IpAddr::V4(Ipv4Addr::LOCALHOST), port).into());
    let network = Network {
        id: genesis.id(),
        mode: shared.configuration.mode().number(),
    };
    let members = Arc::new(Members(Arc::clone(&shared.configuration)));
    let identity = Identity::new(key.signing_key().clone())?;
    Endpoint::bind(address, &identity, network, members, limits)
        .map_err(|source| StartError::Listen { address, source })
}

fn peers_of(genesis: &Genesis) -> Vec<Peer> {
    let peer = |validator: &keys::Validator| Peer {
        key: *validator.key.as_bytes(),
        address: validator.address,
    };
    genesis.validators().iter().map(peer).collect()
}

/// Takes up connections until the endpoint is closed and every session has ended.
async fn accept(endpoint: Arc<Endpoint>, server: Arc<Server>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            incoming = endpoint.accept() => match incoming {
                Some(Incoming::Validator(connection)) => {
                    peers::take_in(&server.reporter.shared, connection);
                }
                Some(Incoming::Client(session)) => {
                    let server = Arc::clone(&server);
                    sessions.spawn(async move { server.serve(session).await });
                }
                None => break,
            },
            // Sessions that ended make room in the set.
            Some(_) = sessions.join_next() => {}
        }
    }
    while sessions.join_next().await.is_some() {}
}

struct Inner {
    shared: Arc<Shared>,
    endpoint: Arc<Endpoint>,
    mesh: Mesh,
    reporter: Arc<Reporter>,
    fatal: Fatal,
    work: SyncSender<Work>,
}

/// A running node. Dropping it without [`NodeHandle::shutdown`] stops it less gently.
pub struct NodeHandle {
    inner: Arc<Inner>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    accepting: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl NodeHandle {
    /// This node's position among the validators.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.inner.shared.me
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.inner.endpoint.local_addr()
    }

    /// Its state; `None` if it has stopped.
    pub async fn status(&self) -> Option<StatusReport> {
        self.inner.reporter.report().await
    }

    /// A handle for steering that can be cloned and kept by others.
    #[must_use]
    pub fn control(&self) -> NodeControl {
        NodeControl {
            inner: Arc::clone(&self.inner),
        }
    }

    /// Waits until the node must stop by itself and says why. Never ends otherwise; cancelling
    /// loses nothing.
    pub async fn failed(&self) -> NodeError {
        self.inner.fatal.happened().await;
        self.inner.fatal.take().unwrap_or(NodeError::Panicked("a"))
    }

    /// Stops in order: no more events, what was written becomes durable, what is queued is sent,
    /// the connections and the directory are closed.
    pub async fn shutdown(self) {
        self.inner.shared.mailbox.close();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let work = self.inner.work.clone();
        let join = move || {
            let mut threads = threads.into_iter();
            // The application's thread also serves sessions, so it is told.
            let application = threads.next_back();
            for thread in threads {
                // A panic was reported by the thread's guard.
                let _ = thread.join();
            }
            let _ = work.send(Work::Stop);
            if let Some(application) = application {
                let _ = application.join();
            }
        };
        if let Err(error) = tokio::task::spawn_blocking(join).await {
            tracing::error!(%error, "stopping");
        }
        self.inner.endpoint.close().await;
        let accepting = self
            .accepting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(accepting) = accepting {
            // Ended by the closed endpoint; it fails only if a session panicked.
            let _ = accepting.await;
        }
    }
}

impl Drop for NodeHandle {
    fn drop(&mut self) {
        self.inner.shared.mailbox.close();
        let accepting = self
            .accepting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(accepting) = accepting {
            accepting.abort();
        }
    }
}

/// Steers a running node; cheap to clone.
#[derive(Clone)]
pub struct NodeControl {
    inner: Arc<Inner>,
}

impl NodeControl {
    /// Misbehave like this from now on; `None`: behave.
    pub fn set_behaviour(&self, behaviour: Option<Box<dyn Behaviour>>) {
        let input = Input::SetBehaviour(behaviour);
        self.inner
            .shared
            .mailbox
            .push(Urgency::Urgent, [input.into()]);
    }

    /// Changes what the link to a peer does to messages sent from here.
    ///
    /// # Errors
    /// [`Dropped::NoSuchPeer`].
    pub fn set_link_policy(&self, peer: NodeId, policy: LinkPolicy) -> Result<(), Dropped> {
        self.inner.mesh.set_link_policy(peer.position(), policy)
    }

    /// What the link to a peer does now.
    #[must_use]
    pub fn link_policy(&self, peer: NodeId) -> Option<LinkPolicy> {
        self.inner.mesh.link_policy(peer.position())
    }

    /// Whether the link to a peer is up, and if not, why.
    #[must_use]
    pub fn link_state(&self, peer: NodeId) -> Option<LinkState> {
        self.inner.mesh.link_state(peer.position())
    }

    /// Dials a peer elsewhere than genesis says.
    ///
    /// # Errors
    /// [`Dropped::NoSuchPeer`].
    pub fn set_peer_address(&self, peer: NodeId, address: SocketAddr) -> Result<(), Dropped> {
        self.inner.mesh.set_peer_address(peer.position(), address)
    }

    /// The node's state; `None` if it has stopped.
    pub async fn status(&self) -> Option<StatusReport> {
        self.inner.reporter.report().await
    }
}
