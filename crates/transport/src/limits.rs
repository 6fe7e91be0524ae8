//! Every bound of this crate in one place (P12.1).
//!
//! The constants are part of the protocol or of the memory budget and the same for every node.
//! [`Limits`] holds what an operator or a test may want to change.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Largest frame of [`Class::Urgent`](crate::Class::Urgent), in bytes: an election certificate
/// with the reports of a large configuration fits.
pub const MAX_URGENT_FRAME: usize = 4 * MIB;

/// Largest frame of [`Class::Bulk`](crate::Class::Bulk), in bytes.
pub const MAX_BULK_FRAME: usize = 8 * MIB;

/// Largest frame between a client and a node, in bytes, in both directions.
pub const MAX_CLIENT_FRAME: usize = MIB;

/// Largest hello and largest reply, in bytes.
pub const MAX_HELLO_FRAME: usize = 512;

/// Longest text of a [`Refusal`](crate::Refusal), in bytes; longer text is cut, so that the reply
/// fits into [`MAX_HELLO_FRAME`].
pub const MAX_REFUSAL_TEXT: usize = 256;

/// What a peer may send on one stream before we read it, in bytes.
pub const STREAM_RECEIVE_WINDOW: u32 = 4 * MIB as u32;

/// What a connection may send before we read it until it has proven to be a validator, in bytes;
/// a client's stays at this.
pub const UNPROVEN_RECEIVE_WINDOW: u32 = 64 * KIB as u32;

/// What a validator may send on all streams of a connection before we read it, in bytes. More
/// than two stream windows: bulk nobody reads then cannot use up what urgent frames need.
pub const VALIDATOR_RECEIVE_WINDOW: u32 = 2 * STREAM_RECEIVE_WINDOW + MIB as u32;

/// What we buffer for sending on one connection until it is acknowledged, in bytes. Above the
/// stream window of the peer by so much that a full bulk stream leaves room for urgent frames.
pub const SEND_WINDOW: u64 = 3 * STREAM_RECEIVE_WINDOW as u64;

/// What we buffer for sending on a connection that somebody else dialled: answers to a client, or
/// a validator's reply to a hello.
pub const SESSION_SEND_WINDOW: u64 = 64 * KIB as u64;

/// Answers that a client has not read and that need no share of [`Limits::unread_bytes`].
pub const SESSION_OWN_BYTES: usize = 32 * KIB;

/// One part in so many of the memory that clients share is for strangers (P12.2).
pub const STRANGERS_PART: usize = 4;

/// Streams a dialler may open towards us: one for the hello (and a client's session), and once
/// it is admitted as a validator one for each class.
pub const MAX_STREAMS_BEFORE_HELLO: u32 = 1;

/// Bytes QUIC buffers for a connection attempt before it is looked at.
pub const ATTEMPT_BUFFER: u64 = 8 * KIB as u64;

/// Memory reserved for a frame when its length is read, in bytes. Beyond it memory grows only as
/// bytes arrive, so that announcing a length costs the announcer as much as it costs us.
pub const FRAME_RESERVE: usize = 64 * KIB;

/// Largest delay a [`LinkPolicy`](crate::LinkPolicy) can ask for.
pub const MAX_LINK_DELAY: Duration = Duration::from_secs(10);

/// How long closing waits for queued frames to reach the peer.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// A dialler that keeps its connection alive sends at least this often.
pub const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// A validator's link that hears nothing for so long is dead.
pub const VALIDATOR_IDLE_TIMEOUT: Duration = Duration::from_secs(3);

/// A client's connection that hears nothing for so long is dead. Longer than for validators:
/// a client's computer may be far away or busy.
pub const CLIENT_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// First wait before dialling a lost peer again.
pub const RECONNECT_FIRST: Duration = Duration::from_millis(50);

/// Longest wait before dialling a lost peer again, before jitter: a restarted node must be found
/// quickly.
pub const RECONNECT_LONGEST: Duration = Duration::from_secs(1);

/// A link that was up for so long is healthy again: the next reconnection starts with
/// [`RECONNECT_FIRST`].
pub const RECONNECT_STABLE: Duration = Duration::from_secs(1);

/// Urgent frames kept for a peer that is away; the newest survive. Few, as a peer that comes back
/// wants the present, not the past.
pub const OFFLINE_URGENT_FRAMES: usize = 256;

/// Requested size of the kernel's UDP buffers, in bytes; the kernel may grant less.
pub const UDP_BUFFER: usize = 4 * MIB;

/// Frames and bytes a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimit {
    /// Most frames.
    pub frames: usize,
    /// Most bytes of payload. One frame is always taken, however large its class allows it to be.
    pub bytes: usize,
}

/// Bounds an operator or a test may change; [`Limits::default`] fits a node.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Client connections at the same time in all. Validators are not counted: each admitted key
    /// has at most one connection.
    pub max_client_connections: usize,
    /// Client connections at the same time of one key, or of all strangers of one address
    /// ([`Origin`](crate::Origin)).
    pub max_connections_per_client: usize,
    /// Client connections at the same time of all strangers together: what is left is for keys
    /// that the network knows.
    pub max_stranger_connections: usize,
    /// Bytes of answers that all clients together have not read, beyond [`SESSION_OWN_BYTES`] of
    /// each. A client for whose next answer there is no room loses its session.
    pub unread_bytes: usize,
    /// Bytes of frames above [`FRAME_RESERVE`] that clients are sending or that wait to be dealt
    /// with. A client whose frame finds no room loses its session.
    pub large_frame_bytes: usize,
    /// Connections between their first packet and the end of the hello. From half of it on, a
    /// dialler must first prove that its address is its own.
    pub max_handshakes: usize,
    /// Connections that passed the hello and wait for [`accept`](crate::Endpoint::accept).
    pub max_unaccepted: usize,
    /// From the first packet to the reply to the hello, on both sides.
    pub hello_timeout: Duration,
    /// From the first byte of a frame to its last.
    pub frame_timeout: Duration,
    /// Queue for urgent frames to one peer; when full, the oldest is dropped.
    pub urgent_queue: QueueLimit,
    /// Queue for bulk frames to one peer; when full, the new one is refused.
    pub bulk_queue: QueueLimit,
    /// What a queue holds on top of its limit while its link has an artificial delay.
    pub delay_line: QueueLimit,
    /// Queue for answers to one client; when full, the session is dropped.
    pub session_queue: QueueLimit,
    /// Queue for a client's requests; when full, sending waits.
    pub client_queue: QueueLimit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_client_connections: 512,
            max_connections_per_client: 16,
            max_stranger_connections: 128,
            unread_bytes: 32 * MIB,
            large_frame_bytes: 32 * MIB,
            max_handshakes: 128,
            max_unaccepted: 64,
            hello_timeout: Duration::from_secs(3),
            frame_timeout: Duration::from_secs(10),
            urgent_queue: QueueLimit {
                frames: 16_384,
                bytes: 16 * MIB,
            },
            bulk_queue: QueueLimit {
                frames: 8_192,
                bytes: 32 * MIB,
            },
            delay_line: QueueLimit {
                frames: 65_536,
                bytes: 64 * MIB,
            },
            session_queue: QueueLimit {
                frames: 16_384,
                bytes: 4 * MIB,
            },
            client_queue: QueueLimit {
                frames: 4_096,
                bytes: 4 * MIB,
            },
        }
    }
}
