//! What can go wrong, as types.

use std::io;

use thiserror::Error;

use crate::admission::Refusal;
use crate::close::Disconnect;
use crate::identity::{PeerKey, Short};

/// The identity's certificate could not be made.
#[derive(Debug, Error)]
#[error("cannot make a certificate: {0}")]
pub struct IdentityError(pub(crate) String);

/// An endpoint could not start.
#[derive(Debug, Error)]
pub enum BindError {
    /// The socket: the address is in use, not ours, or forbidden.
    #[error("cannot open the UDP socket: {0}")]
    Socket(#[from] io::Error),
    /// The cryptography is not to be had in this build.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// A connection did not come up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectError {
    /// Someone else answers at this address: an impostor, or a wrong entry in the configuration.
    #[error("{} answers where {} was dialled", Short(.presented), Short(.expected))]
    WrongKey {
        /// Whom we dialled.
        expected: PeerKey,
        /// Who answered.
        presented: PeerKey,
    },
    /// The peer said no: wrong network, mode or version, unknown key, too many connections.
    #[error("refused by the peer: {0}")]
    Refused(Refusal),
    /// No connection and reply in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended before the reply.
    #[error("{0}")]
    Disconnected(Disconnect),
    /// What the peer sent is no reply.
    #[error("malformed reply to the hello: {0}")]
    MalformedReply(String),
    /// Nothing was sent: the address cannot be dialled from here, or this side is stopping.
    #[error("cannot dial: {0}")]
    Undialable(String),
}

/// No more frames will come.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReceiveError {
    /// The peer announced a frame larger than its class allows.
    #[error("a frame of {length} bytes exceeds the limit of {maximum}")]
    TooLarge {
        /// Bytes announced.
        length: usize,
        /// Bytes allowed.
        maximum: usize,
    },
    /// The peer announced a frame of no bytes.
    #[error("an empty frame")]
    Empty,
    /// There is no memory left for frames of this size; smaller ones are still taken.
    #[error("too many large frames are on their way at once")]
    Overloaded,
    /// The peer began a frame and did not complete it in time.
    #[error("a frame was not completed in time")]
    Incomplete,
    /// The stream ended within a frame.
    #[error("the stream ended within a frame")]
    Truncated,
    /// The connection ended.
    #[error("{0}")]
    Disconnected(Disconnect),
}

/// A frame was not taken for sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Dropped {
    /// The queue of this peer and class is full.
    #[error("the queue is full")]
    QueueFull,
    /// The peer is away, and frames of this class do not wait for it.
    #[error("the peer is not connected")]
    LinkDown,
    /// The frame is larger than its class allows.
    #[error("the frame is too large for its class")]
    TooLarge,
    /// The frame has no bytes.
    #[error("the frame is empty")]
    Empty,
    /// There is no link with this number, or it is the number of this node itself.
    #[error("no such peer")]
    NoSuchPeer,
    /// The endpoint is closed.
    #[error("the endpoint is closed")]
    Closed,
}

/// A frame cannot be sent on a client's connection, on either side.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionError {
    /// The peer did not read; the connection has been dropped.
    #[error("the queue is full because the peer does not read; session dropped")]
    NotReading,
    /// The frame is larger than [`MAX_CLIENT_FRAME`](crate::limits::MAX_CLIENT_FRAME).
    #[error("the frame is too large")]
    TooLarge,
    /// The frame has no bytes.
    #[error("the frame is empty")]
    Empty,
    /// The connection ended.
    #[error("{0}")]
    Disconnected(Disconnect),
}
