//! A client's side: dials nodes with its own key.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::close::Disconnect;
use crate::counters::Meter;
use crate::dial::{Dialled, Dialler};
use crate::error::{BindError, ConnectError, ReceiveError, SessionError};
use crate::hello::{Network, Role};
use crate::identity::{Identity, PeerKey};
use crate::limits::Limits;
use crate::queue::Refused;
use crate::quic;
use crate::receive::FrameReceiver;
use crate::session::{Channel, check_size};
use crate::shutdown::Shutdown;

/// A UDP socket from which a client dials any number of nodes. Connections outlive it.
#[derive(Debug)]
pub struct ClientEndpoint {
    quinn: quinn::Endpoint,
    dialler: Dialler,
    limits: Limits,
}

impl ClientEndpoint {
    /// Opens a socket at `local`, for instance `0.0.0.0:0`. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`] if the socket cannot be opened.
    pub fn bind(
        local: SocketAddr,
        identity: &Identity,
        network: Network,
        limits: Limits,
    ) -> Result<Self, BindError> {
        let quinn = quic::dial_only(local)?;
        let dialler = Dialler::new(
            quinn.clone(),
            identity.clone(),
            network,
            Role::Client,
            &limits,
        );
        Ok(Self {
            quinn,
            dialler,
            limits,
        })
    }

    /// Dials the node with key `server` at `address`, proves our key and waits until we are let in.
    ///
    /// # Errors
    /// [`ConnectError`]: nobody there, someone else there, or refused.
    pub async fn connect(
        &self,
        address: SocketAddr,
        server: PeerKey,
    ) -> Result<ClientConnection, ConnectError> {
        let Dialled {
            connection,
            send,
            reader,
        } = self.dialler.dial(address, server).await?;
        let limit = self.limits.client_queue;
        let (meter, shutdown) = (Meter::default(), Shutdown::new());
        let (channel, receiver) =
            Channel::open(connection, send, reader, limit, meter, shutdown, None);
        Ok(ClientConnection {
            server,
            sender: ClientSender { channel },
            receiver,
        })
    }

    /// The address of the socket.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.quinn.local_addr()
    }
}

/// A connection to one node. It ends when both halves, and all clones of the sender, are dropped;
/// what is queued is sent before.
#[derive(Debug)]
pub struct ClientConnection {
    server: PeerKey,
    sender: ClientSender,
    receiver: FrameReceiver,
}

impl ClientConnection {
    /// The node's proven key.
    #[must_use]
    pub fn server(&self) -> PeerKey {
        self.server
    }

    /// See [`ClientSender::send`].
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn send(&self, frame: Bytes) -> Result<(), SessionError> {
        self.sender.send(frame).await
    }

    /// The next frame from the node, or `None` if it ended the connection after a whole frame.
    /// Cancelling loses nothing.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub async fn recv(&mut self) -> Result<Option<Bytes>, ReceiveError> {
        self.receiver.recv().await
    }

    /// The two directions, to be used by two tasks.
    #[must_use]
    pub fn split(self) -> (ClientSender, FrameReceiver) {
        (self.sender, self.receiver)
    }

    /// Sends what is queued, waits until it has arrived (at most
    /// [`FLUSH_TIMEOUT`](crate::limits::FLUSH_TIMEOUT)), and ends the connection.
    pub async fn close(self) -> Disconnect {
        let connection = self.sender.channel.lease.connection.clone();
        self.sender.channel.queue.close();
        connection.closed().await.into()
    }
}

/// Sends frames to one node; cheap to clone.
#[derive(Debug, Clone)]
pub struct ClientSender {
    channel: Channel,
}

impl ClientSender {
    /// Queues a frame, waiting while the queue is full.
    ///
    /// # Errors
    /// [`SessionError`] if the frame is no frame or the connection has ended. A frame that was
    /// taken may still be lost with the connection.
    pub async fn send(&self, frame: Bytes) -> Result<(), SessionError> {
        check_size(&frame)?;
        match self.channel.queue.push_wait(frame).await {
            Ok(()) => Ok(()),
            Err(Refused::Full | Refused::Offline | Refused::Closed) => {
                Err(SessionError::Disconnected(self.channel.disconnect()))
            }
        }
    }

    /// Waits until the connection has ended and says how.
    pub async fn closed(&self) -> Disconnect {
        self.channel.lease.connection.closed().await.into()
    }
}
