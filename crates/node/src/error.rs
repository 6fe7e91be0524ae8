//! What can go wrong with a node as a whole.

use std::sync::{Arc, Mutex, PoisonError};

use consensus::{Index, encoding::DecodeError, mode::SizeError, verification::InvalidEntry};
use thiserror::Error;
use tokio::sync::watch;

/// Why a node did not start. Nothing was sent.
#[derive(Debug, Error)]
pub enum StartError {
    /// The key is none of the validators' in genesis.
    #[error("the key is none of the validators' in genesis")]
    NotAValidator,
    /// The mode cannot work with that many validators.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// The data directory could not be opened: in use, of another node or network, or unreadable.
    #[error(transparent)]
    Storage(#[from] storage::OpenError),
    /// The directory was never made for a node, or is lost (P9.4).
    #[error(
        "{directory} is no node's data directory: it holds no incarnation. If this key ever voted, what it promised is lost, and voting again from nothing could undo what others rely on"
    )]
    NotMade {
        /// The directory.
        directory: String,
    },
    /// The directory is another one than genesis lists for this key (P9.4).
    #[error(
        "{directory} has the incarnation {found}, and genesis lists {listed} for this key: it is not the directory that this validator promised from"
    )]
    OtherIncarnation {
        /// The directory.
        directory: String,
        /// Which it is.
        found: keys::IncarnationHash,
        /// Which it should be.
        listed: keys::IncarnationHash,
    },
    /// A node ran in the directory, and its stream is gone (P9.4).
    #[error(
        "a node ran in {directory}, and its stream is gone: what it promised is lost, and voting again from nothing could undo what others rely on"
    )]
    StreamLost {
        /// The directory.
        directory: String,
    },
    /// The directory's record cannot be read or written.
    #[error("the directory's incarnation: {source}")]
    Incarnation {
        /// Why.
        source: keys::IncarnationError,
    },
    /// What the node wrote is damaged (P11.2). A node that may have forgotten a vote does not vote.
    #[error(
        "the data in {directory} is damaged: {damage}; the node does not start, for it might contradict what it said before. Found: {detail}. {}",
        what_to_do(.damage)
    )]
    Damaged {
        /// The directory.
        directory: String,
        /// What is lost.
        damage: storage::Damage,
        /// What was found where.
        detail: String,
    },
    /// A stored record is whole and yet makes no sense.
    #[error("the record at {position} is unreadable: {reason}")]
    Record {
        /// Where.
        position: storage::Position,
        /// What is wrong.
        reason: DecodeError,
    },
    /// A stored vote state is whole and yet makes no sense.
    #[error("the stored vote state is unreadable: {0}")]
    VoteState(DecodeError),
    /// A record could not be read again.
    #[error(transparent)]
    Read(#[from] storage::ReadError),
    /// A stored entry is not the one that stood at its place before.
    #[error("the stored entry {0} is not the one that the chain holds there")]
    Chain(Index),
    /// A stored entry does not pass the checks of P3.2.
    #[error("a stored entry is not valid: {0}")]
    Entry(#[from] InvalidEntry),
    /// The application executed something else than it was given.
    #[error("the application is at entry {found} after entry {expected} was applied")]
    Application {
        /// Where it says it is.
        found: Index,
        /// Where it should be.
        expected: Index,
    },
    /// The identity for connections could not be made.
    #[error(transparent)]
    Identity(#[from] transport::IdentityError),
    /// The socket could not be opened.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: transport::BindError,
    },
    /// The operating system gave no thread, or no random bytes.
    #[error("the operating system refused {what}: {reason}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What it said.
        reason: String,
    },
}

impl StartError {
    /// Whether somebody else listens at the address.
    #[must_use]
    pub fn is_address_in_use(&self) -> bool {
        self.listening() == Some(std::io::ErrorKind::AddrInUse)
    }

    /// What the system said to listening, if that failed.
    #[must_use]
    pub fn listening(&self) -> Option<std::io::ErrorKind> {
        match self {
            Self::Listen {
                source: transport::BindError::Socket(error),
                ..
            } => Some(error.kind()),
            _ => None,
        }
    }

    /// What a person can do about a data directory that is lost or another one (P9.4).
    #[must_use]
    pub const fn about_lost_data(&self) -> Option<&'static str> {
        match self {
            Self::NotMade { .. } => Some(
                "A new node: make the directory with keys init DIR, before genesis, which lists it. A node that ran: put its DIR/data back as it was when it last ran, never an older copy. If it is lost, leave this node down (the network goes on while no more than f are); a new key needs a new genesis.",
            ),
            Self::OtherIncarnation { .. } => Some(
                "Put back the DIR/data that genesis lists, as it was when the node last ran. If that is lost, leave this node down (the network goes on while no more than f are); a new key needs a new genesis.",
            ),
            Self::StreamLost { .. } => Some(
                "Put DIR/data back as it was when the node last ran, never an older copy. If it is lost, leave this node down (the network goes on while no more than f are); a new key needs a new genesis.",
            ),
            _ => None,
        }
    }

    /// The index directory cannot be written.
    pub(crate) fn index(error: std::io::Error) -> Self {
        Self::System {
            what: "to write the index of transactions",
            reason: error.to_string(),
        }
    }
}

/// Why a running node stopped by itself.
#[derive(Debug, Error)]
pub enum NodeError {
    /// A write or sync failed: what is on disk is unknown until a restart (P11.2).
    #[error("the disk failed, the node stopped: {0}")]
    Disk(#[from] storage::WriteError),
    /// The application left the order of entries.
    #[error("the application is at entry {found} after entry {expected} was applied")]
    Application {
        /// Where it says it is.
        found: Index,
        /// Where it should be.
        expected: Index,
    },
    /// The index of transactions could not be written.
    #[error("the index of transactions cannot be written, the node stopped: {0}")]
    Index(std::io::Error),
    /// A thread of the node ended by a broken invariant; the log says which.
    #[error("the {0} thread failed, see the log")]
    Panicked(&'static str),
}

/// What a person can do about a damaged data directory (P9.4, P11.2).
fn what_to_do(damage: &storage::Damage) -> &'static str {
    match damage {
        storage::Damage::VoteStateLost => {
            "The node no longer knows how it voted, so its data counts as lost. Its key must never vote from an empty directory or an older copy: remove the directory only if the node gets a new key"
        }
        storage::Damage::RecordsLost | storage::Damage::TailBatchDamaged => {
            "Its vote state is whole: keep the directory, and put no older copy in its place, which would not know the latest votes"
        }
    }
}

/// Where the first fatal error of a node is kept, and everybody is told that it must stop.
#[derive(Clone, Debug)]
pub(crate) struct Fatal {
    first: Arc<Mutex<Option<NodeError>>>,
    stop: Arc<watch::Sender<bool>>,
}

impl Fatal {
    pub(crate) fn new() -> Self {
        Self {
            first: Arc::default(),
            stop: Arc::new(watch::Sender::new(false)),
        }
    }

    pub(crate) fn set(&self, error: NodeError) {
        tracing::error!(%error, "fatal");
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(error);
        drop(first);
        self.stop.send_replace(true);
    }

    pub(crate) async fn happened(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }

    pub(crate) fn take(&self) -> Option<NodeError> {
        self.first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Reports a thread that ends by a panic.
pub(crate) struct PanicGuard {
    pub(crate) thread: &'static str,
    pub(crate) fatal: Fatal,
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fatal.set(NodeError::Panicked(self.thread));
        }
    }
}
