//! Our link to one other validator: dialled by us, used for sending only, restored when lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quinn::{Connection, SendStream};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use crate::backoff::Backoff;
use crate::close::Disconnect;
use crate::counters::Meter;
use crate::dial::{Dialled, Dialler};
use crate::error::{ConnectError, Dropped};
use crate::fault::LinkPolicy;
use crate::frame::Class;
use crate::identity::{PeerKey, Short};
use crate::limits::{Limits, OFFLINE_URGENT_FRAMES, RECONNECT_STABLE};
use crate::queue::{FrameQueue, Overflow, Pushed, Refused, Rules};
use crate::shutdown::Shutdown;
use crate::write::{write_failure, write_frames_until_flushed};

/// When the peer has just connected to us, an attempt to dial it that is under way gets so much
/// more time: its first packet may have been lost before the peer was there, and QUIC repeats it
/// only after a while.
const REDIAL_GRACE: Duration = Duration::from_millis(200);

/// What is known about a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Dialling for the first time.
    Connecting,
    /// Frames go through.
    Up,
    /// Attempts fail, the last one for this reason; they go on.
    Unreachable(ConnectError),
    /// It was up and was lost for this reason; it is being dialled again.
    Lost(Disconnect),
}

/// One peer's queues, and the task that empties them.
#[derive(Debug)]
pub(crate) struct Link {
    key: PeerKey,
    address: watch::Sender<SocketAddr>,
    urgent: FrameQueue,
    bulk: FrameQueue,
    state: watch::Sender<LinkState>,
    redial: Arc<Notify>,
    meter: Meter,
}

impl Link {
    pub(crate) fn new(
        key: PeerKey,
        address: SocketAddr,
        limits: &Limits,
        redial: Arc<Notify>,
        meter: Meter,
    ) -> Self {
        let delay_line = limits.delay_line;
        let urgent = Rules {
            limit: limits.urgent_queue,
            overflow: Overflow::DropOldest,
            offline_frames: OFFLINE_URGENT_FRAMES,
            delay_line,
        };
        // Bulk is asked for piece by piece: a gap is worse than an early end, and what waited
        // while the peer was away would be sent twice.
        let bulk = Rules {
            limit: limits.bulk_queue,
            overflow: Overflow::RefuseNew,
            offline_frames: 0,
            delay_line,
        };
        Self {
            key,
            address: watch::Sender::new(address),
            urgent: FrameQueue::new(urgent, false),
            bulk: FrameQueue::new(bulk, false),
            state: watch::Sender::new(LinkState::Connecting),
            redial,
            meter,
        }
    }

    pub(crate) fn send(&self, class: Class, frame: Bytes) -> Result<(), Dropped> {
        if frame.is_empty() {
            return Err(Dropped::Empty);
        }
        if frame.len() > class.max_frame() {
            return Err(Dropped::TooLarge);
        }
        let reason = match self.queue(class).push(frame) {
            Ok(Pushed::Queued { dropped: 0 }) => return Ok(()),
            Ok(Pushed::Queued { dropped }) => {
                self.meter.dropped(dropped);
                return Ok(());
            }
            Ok(Pushed::LostOnPurpose) => {
                self.meter.lost_on_purpose(1);
                return Ok(());
            }
            Err(Refused::Full) => Dropped::QueueFull,
            Err(Refused::Offline) => Dropped::LinkDown,
            Err(Refused::Closed) => Dropped::Closed,
        };
        self.meter.dropped(1);
        Err(reason)
    }

    pub(crate) fn set_policy(&self, policy: LinkPolicy) {
        let swallowed = self.queues().map(|queue| queue.set_policy(policy));
        self.meter.lost_on_purpose(swallowed.iter().sum());
    }

    pub(crate) fn policy(&self) -> LinkPolicy {
        self.urgent.policy()
    }

    pub(crate) fn set_address(&self, address: SocketAddr) {
        self.address
            .send_if_modified(|current| std::mem::replace(current, address) != address);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        *self.address.borrow()
    }

