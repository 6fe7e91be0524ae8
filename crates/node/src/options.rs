//! What a node is started from.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use consensus::{
    ClientChecks, Configuration, Domain, Hash, Mode, PublicKey, Timers, mode::SizeError,
};
use keys::{Genesis, KeyPair};
use transport::Limits;

use crate::{application::Application, behaviour::Behaviour, starting::StartProgress};

/// What a node is started from.
pub struct NodeOptions {
    /// The network.
    pub genesis: Genesis,
    /// The node's key, one of the validators'.
    pub key: KeyPair,
    /// The directory of its durable stream: the one that genesis lists for the key, made by
    /// [`keys::Incarnation::create`] (P9.4).
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
    /// Where the node tells how far it is with its start.
    pub progress: Arc<StartProgress>,
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
            progress: Arc::default(),
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
