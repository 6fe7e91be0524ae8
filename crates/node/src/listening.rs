//! The socket of a node: opening it, and taking up connections.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use keys::{Genesis, KeyPair};
use tokio::task::JoinSet;
use transport::{Endpoint, Identity, Incoming, Limits, Network};

use crate::{
    access::Doorkeeper, application::KnownKeys, error::StartError, peers, session::Server,
    shared::Shared,
};

/// Opens the socket, where genesis says unless `listen` says otherwise.
pub(crate) fn listen_at(
    genesis: &Genesis,
    key: &KeyPair,
    listen: Option<SocketAddr>,
    limits: Limits,
    shared: &Shared,
    accounts: Option<Arc<dyn KnownKeys>>,
) -> Result<Endpoint, StartError> {
    let port = genesis.validators()[shared.me.position()].address.port();
    let address = listen.unwrap_or((IpAddr::V4(Ipv4Addr::LOCALHOST), port).into());
    let network = Network {
        id: genesis.id(),
        mode: shared.configuration.mode().number(),
    };
    let configuration = Arc::clone(&shared.configuration);
    let doorkeeper = Arc::new(Doorkeeper::new(genesis, configuration, accounts));
    let identity = Identity::new(key.signing_key().clone())?;
    Endpoint::bind(address, &identity, network, doorkeeper, limits)
        .map_err(|source| StartError::Listen { address, source })
}

/// Takes up connections until the endpoint is closed and every session has ended.
pub(crate) async fn accept(endpoint: Arc<Endpoint>, server: Arc<Server>) {
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
