//! Nodes, clients and misbehaving peers for the tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use ed25519_dalek::SigningKey;

use crate::hello::{PROTOCOL_VERSION, Role, say};
use crate::{
    Admission, ClientEndpoint, Endpoint, FrameReceiver, Hello, Identity, Incoming, Limits, Mesh,
    Network, Peer, PeerConnection, PeerKey, Refusal, RefusalReason, Session, Standing, quic, tls,
};

pub(super) const NETWORK: Network = Network {
    id: [1; 32],
    mode: 2,
};

/// Validators 1 to 9 and any client; clients of number 200 and beyond are strangers.
struct FirstNine;

impl Admission for FirstNine {
    fn admit(&self, key: PeerKey, hello: &Hello) -> Result<Standing, Refusal> {
        let known = (1..=9).any(|number| identity(number).public_key() == key);
        match hello.role {
            Role::Validator if !known => Err(Refusal::new(
                RefusalReason::UnknownKey,
                "no validator has this key",
            )),
            _ if (200..=255).any(|number| identity(number).public_key() == key) => {
                Ok(Standing::Stranger)
            }
            _ => Ok(Standing::Member),
        }
    }
}

pub(super) fn identity(number: u8) -> Identity {
    Identity::new(SigningKey::from_bytes(&[number; 32])).unwrap()
}

pub(super) fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

pub(super) fn node(number: u8) -> Endpoint {
    node_with(number, loopback(0), Limits::default())
}

pub(super) fn node_with(number: u8, address: SocketAddr, limits: Limits) -> Endpoint {
    Endpoint::bind(
        address,
        &identity(number),
        NETWORK,
        Arc::new(FirstNine),
        limits,
    )
    .unwrap()
}

pub(super) fn peer(endpoint: &Endpoint) -> Peer {
    Peer {
        key: endpoint.public_key(),
        address: endpoint.local_addr().unwrap(),
    }
}

/// The link from `from` to `to`, and its other end.
pub(super) async fn link(from: &Endpoint, to: &Endpoint) -> (Mesh, PeerConnection) {
    let mesh = Mesh::start(from, &[peer(to)]);
    (mesh, accept_validator(to).await)
}

pub(super) async fn accept_validator(endpoint: &Endpoint) -> PeerConnection {
    match endpoint.accept().await {
        Some(Incoming::Validator(connection)) => connection,
        other => panic!("expected a validator, not {other:?}"),
    }
}

pub(super) async fn accept_client(endpoint: &Endpoint) -> Session {
    match endpoint.accept().await {
        Some(Incoming::Client(session)) => session,
        other => panic!("expected a client, not {other:?}"),
    }
}

pub(super) fn client(number: u8) -> ClientEndpoint {
    client_of(number, NETWORK)
}

pub(super) fn client_of(number: u8, network: Network) -> ClientEndpoint {
    ClientEndpoint::bind(loopback(0), &identity(number), network, Limits::default()).unwrap()
}

pub(super) fn frame(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}

pub(super) async fn next(receiver: &mut FrameReceiver) -> Bytes {
    receiver.recv().await.unwrap().expect("the stream ended")
}

/// A QUIC connection that proves a key and leaves the rest of the protocol to the test.
pub(super) struct Raw {
    pub(super) connection: quinn::Connection,
    _quinn: quinn::Endpoint,
}

impl Raw {
    pub(super) async fn connect(identity: &Identity, to: &Endpoint) -> Self {
        let quinn = quic::dial_only(loopback(0)).unwrap();
        let Peer { key, address } = peer(to);
        let (config, _) = quic::client_config(identity, key, Role::Client).unwrap();
        let connection = quinn
            .connect_with(config, address, tls::SERVER_NAME)
            .unwrap()
            .await
            .unwrap();
        Self {
            connection,
            _quinn: quinn,
        }
    }

    /// A validator that has been admitted and has opened its streams, urgent first.
    pub(super) async fn validator(number: u8, to: &Endpoint) -> (Self, [quinn::SendStream; 2]) {
        let raw = Self::connect(&identity(number), to).await;
        let (mut send, mut receive) = raw.connection.open_bi().await.unwrap();
        say(&mut send, &hello(Role::Validator)).await.unwrap();
        let mut accepted = [0; 8];
        receive.read_exact(&mut accepted).await.unwrap();
        assert_eq!(accepted, [4, 0, 0, 0, 0, 0, 0, 0]);
        let mut urgent = raw.connection.open_uni().await.unwrap();
        urgent.write_all(&[0]).await.unwrap();
        let mut bulk = raw.connection.open_uni().await.unwrap();
        bulk.write_all(&[1]).await.unwrap();
        (raw, [urgent, bulk])
    }

    pub(super) async fn closed(&self) -> crate::Disconnect {
        self.connection.closed().await.into()
    }
}

pub(super) fn hello(role: Role) -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        network: NETWORK.id,
        mode: NETWORK.mode,
        role,
    }
}
