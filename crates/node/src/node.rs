//! Starting a node.

#[cfg(test)]
mod tests;

use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use consensus::{
    Configuration, Ed25519, Hash, NodeId, PublicKey, Replica, Setup, Signer, Timers, Verification,
};
use keys::{Genesis, KeyPair};
use storage::OpenError;
use tokio::time::{Duration, Instant, sleep};
use transport::{Endpoint, Limits, Mesh, Peer};

use crate::{
    application_task::{self, ApplicationTask},
    archive::Archive,
    behaviour::Behaviour,
    checks::{RememberingPayloads, RememberingVerifier},
    client_reads,
    clock::Clock,
    counters::Counters,
    disk_task::{self, DiskTask},
    error::{Fatal, StartError},
    evidence::EvidenceStore,
    handle::{NodeHandle, Running},
    hosted::Hosted,
    incarnation,
    listening::{accept, listen_at},
    options::{NodeOptions, configuration},
    outbound::Outbound,
    outcomes::{EntryOutcomes, Outcomes},
    reading, recovery, refill,
    replica_task::{Reads, ReplicaTask},
    reporting::Reporter,
    session::Server,
    shared::Shared,
    threads::{pool, spawn},
};

/// How long a node that starts waits for one that ends: what that one still has to write, send and
/// flush takes less.
const HANDOVER: Duration = Duration::from_secs(5);
const HANDOVER_LOOK: Duration = Duration::from_millis(50);

/// Starts nodes.
pub struct Node;

impl Node {
    /// Recovers from disk, opens the socket and starts to take part. Must run inside a tokio
    /// runtime; the node's tasks run there, its threads beside it.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running.
    pub async fn start(options: NodeOptions) -> Result<NodeHandle, StartError> {
        let configuration = configuration(&options.genesis, options.client_checks)?;
        let configuration = Arc::new(configuration);
        let public = PublicKey(*options.key.public_key().as_bytes());
        let me = configuration
            .node(&public)
            .ok_or(StartError::NotAValidator)?;
        let listed = options.genesis.validators()[me.position()].incarnation;
        let data = options.data.clone();
        let mut record = blocking(move || incarnation::admit(&data, &listed)).await?;
        let identity = storage::Identity {
            network: options.genesis.id(),
            node: public.0,
        };
        let open = || {
            let (data, configuration) = (options.data.clone(), Arc::clone(&configuration));
            let progress = Arc::clone(&options.progress);
            blocking(move || recovery::open(&data, identity, &configuration, &progress))
        };
        // The one before may just be ending: whoever is started in its place waits for it.
        let mut opened = once_free("the data directory", &open, |error| {
            matches!(error, StartError::Storage(OpenError::Locked { .. }))
        })
        .await?;
        let data = options.data.clone();
        blocking(move || incarnation::begin(&mut record, &data)).await?;
        if !opened.missing.is_empty() {
            let (genesis, key) = (&options.genesis, &options.key);
            let verification = Verification::new(
                Arc::clone(&configuration),
                Arc::new(Ed25519::with_known(configuration.keys().iter().copied())),
                options.application.payloads(),
            );
            refill::from_peers(genesis, key, verification, &mut opened)
                .await
                .map_err(|reason| StartError::Damaged {
                    directory: options.data.display().to_string(),
                    damage: storage::Damage::RecordsLost,
                    detail: format!("{}; {reason}", opened.detail),
                })?;
            // What is whole now is read again, and checked like everything else.
            drop(opened);
            opened = open().await?;
        }
        let prepare = move || Prepared::new(options, configuration, me, opened);
        let prepared = blocking(prepare).await?;
        let listen = prepared.listening();
        // Its directory is ours by now, so it may be its predecessor that still holds the port.
        let endpoint = once_free(
            "the port",
            || std::future::ready(listen()),
            StartError::is_address_in_use,
        );
        let endpoint = endpoint.await?;
        prepared.start(endpoint)
    }
}

/// Tries again for as long as a predecessor may need to end, while that is what is in the way.
async fn once_free<T, F: Future<Output = Result<T, StartError>>>(
    what: &str,
    attempt: impl Fn() -> F,
    is_taken: impl Fn(&StartError) -> bool,
) -> Result<T, StartError> {
    let deadline = Instant::now() + HANDOVER;
    let mut told = false;
    loop {
        match attempt().await {
            Err(error) if is_taken(&error) && Instant::now() < deadline => {
                if !told {
                    tracing::info!(%error, "waiting until {what} is free");
                    told = true;
                }
                sleep(HANDOVER_LOOK).await;
            }
            done => return done,
        }
    }
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    let done = tokio::task::spawn_blocking(run).await;
    done.map_err(|error| StartError::System {
        what: "the start",
        reason: error.to_string(),
    })?
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
    behaviour: Option<Box<dyn Behaviour>>,
    timers: Timers,
    limits: Limits,
}

