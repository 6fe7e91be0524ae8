//! Taking up connections: limits first, then the proof, then the hello, then the policy.

use std::fmt;
use std::sync::Arc;

use quinn::{Connection, RecvStream, SendStream, VarInt};
use rustls::pki_types::CertificateDer;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, info};

use crate::admission::{Admission, Refusal, Standing};
use crate::close::{CloseCode, Disconnect};
use crate::endpoint::{Incoming, PeerConnection};
use crate::error::ReceiveError;
use crate::frame::{Class, FrameReader};
use crate::hello::{Hello, Network, Reply, Role, say};
use crate::identity::{PeerKey, Short};
use crate::limits::{Limits, MAX_HELLO_FRAME, VALIDATOR_RECEIVE_WINDOW};
use crate::origin::Origin;
use crate::receive::{FrameReceiver, Lease};
use crate::registry::Registry;
use crate::session::{Channel, Session, SessionSender, SessionsMemory};
use crate::shutdown::Shutdown;
use crate::tls;

pub(crate) struct Listener {
    pub(crate) quinn: quinn::Endpoint,
    pub(crate) network: Network,
    pub(crate) limits: Limits,
    pub(crate) admission: Arc<dyn Admission>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) session_memory: SessionsMemory,
    pub(crate) shutdown: Shutdown,
}

/// Why a connection did not get past the hello.
enum Unwelcome {
    Refused(Refusal),
    Closed(CloseCode, String),
    Lost(Disconnect),
}

impl fmt::Display for Unwelcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(formatter, "refused, {refusal}"),
            Self::Closed(code, detail) => write!(formatter, "{code}: {detail}"),
            Self::Lost(disconnect) => write!(formatter, "{disconnect}"),
        }
    }
}

impl Listener {
    /// Takes up connections until the endpoint stops.
    pub(crate) async fn run(self: Arc<Self>, accepted: mpsc::Sender<Incoming>) {
        let places = Arc::new(Semaphore::new(self.limits.max_handshakes));
        loop {
            let attempt = tokio::select! {
                attempt = self.quinn.accept() => attempt,
                () = self.shutdown.requested() => None,
            };
            let Some(attempt) = attempt else { return };
            let Ok(place) = places.clone().try_acquire_owned() else {
                attempt.refuse();
                continue;
            };
            let busy = places.available_permits() < self.limits.max_handshakes / 2;
            if busy && attempt.may_retry() && !attempt.remote_address_validated() {
                // Fails only if this attempt is a retry already, which was just ruled out.
                let _ = attempt.retry();
                continue;
            }
            let (listener, accepted) = (self.clone(), accepted.clone());
            tokio::spawn(async move {
                listener.take_up(attempt, accepted).await;
                drop(place);
            });
        }
    }

