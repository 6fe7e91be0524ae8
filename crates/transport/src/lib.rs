//! Authenticated QUIC: moves bounded frames between proven peers and knows no meaning.
//!
//! A peer *is* its Ed25519 public key ([`PeerKey`]): both sides of every connection present a
//! self-signed certificate made from that key and prove in the TLS handshake that they hold it.
//! There is no certificate authority and nothing that expires. After the handshake the dialler
//! says [`Hello`] and the listener answers; only then does a connection count as up.
//!
//! Three kinds of users:
//!
//! - [`Endpoint`] listens. Its [`accept`](Endpoint::accept) yields connections that have passed
//!   the hello and the caller's [`Admission`] policy.
//! - [`Mesh`] keeps one link to each other validator, dialled from here and used for sending only;
//!   what the others send arrives on the connections they dialled. Each link has one stream per
//!   [`Class`], so bulk never blocks votes.
//! - [`ClientEndpoint`] dials nodes for a client; the node sees a [`Session`].
//!
//! Every queue, window and wait is bounded by [`limits`] (P12.1). Links may lose frames: when a
//! queue is full, when a peer is away, or because a [`LinkPolicy`] says so; never silently, as
//! [`Traffic`] counts them.

pub mod codec;
pub mod limits;
pub mod testing;

mod admission;
mod backoff;
mod budget;
mod client;
mod close;
mod counters;
mod dial;
mod endpoint;
mod error;
mod fault;
mod frame;
mod hello;
mod identity;
mod link;
mod listener;
mod mesh;
mod origin;
mod queue;
mod quic;
mod random;
mod receive;
mod registry;
mod session;
mod shutdown;
mod tls;
mod write;

#[cfg(test)]
mod tests;

pub use admission::{Admission, Refusal, RefusalReason, Standing};
pub use client::{ClientConnection, ClientEndpoint, ClientSender};
pub use close::{CloseCode, Disconnect};
pub use counters::Traffic;
pub use endpoint::{Endpoint, Incoming, PeerConnection};
pub use error::{BindError, ConnectError, Dropped, IdentityError, ReceiveError, SessionError};
pub use fault::LinkPolicy;
pub use frame::Class;
pub use hello::{Hello, Network, PROTOCOL_VERSION, Role};
pub use identity::{Identity, PeerKey};
pub use limits::Limits;
pub use link::LinkState;
pub use mesh::{Mesh, Peer};
pub use origin::Origin;
pub use quic::dialling_from;
pub use receive::FrameReceiver;
pub use session::{Session, SessionSender};
