//! A client's connection as the node sees it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use quinn::SendStream;

use crate::budget::Budget;
use crate::close::{CloseCode, Disconnect};
use crate::counters::Meter;
use crate::error::SessionError;
use crate::frame::FrameReader;
use crate::identity::PeerKey;
use crate::limits::{Limits, MAX_CLIENT_FRAME, QueueLimit, SESSION_OWN_BYTES, STRANGERS_PART};
use crate::origin::Origin;
use crate::queue::{FrameQueue, Overflow, Pushed, Refused, Rules};
use crate::receive::{FrameReceiver, Lease};
use crate::registry::ClientPlace;
use crate::shutdown::Shutdown;
use crate::write::write_frames_until_flushed;

/// An admitted client. The connection ends when both halves, and all clones of the sender, are
/// dropped; what is queued is sent before.
#[derive(Debug)]
pub struct Session {
    /// The client's proven key.
    pub key: PeerKey,
    /// Whose share of rates and places it takes.
    pub origin: Origin,
    /// Where the client is.
    pub remote_address: SocketAddr,
    /// Towards the client.
    pub sender: SessionSender,
    /// From the client.
    pub receiver: FrameReceiver,
}

/// Sends frames to one client; cheap to clone.
#[derive(Debug, Clone)]
pub struct SessionSender {
    channel: Channel,
}

impl SessionSender {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel }
    }

    /// Queues a frame; never waits.
    ///
    /// # Errors
    /// [`SessionError::NotReading`] if the queue is full: the client asked and does not read, so
    /// the session is dropped. Otherwise what is wrong with the frame or the connection.
    pub fn send(&self, frame: Bytes) -> Result<(), SessionError> {
        check_size(&frame)?;
        match self.channel.queue.push(frame) {
            Ok(Pushed::Queued { .. } | Pushed::LostOnPurpose) => Ok(()),
            Err(Refused::Full) => {
                CloseCode::NotReading.close(&self.channel.lease.connection);
                self.channel.meter.dropped(1 + self.channel.queue.abandon());
                Err(SessionError::NotReading)
            }
            Err(Refused::Offline | Refused::Closed) => {
                Err(SessionError::Disconnected(self.channel.disconnect()))
            }
        }
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.channel.lease.connection.close_reason().is_some()
    }
}

/// Memory that the sessions of a node share: members and strangers each have their own, so that
/// strangers take nothing of the members'.
#[derive(Debug, Clone)]
pub(crate) struct SessionsMemory {
    members: SessionMemory,
    strangers: SessionMemory,
}

impl SessionsMemory {
    pub(crate) fn new(limits: &Limits) -> Self {
        let part = |bytes: usize| bytes / STRANGERS_PART;
        let (unread, large) = (limits.unread_bytes, limits.large_frame_bytes);
        Self {
            members: SessionMemory::new(unread - part(unread), large - part(large)),
            strangers: SessionMemory::new(part(unread), part(large)),
        }
    }

    pub(crate) const fn of(&self, origin: &Origin) -> &SessionMemory {
        if origin.is_stranger() {
            &self.strangers
        } else {
            &self.members
        }
    }
}

/// Memory that sessions share, beside what each has for itself.
#[derive(Debug, Clone)]
pub(crate) struct SessionMemory {
    /// For what clients do not read.
    pub(crate) outgoing: Budget,
    /// For large frames of clients.
    pub(crate) incoming: Budget,
}

impl SessionMemory {
    fn new(outgoing: usize, incoming: usize) -> Self {
        Self {
            outgoing: Budget::new(outgoing),
            incoming: Budget::new(incoming),
        }
    }
}

/// The parts of a client's connection that both of its sides have.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) queue: Arc<FrameQueue>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) meter: Meter,
}

impl Channel {
    /// Starts writing to `stream` and gives the ends to use. The place of a client that this
    /// process serves is held until the connection has ended.
    pub(crate) fn open(
        connection: quinn::Connection,
        mut stream: SendStream,
        mut reader: FrameReader,
        limit: QueueLimit,
        meter: Meter,
        shutdown: Shutdown,
        served: Option<(ClientPlace, &SessionMemory)>,
    ) -> (Self, FrameReceiver) {
        let mut queue = FrameQueue::new(rules(limit), true);
        if let Some((_, memory)) = &served {
            queue = queue.sharing(SESSION_OWN_BYTES, &memory.outgoing);
            reader.set_budget(memory.incoming.clone());
        }
        let queue = Arc::new(queue);
        let place = served.map(|(place, _)| place);
        let lease = Arc::new(Lease {
            connection: connection.clone(),
            outgoing: Some(queue.clone()),
        });
        reader.set_maximum(MAX_CLIENT_FRAME);
        let receiver = FrameReceiver::new(reader, lease.clone(), meter.clone());
        let channel = Self {
            queue: queue.clone(),
            lease,
            meter: meter.clone(),
        };
        let working = shutdown.working();
        tokio::spawn(async move {
            let _until_the_end = (working, place);
            let writing = write_frames_until_flushed(&queue, &mut stream, &meter);
            tokio::select! {
                _ = writing => {}
                _ = connection.closed() => {}
                () = close_on_shutdown(&queue, &shutdown) => {}
            }
            meter.dropped(queue.abandon());
            shutdown.close_code().close(&connection);
        });
        (channel, receiver)
    }

    /// Why nothing can be sent any more.
    pub(crate) fn disconnect(&self) -> Disconnect {
        self.lease
            .connection
            .close_reason()
            .map_or(Disconnect::ByUs, Into::into)
    }
}

/// Closes the queue when the endpoint stops; the writer then ends by itself.
async fn close_on_shutdown(queue: &FrameQueue, shutdown: &Shutdown) {
    shutdown.requested().await;
    queue.close();
    std::future::pending().await
}

pub(crate) fn check_size(frame: &Bytes) -> Result<(), SessionError> {
    match frame.len() {
        0 => Err(SessionError::Empty),
        length if length > MAX_CLIENT_FRAME => Err(SessionError::TooLarge),
        _ => Ok(()),
    }
}

fn rules(limit: QueueLimit) -> Rules {
    let delay_line = QueueLimit {
        frames: 0,
        bytes: 0,
    };
    Rules {
        limit,
        overflow: Overflow::RefuseNew,
        offline_frames: 0,
        delay_line,
    }
}