    async fn take_up(&self, attempt: quinn::Incoming, accepted: mpsc::Sender<Incoming>) {
        let address = attempt.remote_address();
        let deadline = Instant::now() + self.limits.hello_timeout;
        let connection = match timeout_at(deadline, attempt).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return debug!(%address, %error, "handshake failed"),
            Err(_) => return debug!(%address, "handshake not completed in time"),
        };
        let late = || {
            Err(Unwelcome::Closed(
                CloseCode::HelloTimeout,
                "nothing said".to_owned(),
            ))
        };
        let greeted = timeout_at(deadline, self.greet(&connection))
            .await
            .unwrap_or_else(|_| late());
        match greeted {
            Ok(incoming) => {
                if accepted
                    .send_timeout(incoming, self.limits.hello_timeout)
                    .await
                    .is_err()
                {
                    CloseCode::Overloaded.close(&connection);
                }
            }
            Err(unwelcome) => {
                info!(%address, %unwelcome, "connection not taken up");
                let code = match unwelcome {
                    Unwelcome::Refused(_) => {
                        // Closing at once could overtake the reply. An honest peer closes first.
                        let _ = timeout(self.limits.hello_timeout, connection.closed()).await;
                        CloseCode::Refused
                    }
                    Unwelcome::Closed(code, _) => code,
                    Unwelcome::Lost(_) => return,
                };
                code.close(&connection);
            }
        }
    }

    async fn greet(&self, connection: &Connection) -> Result<Incoming, Unwelcome> {
        let key = proven_key(connection)?;
        let (mut send, receive) = connection.accept_bi().await.map_err(lost)?;
        let mut reader = FrameReader::new(receive, MAX_HELLO_FRAME, self.limits.frame_timeout);
        let (hello, standing) = match self.judge(key, &read_hello(&mut reader).await?)? {
            Ok(admitted) => admitted,
            Err(refusal) => return Err(refuse(&mut send, refusal).await),
        };
        match hello.role {
            Role::Client => {
                let origin = Origin::of(standing, key, connection.remote_address());
                let client = (key, origin);
                self.welcome_client(connection, client, send, reader).await
            }
            Role::Validator => self.welcome_validator(connection, key, send).await,
        }
    }

    fn judge(
        &self,
        key: PeerKey,
        bytes: &[u8],
    ) -> Result<Result<(Hello, Standing), Refusal>, Unwelcome> {
        let hello = Hello::check(bytes, &self.network).map_err(malformed)?;
        Ok(hello.and_then(|hello| {
            let standing = self.admission.admit(key, &hello)?;
            Ok((hello, standing))
        }))
    }

    async fn welcome_client(
        &self,
        connection: &Connection,
        (key, origin): (PeerKey, Origin),
        mut send: SendStream,
        reader: FrameReader,
    ) -> Result<Incoming, Unwelcome> {
        let place = match self.registry.enter_client(origin, &self.limits) {
            Ok(place) => place,
            Err(refusal) => return Err(refuse(&mut send, refusal).await),
        };
        say(&mut send, &Reply::Accepted).await.map_err(malformed)?;
        let (channel, receiver) = Channel::open(
            connection.clone(),
            send,
            reader,
            self.limits.session_queue,
            self.registry.client_meter(),
            self.shutdown.clone(),
            Some((place, self.session_memory.of(&origin))),
        );
        let remote_address = connection.remote_address();
        let sender = SessionSender::new(channel);
        Ok(Incoming::Client(Session {
            key,
            origin,
            remote_address,
            sender,
            receiver,
        }))
    }

    async fn welcome_validator(
        &self,
        connection: &Connection,
        key: PeerKey,
        mut send: SendStream,
    ) -> Result<Incoming, Unwelcome> {
        connection.set_receive_window(VarInt::from_u32(VALIDATOR_RECEIVE_WINDOW));
        connection.set_max_concurrent_uni_streams(VarInt::from_u32(Class::ALL.len() as u32));
        say(&mut send, &Reply::Accepted).await.map_err(malformed)?;
        let (urgent, bulk) = accept_class_streams(connection).await?;
        let lease = Arc::new(Lease {
            connection: connection.clone(),
            outgoing: None,
        });
        let meter = self.registry.validator_meter(key);
        let receiver = |stream, class: Class| {
            let reader = FrameReader::new(stream, class.max_frame(), self.limits.frame_timeout);
            FrameReceiver::new(reader, lease.clone(), meter.clone())
        };
        let peer = PeerConnection {
            key,
            remote_address: connection.remote_address(),
            urgent: receiver(urgent, Class::Urgent),
            bulk: receiver(bulk, Class::Bulk),
        };
        self.registry.enter_validator(key, connection);
        let (registry, connection) = (self.registry.clone(), connection.clone());
        tokio::spawn(async move {
            let ended = Disconnect::from(connection.closed().await);
            debug!(peer = %Short(&key), %ended, "incoming connection ended");
            registry.leave_validator(&key, &connection);
        });
        Ok(Incoming::Validator(peer))
    }
}

fn proven_key(connection: &Connection) -> Result<PeerKey, Unwelcome> {
    let chain = connection
        .peer_identity()
        .and_then(|identity| identity.downcast::<Vec<CertificateDer<'static>>>().ok());
    // The verifier demanded and read the same certificate, so both failures are impossible; a
    // refusal is still cheaper than a panic.
    chain
        .and_then(|chain| tls::certificate_key(chain.first()?).ok())
        .ok_or_else(|| Unwelcome::Closed(CloseCode::MalformedHello, "no certificate".to_owned()))
}

async fn read_hello(reader: &mut FrameReader) -> Result<bytes::Bytes, Unwelcome> {
    match reader.next().await {
        Ok(Some(hello)) => Ok(hello),
        Ok(None) => Err(malformed("none")),
        Err(ReceiveError::Disconnected(disconnect)) => Err(Unwelcome::Lost(disconnect)),
        Err(other) => Err(malformed(other)),
    }
}

async fn refuse(send: &mut SendStream, refusal: Refusal) -> Unwelcome {
    match say(send, &Reply::Refused(refusal.clone())).await {
        Ok(()) => {
            // Fails only if the stream was ended before, and nobody else holds it.
            let _ = send.finish();
            Unwelcome::Refused(refusal)
        }
        Err(error) => malformed(error),
    }
}

/// The dialler opens one stream per class, each beginning with the tag of its class.
async fn accept_class_streams(
    connection: &Connection,
) -> Result<(RecvStream, RecvStream), Unwelcome> {
    let mut streams = Class::ALL.map(|_| None);
    for _ in Class::ALL {
        let mut stream = connection.accept_uni().await.map_err(lost)?;
        let mut tag = [0];
        stream.read_exact(&mut tag).await.map_err(unexpected)?;
        match streams.get_mut(usize::from(tag[0])) {
            Some(place @ None) => *place = Some(stream),
            _ => return Err(unexpected(format!("tag {}", tag[0]))),
        }
    }
    match streams {
        [Some(urgent), Some(bulk)] => Ok((urgent, bulk)),
        _ => Err(unexpected("a class is missing")),
    }
}

fn lost(error: quinn::ConnectionError) -> Unwelcome {
    Unwelcome::Lost(error.into())
}

fn malformed(detail: impl fmt::Display) -> Unwelcome {
    Unwelcome::Closed(CloseCode::MalformedHello, detail.to_string())
}

fn unexpected(detail: impl fmt::Display) -> Unwelcome {
    Unwelcome::Closed(CloseCode::UnexpectedStream, detail.to_string())
}
