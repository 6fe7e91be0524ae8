//! The client's handle.

use std::{net::SocketAddr, sync::Arc};

use consensus::NodeId;
use keys::{Genesis, KeyPair};
use node::{configuration, frames::ClientFrame};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Duration, Instant},
};
use transport::{ClientEndpoint, Identity, Limits, Network, dialling_from};

use crate::{
    error::ClientError,
    link::{self, Link},
    load::{Completion, Load, LoadOptions},
    questions::Asked,
    requests::{Outcome, Pace, SignedRequest, Teller, Wait},
    resend,
    shared::Shared,
};

/// How long a first request waits for connections before it is sent to whoever is there.
const SETTLE: Duration = Duration::from_millis(300);
/// Largest payload that is sent, with room for its frame.
const PAYLOAD_BYTES: usize = consensus::limits::PAYLOAD_BYTES;

/// What may be other than usual.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Where the validators are, in order, if not where genesis says.
    pub addresses: Option<Vec<SocketAddr>>,
    /// Without an answer for this long a request goes to all nodes, and again each time, from then
    /// on with a complaint (P1.5, P6.2).
    pub resend: Duration,
    /// Bounds of the connections.
    pub limits: Limits,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            addresses: None,
            resend: Duration::from_secs(1),
            limits: Limits::default(),
        }
    }
}

/// A client of one network. Cheap to clone; the connections end with the last clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    resend: Duration,
    _tasks: Arc<Tasks>,
}

struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Client {
    /// Starts to connect to all validators of `genesis`, in the background. Must run inside a
    /// tokio runtime. `key` proves who this client is; any key will do.
    ///
    /// # Errors
    /// [`ClientError::Size`] or [`ClientError::Local`]. That nodes are away is no error here.
    pub fn connect(genesis: &Genesis, key: &KeyPair) -> Result<Self, ClientError> {
        Self::connect_with(genesis, key, ClientOptions::default())
    }

    /// As [`Client::connect`], with options.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn connect_with(
        genesis: &Genesis,
        key: &KeyPair,
        options: ClientOptions,
    ) -> Result<Self, ClientError> {
        let configuration = Arc::new(configuration(genesis, None)?);
        let local = |error: &dyn std::fmt::Display| ClientError::Local(error.to_string());
        let identity = Identity::new(key.signing_key().clone()).map_err(|error| local(&error))?;
        let links: Vec<Link> = configuration
            .sizes()
            .nodes()
            .zip(genesis.validators())
            .map(|(node, validator)| {
                let given = options.addresses.as_ref();
                let given = given.and_then(|addresses| addresses.get(node.position()));
                let address = given.copied().unwrap_or(validator.address);
                Link::new(
                    node,
                    validator.name.clone(),
                    address,
                    *validator.key.as_bytes(),
                )
            })
            .collect();
        let from = dialling_from(links.iter().map(|link| link.address));
        let network = Network {
            id: genesis.id(),
            mode: configuration.mode().number(),
        };
        let endpoint = ClientEndpoint::bind(from, &identity, network, options.limits)
            .map_err(|error| local(&error))?;
        let endpoint = Arc::new(endpoint);
        let nodes: Vec<NodeId> = links.iter().map(|link| link.node).collect();
        let shared = Arc::new(Shared::new(configuration, key.clone(), links));
        let mut tasks = vec![tokio::spawn(resend::run(Arc::downgrade(&shared)))];
        for node in nodes {
            let run = link::run(Arc::downgrade(&shared), Arc::clone(&endpoint), node);
            tasks.push(tokio::spawn(run));
        }
        Ok(Self {
            shared,
            resend: options.resend,
            _tasks: Arc::new(Tasks(tasks)),
        })
    }

    /// Sends a request and waits for its outcome: to the leader first, after a second to all, then
    /// with complaints (P6.2).
    ///
    /// # Errors
    /// [`ClientError::OutcomeUnknown`] or [`ClientError::NoQuorum`] when the time is over; then
    /// repeating the same request is safe. [`ClientError::Invalid`], [`ClientError::NotAdmitted`],
    /// [`ClientError::TooLarge`], [`ClientError::UnderWay`].
    pub async fn submit_and_wait(
        &self,
        request: SignedRequest,
        wait: Wait,
        timeout: Duration,
    ) -> Result<Outcome, ClientError> {
        if request.payload.len() > PAYLOAD_BYTES {
            return Err(ClientError::TooLarge(request.payload.len()));
        }
        let start = Instant::now();
        self.shared.watch(&[request.key.account]);
        self.shared.settle(SETTLE.min(timeout)).await;
        let pace = Pace {
            wait,
            needed: self.shared.matching(),
            resend: self.resend,
            complain: true,
            eager: true,
            timeout: timeout.saturating_sub(start.elapsed()),
        };
        let (sender, outcome) = oneshot::channel();
        let id = self.begin(Arc::new(request), pace, Teller::One(sender));
        let _abandon = Abandon {
            shared: &self.shared,
            id,
        };
        // The sender lives until the request is over.
        outcome
            .await
            .unwrap_or_else(|_| Err(ClientError::Local("the client stopped".to_owned())))
    }

    pub(crate) fn begin(&self, request: Arc<SignedRequest>, pace: Pace, teller: Teller) -> u64 {
        let id = self.shared.next_id();
        let begun = self
            .shared
            .requests()
            .begin(id, request, pace, Instant::now(), teller);
        match begun {
            Ok(step) => self.shared.step(&step),
            Err(done) => done.tell(),
        }
        id
    }

    /// Has all nodes send the outcomes of these accounts ([`consensus::RequestKey::account`]).
    /// [`Client::submit_and_wait`] does it by itself; a load wants it before it starts.
    pub fn watch(&self, accounts: &[[u8; 32]]) {
        self.shared.watch(accounts);
    }

    /// Keeps many requests under way; `on_completion` is called for each on the network's tasks
    /// and must be quick.
    #[must_use]
    pub fn load(
        &self,
        options: LoadOptions,
        on_completion: impl Fn(Completion) + Send + Sync + 'static,
    ) -> Load {
        Load::new(self.clone(), options, Arc::new(on_completion))
    }

    /// Waits until `nodes` nodes are connected, at most for `timeout`. Returns how many are.
    pub async fn wait_connected(&self, nodes: usize, timeout: Duration) -> usize {
        let deadline = Instant::now() + timeout;
        self.shared
            .wait_for_links(deadline, |shared| shared.reachable() >= nodes)
            .await;
        self.shared.reachable()
    }

    /// The leader that most nodes name.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.shared.leader()
    }

    pub(crate) fn ask_all(&self, question: impl Fn(u64) -> ClientFrame) -> Asked {
        Asked::ask(
            &self.shared,
            self.shared.links.iter().map(|link| link.node),
            question,
        )
    }

    /// Too few nodes, or too few equal answers.
    pub(crate) fn no_match(&self, answers: usize, needed: usize) -> ClientError {
        if self.shared.reachable() < needed {
            return self.shared.no_quorum(needed);
        }
        ClientError::NoMatch { answers, needed }
    }

    /// Waits until every node is either connected or known to be away, at most a second.
    pub(crate) async fn wait_settled(&self, deadline: Instant) {
        let deadline = deadline.min(Instant::now() + Duration::from_secs(1));
        let settled = |shared: &Shared| shared.links.iter().all(Link::is_settled);
        self.shared.wait_for_links(deadline, settled).await;
    }

    /// Waits for as many nodes as must agree, and a moment longer for the others.
    pub(crate) async fn settle_for_question(&self, deadline: Instant) -> Result<(), ClientError> {
        let needed = self.shared.matching();
        self.shared
            .wait_for_links(deadline, |shared| shared.reachable() >= needed)
            .await;
        if self.shared.reachable() < needed {
            return Err(self.shared.no_quorum(needed));
        }
        let moment = deadline.min(Instant::now() + Duration::from_millis(100));
        let settled = |shared: &Shared| shared.links.iter().all(Link::is_settled);
        self.shared.wait_for_links(moment, settled).await;
        Ok(())
    }
}

/// Forgets a request whose waiter has gone.
struct Abandon<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.shared.requests().abandon(self.id);
    }
}
