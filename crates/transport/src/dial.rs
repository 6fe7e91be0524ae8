//! Dialling: connect, prove, say hello, hear the reply.

use std::net::SocketAddr;
use std::time::Duration;

use quinn::{Connection, SendStream};
use tokio::time::timeout;

use crate::admission::{Refusal, RefusalReason};
use crate::close::{CloseCode, Disconnect};
use crate::codec;
use crate::error::{ConnectError, ReceiveError};
use crate::frame::FrameReader;
use crate::hello::{Hello, Network, PROTOCOL_VERSION, Reply, Role, SayError, say};
use crate::identity::{Identity, PeerKey};
use crate::limits::{Limits, MAX_HELLO_FRAME};
use crate::write::write_failure;
use crate::{quic, tls};

/// Everything needed to dial a peer.
#[derive(Debug, Clone)]
pub(crate) struct Dialler {
    quinn: quinn::Endpoint,
    identity: Identity,
    hello: Hello,
    hello_timeout: Duration,
    frame_timeout: Duration,
}

/// A connection that was accepted, with the stream on which that was said.
pub(crate) struct Dialled {
    pub(crate) connection: Connection,
    pub(crate) send: SendStream,
    pub(crate) reader: FrameReader,
}

impl Dialler {
    pub(crate) fn new(
        quinn: quinn::Endpoint,
        identity: Identity,
        network: Network,
        role: Role,
        limits: &Limits,
    ) -> Self {
        let hello = Hello {
            version: PROTOCOL_VERSION,
            network: network.id,
            mode: network.mode,
            role,
        };
        let Limits {
            hello_timeout,
            frame_timeout,
            ..
        } = *limits;
        Self {
            quinn,
            identity,
            hello,
            hello_timeout,
            frame_timeout,
        }
    }

    /// Dials the holder of `key` at `address`. Cancelling abandons the attempt.
    pub(crate) async fn dial(
        &self,
        address: SocketAddr,
        key: PeerKey,
    ) -> Result<Dialled, ConnectError> {
        let attempt = async {
            let connection = self.connect(address, key).await?;
            self.greet(connection).await
        };
        timeout(self.hello_timeout, attempt)
            .await
            .unwrap_or(Err(ConnectError::Timeout))
    }

    async fn connect(&self, address: SocketAddr, key: PeerKey) -> Result<Connection, ConnectError> {
        let (config, presented) = quic::client_config(&self.identity, key, self.hello.role)
            .map_err(ConnectError::Undialable)?;
        let connecting = self
            .quinn
            .connect_with(config, address, tls::SERVER_NAME)
            .map_err(|error| ConnectError::Undialable(error.to_string()))?;
        connecting.await.map_err(|error| match presented.get() {
            Some(presented) if *presented != key => ConnectError::WrongKey {
                expected: key,
                presented: *presented,
            },
            _ => disconnected(error.into()),
        })
    }

    async fn greet(&self, connection: Connection) -> Result<Dialled, ConnectError> {
        let (mut send, receive) = connection
            .open_bi()
            .await
            .map_err(|error| disconnected(error.into()))?;
        say(&mut send, &self.hello)
            .await
            .map_err(|error| match error {
                SayError::Codec(error) => ConnectError::Undialable(error.to_string()),
                SayError::Write(error) => disconnected(write_failure(error)),
            })?;
        let mut reader = FrameReader::new(receive, MAX_HELLO_FRAME, self.frame_timeout);
        match read_reply(&mut reader).await {
            Ok(Reply::Accepted) => Ok(Dialled {
                connection,
                send,
                reader,
            }),
            Ok(Reply::Refused(refusal)) => {
                CloseCode::Done.close(&connection);
                Err(ConnectError::Refused(Refusal::new(
                    refusal.reason,
                    refusal.text,
                )))
            }
            Err(error) => {
                CloseCode::MalformedHello.close(&connection);
                Err(error)
            }
        }
    }
}

async fn read_reply(reader: &mut FrameReader) -> Result<Reply, ConnectError> {
    let frame = reader.next().await.map_err(|error| match error {
        ReceiveError::Disconnected(disconnect) => disconnected(disconnect),
        other => ConnectError::MalformedReply(other.to_string()),
    })?;
    let frame = frame.ok_or_else(|| ConnectError::MalformedReply("none".to_owned()))?;
    codec::decode::<_, MAX_HELLO_FRAME>(&frame)
        .map_err(|error| ConnectError::MalformedReply(error.to_string()))
}

/// Some refusals are said by QUIC instead of a reply.
fn disconnected(disconnect: Disconnect) -> ConnectError {
    match disconnect {
        Disconnect::Busy | Disconnect::ByPeer(Some(CloseCode::Overloaded)) => {
            let text = disconnect.to_string();
            ConnectError::Refused(Refusal::new(RefusalReason::TooManyConnections, text))
        }
        Disconnect::ByPeer(Some(CloseCode::HelloTimeout)) => ConnectError::Timeout,
        other => ConnectError::Disconnected(other),
    }
}
