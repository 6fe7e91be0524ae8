//! QUIC set up with our bounds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, EndpointConfig, IdleTimeout, ServerConfig, TransportConfig,
    ValidationTokenConfig, VarInt,
};
use quinn_proto::HashedConnectionIdGenerator;
use ring::hmac;
use socket2::{Domain, Protocol, Socket, Type};

use crate::error::BindError;
use crate::hello::Role;
use crate::identity::{Identity, PeerKey};
use crate::limits::{
    ATTEMPT_BUFFER, CLIENT_IDLE_TIMEOUT, KEEP_ALIVE, Limits, MAX_STREAMS_BEFORE_HELLO, SEND_WINDOW,
    SESSION_SEND_WINDOW, STREAM_RECEIVE_WINDOW, UDP_BUFFER, UNPROVEN_RECEIVE_WINDOW,
    VALIDATOR_IDLE_TIMEOUT,
};
use crate::tls::{self, Presented};

/// Until the first measurement. Lower than QUIC's default of 333 ms, so that a first packet lost
/// to a node that is just starting is repeated after 300 ms instead of a second.
const INITIAL_ROUND_TRIP: Duration = Duration::from_millis(100);

/// Opens an endpoint that dials and listens.
pub(crate) fn listen(
    address: SocketAddr,
    identity: &Identity,
    limits: &Limits,
) -> Result<quinn::Endpoint, BindError> {
    let crypto = tls::server_config(identity).map_err(|error| BindError::Tls(error.to_string()))?;
    let crypto =
        QuicServerConfig::try_from(crypto).map_err(|error| BindError::Tls(error.to_string()))?;
    let mut server = ServerConfig::with_crypto(Arc::new(crypto));
    server
        .transport_config(Arc::new(listener_transport()))
        .migration(false)
        .max_incoming(limits.max_handshakes)
        .incoming_buffer_size(ATTEMPT_BUFFER)
        .incoming_buffer_size_total(ATTEMPT_BUFFER * limits.max_handshakes as u64);
    // Tokens for later connections are of no use without resumption.
    let mut tokens = ValidationTokenConfig::default();
    tokens.sent(0);
    server.validation_token_config(tokens);
    open(endpoint_config(identity), Some(server), address)
}

/// Where a socket is opened that dials these addresses: on the interfaces of all, in the family that
/// reaches each of them; on the loopback interface if that is enough.
#[must_use]
pub fn dialling_from(addresses: impl Iterator<Item = SocketAddr> + Clone) -> SocketAddr {
    let loopback = addresses.clone().all(|address| address.ip().is_loopback());
    let six = addresses.clone().any(|address| address.is_ipv6());
    let four = addresses.clone().any(|address| address.is_ipv4());
    let local: IpAddr = match (six, loopback) {
        // Four is reached from a socket of all interfaces of six, not from its loopback address.
        (true, true) if !four => Ipv6Addr::LOCALHOST.into(),
        (true, _) => Ipv6Addr::UNSPECIFIED.into(),
        (false, true) => Ipv4Addr::LOCALHOST.into(),
        (false, false) => Ipv4Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(local, 0)
}

/// Opens an endpoint that only dials.
pub(crate) fn dial_only(address: SocketAddr) -> Result<quinn::Endpoint, BindError> {
    open(EndpointConfig::default(), None, address)
}

/// For dialling the holder of `expected`.
pub(crate) fn client_config(
    identity: &Identity,
    expected: PeerKey,
    role: Role,
) -> Result<(ClientConfig, Presented), String> {
    let (crypto, presented) =
        tls::client_config(identity, expected).map_err(|error| error.to_string())?;
    let crypto = QuicClientConfig::try_from(crypto).map_err(|error| error.to_string())?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(dialler_transport(role)));
    Ok((config, presented))
}

fn open(
    config: EndpointConfig,
    server: Option<ServerConfig>,
    address: SocketAddr,
) -> Result<quinn::Endpoint, BindError> {
    let runtime =
        quinn::default_runtime().ok_or_else(|| std::io::Error::other("no tokio runtime"))?;
    Ok(quinn::Endpoint::new(
        config,
        server,
        open_socket(address)?,
        runtime,
    )?)
}

fn open_socket(address: SocketAddr) -> std::io::Result<std::net::UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    // The kernel grants what its settings allow; with less, bursts lose packets and QUIC repairs.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    let _ = socket.set_send_buffer_size(UDP_BUFFER);
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Whatever the system's setting is, this socket also serves IPv4.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Stateless resets and connection ids from secrets that survive a restart: a peer that still
/// talks to our previous life is told so at once, instead of finding out by silence.
fn endpoint_config(identity: &Identity) -> EndpointConfig {
    let reset = identity.derive_secret("hawser/transport/stateless-reset/1");
    let ids = identity.derive_secret("hawser/transport/connection-id/1");
    let mut config = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &reset)));
    let seed = ids
        .iter()
        .take(8)
        .fold(0, |seed, byte| seed << 8 | u64::from(*byte));
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(seed)));
    config
}

/// What holds on both sides: no datagrams, no more than our windows.
fn common_transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .datagram_receive_buffer_size(None)
        .initial_rtt(INITIAL_ROUND_TRIP)
        .stream_receive_window(VarInt::from_u32(STREAM_RECEIVE_WINDOW))
        .receive_window(VarInt::from_u32(UNPROVEN_RECEIVE_WINDOW))
        .send_window(SEND_WINDOW)
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .allow_spin(false);
    transport
}

/// Whoever dials us gets little until the hello; see the listener for what is added then.
fn listener_transport() -> TransportConfig {
    let mut transport = common_transport();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(MAX_STREAMS_BEFORE_HELLO))
        .send_window(SESSION_SEND_WINDOW)
        .max_idle_timeout(Some(idle_timeout(CLIENT_IDLE_TIMEOUT)));
    transport
}

/// Both sides use the shorter of their idle timeouts, so the dialler decides: it knows its role.
fn dialler_transport(role: Role) -> TransportConfig {
    let mut transport = common_transport();
    let idle = match role {
        Role::Validator => VALIDATOR_IDLE_TIMEOUT,
        Role::Client => {
            // The dialled node is trusted with the memory of this process, not the reverse.
            transport.receive_window(VarInt::from_u32(STREAM_RECEIVE_WINDOW));
            CLIENT_IDLE_TIMEOUT
        }
    };
    transport
        .max_idle_timeout(Some(idle_timeout(idle)))
        .keep_alive_interval(Some(KEEP_ALIVE));
    transport
}

fn idle_timeout(timeout: Duration) -> IdleTimeout {
    // Seconds, where QUIC's integers reach for millions of years.
    IdleTimeout::try_from(timeout).unwrap_or(VarInt::MAX.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialling_socket_reaches_the_families_of_all() {
        let from = |addresses: &[&str]| {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
            dialling_from(addresses.iter().copied()).to_string()
        };
        assert_eq!(from(&["127.0.0.1:1", "127.0.0.2:1"]), "127.0.0.1:0");
        assert_eq!(from(&["127.0.0.1:1", "10.0.0.1:1"]), "0.0.0.0:0");
        assert_eq!(from(&["[::1]:1"]), "[::1]:0");
        assert_eq!(from(&["[::1]:1", "127.0.0.1:1"]), "[::]:0");
        assert_eq!(from(&["[2001:db8::1]:1", "10.0.0.1:1"]), "[::]:0");
    }
}