    pub(crate) fn state(&self) -> watch::Receiver<LinkState> {
        self.state.subscribe()
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Keeps the link up until the endpoint stops.
    pub(crate) async fn run(self: Arc<Self>, dialler: Dialler, shutdown: Shutdown) {
        let _working = shutdown.working();
        let mut address = self.address.subscribe();
        let mut backoff = Backoff::new();
        loop {
            let dialled = tokio::select! {
                dialled = self.dial(&dialler, &mut address) => dialled,
                () = shutdown.requested() => break,
            };
            match dialled {
                Ok(connection) => {
                    let since = Instant::now();
                    let ended = self.serve(connection, &mut address, &shutdown).await;
                    if since.elapsed() >= RECONNECT_STABLE {
                        backoff.reset();
                    }
                    self.set_state(LinkState::Lost(ended));
                }
                Err(error) => self.set_state(LinkState::Unreachable(error)),
            }
            tokio::select! {
                () = sleep(backoff.next_wait()) => {}
                () = self.redial.notified() => {}
                _ = address.changed() => {}
                () = shutdown.requested() => break,
            }
        }
        self.meter
            .dropped(self.queues().map(FrameQueue::abandon).iter().sum());
    }

    async fn dial(
        &self,
        dialler: &Dialler,
        address: &mut watch::Receiver<SocketAddr>,
    ) -> Result<Connection, ConnectError> {
        loop {
            let target = *address.borrow_and_update();
            let peer_is_there = async {
                self.redial.notified().await;
                sleep(REDIAL_GRACE).await;
            };
            tokio::select! {
                dialled = dialler.dial(target, self.key) => {
                    return dialled.map(|Dialled { connection, .. }| connection);
                }
                () = peer_is_there => {}
                _ = address.changed() => {}
            }
        }
    }

    /// Sends what is queued until the connection ends, and says why it did.
    async fn serve(
        &self,
        connection: Connection,
        address: &mut watch::Receiver<SocketAddr>,
        shutdown: &Shutdown,
    ) -> Disconnect {
        let (mut urgent, mut bulk) = match open_class_streams(&connection).await {
            Ok(streams) => streams,
            Err(disconnect) => return disconnect,
        };
        for queue in self.queues() {
            queue.set_online(true);
        }
        self.set_state(LinkState::Up);
        let writing = async {
            tokio::try_join!(
                write_frames_until_flushed(&self.urgent, &mut urgent, &self.meter),
                write_frames_until_flushed(&self.bulk, &mut bulk, &self.meter),
            )
        };
        let flush_on_shutdown = async {
            shutdown.requested().await;
            self.queues().into_iter().for_each(FrameQueue::close);
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            written = writing => written.err().unwrap_or(Disconnect::ByUs),
            error = connection.closed() => error.into(),
            _ = address.changed() => Disconnect::ByUs,
            () = flush_on_shutdown => Disconnect::ByUs,
        };
        self.meter.dropped(
            self.queues()
                .map(|queue| queue.set_online(false))
                .iter()
                .sum(),
        );
        shutdown.close_code().close(&connection);
        ended
    }

    fn set_state(&self, new: LinkState) {
        let old = self.state.send_replace(new.clone());
        let peer = Short(&self.key);
        match &new {
            LinkState::Up => info!(%peer, "link is up"),
            LinkState::Lost(Disconnect::ByUs) => info!(%peer, "link is closed"),
            LinkState::Lost(reason) => warn!(%peer, %reason, "link is lost"),
            LinkState::Unreachable(reason) if old != new => warn!(%peer, %reason, "cannot link"),
            LinkState::Unreachable(reason) => debug!(%peer, %reason, "still cannot link"),
            LinkState::Connecting => {}
        }
    }

    fn queue(&self, class: Class) -> &FrameQueue {
        match class {
            Class::Urgent => &self.urgent,
            Class::Bulk => &self.bulk,
        }
    }

    fn queues(&self) -> [&FrameQueue; 2] {
        [&self.urgent, &self.bulk]
    }
}

async fn open_class_streams(
    connection: &Connection,
) -> Result<(SendStream, SendStream), Disconnect> {
    let opening = async {
        let urgent = open_class_stream(connection, Class::Urgent).await?;
        let bulk = open_class_stream(connection, Class::Bulk).await?;
        Ok((urgent, bulk))
    };
    // A peer that accepts the hello and then allows no streams is as good as absent.
    timeout(REDIAL_GRACE * 10, opening)
        .await
        .unwrap_or(Err(Disconnect::TimedOut))
}

async fn open_class_stream(
    connection: &Connection,
    class: Class,
) -> Result<SendStream, Disconnect> {
    let mut stream = connection.open_uni().await.map_err(Disconnect::from)?;
    // Fails only on a stream that has ended.
    let _ = stream.set_priority(class.priority());
    stream
        .write_all(&[class.tag()])
        .await
        .map_err(write_failure)?;
    Ok(stream)
}
