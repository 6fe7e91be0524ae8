//! A node's UDP socket: listens, and is what the [`Mesh`](crate::Mesh) dials from.

use std::net::SocketAddr;
use std::sync::Arc;

use quinn::VarInt;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

use crate::admission::Admission;
use crate::close::CloseCode;
use crate::counters::Traffic;
use crate::dial::Dialler;
use crate::error::BindError;
use crate::hello::{Network, Role};
use crate::identity::{Identity, PeerKey};
use crate::limits::{FLUSH_TIMEOUT, Limits};
use crate::listener::Listener;
use crate::quic;
use crate::receive::FrameReceiver;
use crate::registry::Registry;
use crate::session::{Session, SessionsMemory};
use crate::shutdown::Shutdown;

/// Listens for validators and clients.
///
/// Dropping it ends all its connections and links; [`close`](Self::close) does so after what is
/// queued has been sent.
#[derive(Debug)]
pub struct Endpoint {
    quinn: quinn::Endpoint,
    identity: Identity,
    network: Network,
    limits: Limits,
    registry: Arc<Registry>,
    shutdown: Shutdown,
    accepted: Mutex<mpsc::Receiver<Incoming>>,
}

/// A connection that proved its key and was admitted.
#[derive(Debug)]
pub enum Incoming {
    /// Another validator, which will send on this connection. If it had one before, that one is
    /// closed ([`CloseCode::Replaced`]).
    Validator(PeerConnection),
    /// A client.
    Client(Session),
}

/// What another validator sends us. The connection ends when both receivers are dropped.
#[derive(Debug)]
pub struct PeerConnection {
    /// The validator's proven key.
    pub key: PeerKey,
    /// Where it dialled from.
    pub remote_address: SocketAddr,
    /// Its frames of [`Class::Urgent`](crate::Class::Urgent).
    pub urgent: FrameReceiver,
    /// Its frames of [`Class::Bulk`](crate::Class::Bulk).
    pub bulk: FrameReceiver,
}

impl Endpoint {
    /// Opens a socket at `listen` (port 0: any free one) and takes up connections. Must run inside
    /// a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] if the socket cannot be opened.
    pub fn bind(
        listen: SocketAddr,
        identity: &Identity,
        network: Network,
        admission: Arc<dyn Admission>,
        limits: Limits,
    ) -> Result<Self, BindError> {
        let quinn = quic::listen(listen, identity, &limits)?;
        let registry = Arc::new(Registry::default());
        let shutdown = Shutdown::new();
        let (sender, accepted) = mpsc::channel(limits.max_unaccepted.max(1));
        let listener = Arc::new(Listener {
            quinn: quinn.clone(),
            network,
            limits: limits.clone(),
            admission,
            registry: registry.clone(),
            session_memory: SessionsMemory::new(&limits),
            shutdown: shutdown.clone(),
        });
        tokio::spawn(listener.run(sender));
        let (identity, accepted) = (identity.clone(), Mutex::new(accepted));
        Ok(Self {
            quinn,
            identity,
            network,
            limits,
            registry,
            shutdown,
            accepted,
        })
    }

    /// The next admitted connection, or `None` once the endpoint is closed. Cancelling loses
    /// nothing.
    pub async fn accept(&self) -> Option<Incoming> {
        self.accepted.lock().await.recv().await
    }

    /// The address of the socket, with its actual port.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.quinn.local_addr()
    }

    /// Our own key.
    #[must_use]
    pub fn public_key(&self) -> PeerKey {
        self.identity.public_key()
    }

    /// Everything sent and received so far, validators and clients together.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.registry.total().read()
    }

    /// What was exchanged with one validator over all its connections; nothing for other keys.
    #[must_use]
    pub fn peer_traffic(&self, key: &PeerKey) -> Traffic {
        self.registry
            .peer(key)
            .map(|counters| counters.read())
            .unwrap_or_default()
    }

    /// Takes up nothing more, sends what is queued to validators and clients, waits until it has
    /// arrived (at most [`FLUSH_TIMEOUT`] for each step), and ends all connections.
    pub async fn close(&self) {
        // Whoever dials from now on hears nothing, and repeats it to whoever listens here next. To
        // refuse it would say that there are too many.
        self.quinn.set_server_config(None);
        self.shutdown.request();
        let _ = timeout(FLUSH_TIMEOUT, self.shutdown.all_finished()).await;
        self.end_connections();
        let _ = timeout(FLUSH_TIMEOUT, self.quinn.wait_idle()).await;
    }

    pub(crate) fn dialler(&self) -> Dialler {
        let (quinn, identity) = (self.quinn.clone(), self.identity.clone());
        Dialler::new(quinn, identity, self.network, Role::Validator, &self.limits)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    fn end_connections(&self) {
        let code = CloseCode::ShuttingDown;
        self.registry.close_validators(code);
        self.quinn
            .close(VarInt::from_u32(code as u32), code.to_string().as_bytes());
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shutdown.request();
        self.end_connections();
    }
}