impl Prepared {
    fn new(
        options: NodeOptions,
        configuration: Arc<Configuration>,
        me: NodeId,
        mut opened: recovery::Opened,
    ) -> Result<Self, StartError> {
        let NodeOptions {
            genesis,
            key,
            data: _,
            listen,
            application,
            behaviour,
            client_checks: _,
            timers,
            limits,
            progress,
        } = options;
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
        let evidence = EvidenceStore::new(&opened.fold.evidence);
        let archive = Archive::create(&opened.index, application.applied());
        let archive = archive.map_err(StartError::index)?;
        let transaction_id = application.transaction_id();
        let mut digest = application.applied().digest;
        let shared = Shared::new(
            Hosted::new(application),
            configuration,
            me,
            Clock::start(),
            verification,
            transaction_id,
            pool,
            counters,
            Arc::clone(&opened.chain),
            evidence,
            Outcomes::new(archive),
        );
        shared.hosted.change(|application| {
            recovery::replay(&opened, application, &progress, |entry, applied| {
                let before = std::mem::replace(&mut digest, applied.applied.digest);
                let outcomes = EntryOutcomes::new(entry, before, applied);
                shared
                    .outcomes
                    .add(Arc::new(outcomes))
                    .map_err(StartError::index)
            })
        })?;
        let applied = shared.hosted.ask(|application| application.applied());
        shared
            .applied
            .store(applied.index.0, std::sync::atomic::Ordering::Relaxed);
        let restored = shared
            .hosted
            .ask(|application| recovery::restore(&opened, application, &shared.verification))?;
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

    /// Opens the socket.
    fn listening(&self) -> impl Fn() -> Result<Endpoint, StartError> + use<> {
        let Remaining {
            genesis,
            key,
            listen,
            limits,
            ..
        } = &self.options;
        let (genesis, key, listen) = (genesis.clone(), key.clone(), *listen);
        let (limits, shared) = (limits.clone(), Arc::clone(&self.shared));
        let accounts = shared.hosted.ask(|application| application.known_keys());
        move || {
            let (limits, accounts) = (limits.clone(), accounts.clone());
            listen_at(&genesis, &key, listen, limits, &shared, accounts)
        }
    }

    fn start(self, endpoint: Endpoint) -> Result<NodeHandle, StartError> {
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
            behaviour,
            timers,
            ..
        } = options;
        let endpoint = Arc::new(endpoint);
        let mesh = Mesh::start(&endpoint, &peers_of(&genesis));

        let (disk, writes) = disk_task::queue();
        let (work, works) = application_task::queue();
        let (reader, reads) = reading::queue();
        let (client_reads, client_jobs) = client_reads::queue();
        let disk_task = DiskTask {
            storage: opened.storage,
            chain: Arc::clone(&shared.chain),
            mailbox: Arc::clone(&shared.mailbox),
            counters: Arc::clone(&shared.counters),
            fatal: fatal.clone(),
        };
        let application_task = ApplicationTask {
            shared: Arc::clone(&shared),
            digest,
            waiting: VecDeque::new(),
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
        let (reader_shared, judge_shared) = (Arc::clone(&shared), Arc::clone(&shared));
        let answering_shared = Arc::clone(&shared);
        let answering = spawn("client-reader", &fatal, move || {
            client_jobs.run(&*answering_shared);
        })?;
        // The order in which they are joined: the later end when the earlier have.
        let threads = vec![
            spawn("replica", &fatal, move || replica_task.run())?,
            spawn("disk", &fatal, move || disk_task.run(&writes))?,
            spawn("reader", &fatal, move || {
                reading::run(&reader_shared, &reads)
            })?,
            spawn("judge", &fatal, move || judge_shared.bulk_judge.run())?,
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
            reads: client_reads,
        });
        let accepting = tokio::spawn(accept(Arc::clone(&endpoint), server));
        let running = Running {
            shared,
            endpoint,
            mesh,
            reporter,
            fatal,
            work,
        };
        Ok(NodeHandle::new(running, threads, accepting, answering))
    }
}

fn peers_of(genesis: &Genesis) -> Vec<Peer> {
    let peer = |validator: &keys::Validator| Peer {
        key: *validator.key.as_bytes(),
        address: validator.address,
    };
    genesis.validators().iter().map(peer).collect()
}
