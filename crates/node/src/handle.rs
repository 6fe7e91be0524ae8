//! Steering and stopping a running node.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, mpsc::SyncSender},
    thread::JoinHandle,
};

use consensus::{NodeId, event::Divergence};
use transport::{Dropped, Endpoint, LinkPolicy, LinkState, Mesh};

use crate::{
    application_task::Work,
    behaviour::Behaviour,
    error::{Fatal, NodeError},
    mailbox::{Input, Urgency},
    reporting::Reporter,
    shared::Shared,
    status::StatusReport,
};

/// What a node's handles share.
pub(crate) struct Running {
    pub(crate) shared: Arc<Shared>,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) mesh: Mesh,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) fatal: Fatal,
    pub(crate) work: SyncSender<Work>,
}

/// A running node. Dropping it without [`NodeHandle::shutdown`] stops it less gently.
pub struct NodeHandle {
    inner: Arc<Running>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    accepting: Mutex<Option<tokio::task::JoinHandle<()>>>,
    answering: Mutex<Option<JoinHandle<()>>>,
}

impl NodeHandle {
    /// `threads` in the order in which they end, the application's last; `answering` ends after
    /// `accepting`.
    pub(crate) fn new(
        running: Running,
        threads: Vec<JoinHandle<()>>,
        accepting: tokio::task::JoinHandle<()>,
        answering: JoinHandle<()>,
    ) -> Self {
        Self {
            inner: Arc::new(running),
            threads: Mutex::new(threads),
            accepting: Mutex::new(Some(accepting)),
            answering: Mutex::new(Some(answering)),
        }
    }

    /// This node's position among the validators.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.inner.shared.me
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.inner.endpoint.local_addr()
    }

    /// Its state; `None` if it has stopped.
    pub async fn status(&self) -> Option<StatusReport> {
        self.inner.reporter.report().await
    }

    /// A handle for steering that can be cloned and kept by others.
    #[must_use]
    pub fn control(&self) -> NodeControl {
        NodeControl {
            inner: Arc::clone(&self.inner),
        }
    }

    /// Where its own results turned out to be wrong, if they did (P8.2). Such a node neither votes
    /// nor serves; it only says what happened.
    #[must_use]
    pub fn diverged(&self) -> Option<Divergence> {
        self.inner.shared.diverged.get().copied()
    }

    /// Waits until the node must stop by itself and says why. Never ends otherwise; cancelling
    /// loses nothing.
    pub async fn failed(&self) -> NodeError {
        self.inner.fatal.happened().await;
        self.inner.fatal.take().unwrap_or(NodeError::Panicked("a"))
    }

    /// Stops in order: no more events, what was written becomes durable, what is queued is sent,
    /// the connections and the directory are closed.
    pub async fn shutdown(self) {
        self.inner.shared.mailbox.close();
        self.inner.shared.bulk_judge.close();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let work = self.inner.work.clone();
        let join = move || {
            let mut threads = threads.into_iter();
            // The application's thread also serves sessions, so it is told.
            let application = threads.next_back();
            for thread in threads {
                // A panic was reported by the thread's guard.
                let _ = thread.join();
            }
            let _ = work.send(Work::Stop);
            if let Some(application) = application {
                let _ = application.join();
            }
        };
        if let Err(error) = tokio::task::spawn_blocking(join).await {
            tracing::error!(%error, "stopping");
        }
        self.inner.endpoint.close().await;
        let accepting = self
            .accepting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(accepting) = accepting {
            // Ended by the closed endpoint; it fails only if a session panicked.
            let _ = accepting.await;
        }
        let answering = self
            .answering
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(answering) = answering {
            // Ended with the last session; at most one read is still under way.
            let _ = tokio::task::spawn_blocking(move || answering.join()).await;
        }
    }
}

impl Drop for NodeHandle {
    fn drop(&mut self) {
        self.inner.shared.mailbox.close();
        self.inner.shared.bulk_judge.close();
        let accepting = self
            .accepting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(accepting) = accepting {
            accepting.abort();
        }
    }
}

/// Steers a running node; cheap to clone.
#[derive(Clone)]
pub struct NodeControl {
    inner: Arc<Running>,
}

impl NodeControl {
    /// Misbehave like this from now on; `None`: behave.
    pub fn set_behaviour(&self, behaviour: Option<Box<dyn Behaviour>>) {
        let input = Input::SetBehaviour(behaviour);
        self.inner
            .shared
            .mailbox
            .push(Urgency::Urgent, [input.into()]);
    }

    /// Changes what the link to a peer does to messages sent from here.
    ///
    /// # Errors
    /// [`Dropped::NoSuchPeer`].
    pub fn set_link_policy(&self, peer: NodeId, policy: LinkPolicy) -> Result<(), Dropped> {
        self.inner.mesh.set_link_policy(peer.position(), policy)
    }

    /// What the link to a peer does now.
    #[must_use]
    pub fn link_policy(&self, peer: NodeId) -> Option<LinkPolicy> {
        self.inner.mesh.link_policy(peer.position())
    }

    /// Whether the link to a peer is up, and if not, why.
    #[must_use]
    pub fn link_state(&self, peer: NodeId) -> Option<LinkState> {
        self.inner.mesh.link_state(peer.position())
    }

    /// Dials a peer elsewhere than genesis says.
    ///
    /// # Errors
    /// [`Dropped::NoSuchPeer`].
    pub fn set_peer_address(&self, peer: NodeId, address: SocketAddr) -> Result<(), Dropped> {
        self.inner.mesh.set_peer_address(peer.position(), address)
    }

    /// The node's state; `None` if it has stopped.
    pub async fn status(&self) -> Option<StatusReport> {
        self.inner.reporter.report().await
    }
}
