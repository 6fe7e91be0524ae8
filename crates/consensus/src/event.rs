//! What happens to a replica, and what it wants done.

use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::{
    certificate::QuorumCertificate,
    entry::Entry,
    evidence::Evidence,
    message::{Applied, Message, Reason},
    record::{Record, VoteState},
    request::{Admittance, Request, RequestKey},
    signed::Verified,
    types::{Hash, Index, NodeId, Point, Term, Time},
};

/// Numbers writes in the order in which they become durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// Something that happened.
///
/// Requests come in only if the application admits them, in the state of the last
/// [`Event::Applied`] or a later one (P6.2): whoever drives a replica asks it first, and tells
/// clients why a request is not taken. The replica itself knows what is committed and not applied.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "messages are most of the events")]
pub enum Event {
    /// A verified message.
    Message(Verified<Message>),
    /// Valid requests that a peer relayed; `complained` as in [`crate::message::Relay`].
    Relayed {
        /// The peer.
        from: NodeId,
        /// Whether their clients complained.
        complained: bool,
        /// The requests, each checked.
        requests: Vec<Request>,
    },
    /// A client of this node asks.
    Submit(Request),
    /// A client of this node complains that its request is not answered (P6.2).
    Complain(Request),
    /// Every write up to this one is durable.
    Written(WriteId),
    /// The application executed every entry up to here.
    Applied(Applied),
    /// The answer to [`Output::Judge`].
    Judged {
        /// How far the state that judged was executed.
        as_of: Index,
        /// What it says of each request.
        verdicts: Vec<(RequestKey, Admittance)>,
    },
    /// The answer to [`Output::ReadEntries`].
    EntriesRead {
        /// Who wants them.
        to: NodeId,
        /// The point before the first entry.
        from: Point,
        /// The entries, linked; as many as fit a message.
        entries: Vec<Arc<Entry>>,
        /// A stored commit certificate that covers one of the entries, as far along as there is.
        commit: Option<QuorumCertificate>,
    },
    /// A client of this node wants a linearizable read (Raft modes: ReadIndex, P7.2).
    Read {
        /// The caller's name for it.
        id: u64,
    },
    /// A deadline may have passed.
    Timeout,
    /// The node stops in order: what is known and not yet recorded is written (P11.3). No further
    /// event follows.
    Stopping,
}

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// One peer.
    Node(NodeId),
    /// Every other validator.
    Others,
}

/// Something to do. Outputs are done in order, except that a send waits for its write.
#[derive(Clone, Debug)]
pub enum Output {
    /// Make durable, in this order, then say [`Event::Written`].
    Write {
        /// Its number.
        id: WriteId,
        /// The whole vote state after this write; stored twice (P11.2).
        vote_state: Box<VoteState>,
        /// The records.
        records: Vec<Record>,
    },
    /// Send, once the write is durable: the order between disk and network is data (P11.1).
    Send {
        /// To whom.
        to: Recipient,
        /// What.
        message: Arc<Message>,
        /// The write that it waits for.
        after: Option<WriteId>,
    },
    /// Execute a committed entry, then say [`Event::Applied`].
    Apply(Arc<Entry>),
    /// Ask the application whether it still admits these requests, which wait here, then say
    /// [`Event::Judged`]: they are about to be handed on again, or missed (P6.2).
    Judge(Vec<Request>),
    /// A commit certificate was formed or learned that goes further than any before; keep it for
    /// receipts and catch-up. Byzantine mode only.
    Certified(Arc<QuorumCertificate>),
    /// Read entries after `from` from the disk for a peer that lags far behind, then say
    /// [`Event::EntriesRead`].
    ReadEntries {
        /// The peer.
        to: NodeId,
        /// The point before the first wanted entry.
        from: Point,
    },
    /// A read may be answered from the state at this index or later.
    ReadReady {
        /// The caller's name for it.
        id: u64,
        /// The index.
        index: Index,
    },
    /// A read cannot be served here.
    ReadRefused {
        /// The caller's name for it.
        id: u64,
        /// Why.
        refusal: Refusal,
    },
    /// A request is not taken.
    Refused {
        /// Which.
        key: RequestKey,
        /// Why.
        refusal: Refusal,
    },
    /// Something worth a log line, a counter or a test.
    Notice(Notice),
}

/// Why a request is not taken. Nothing has happened; the client may repeat it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Too much is waiting.
    #[error("busy: too many requests are waiting, retry after {} ms", retry_after.0 / 1000)]
    Busy {
        /// When to try again.
        retry_after: Time,
    },
    /// No leader is known that could take it.
    #[error("no leader is known at the moment")]
    NoLeader,
    /// Another node leads.
    #[error("{0} leads")]
    NotLeader(NodeId),
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The node entered a term.
    TermEntered {
        /// The term.
        term: Term,
    },
    /// A leader was deposed (P4.3).
    Deposed {
        /// The term that ended.
        term: Term,
        /// Its leader.
        leader: NodeId,
        /// On whose word, and why.
        reasons: Vec<Leaver>,
    },
    /// A term has a leader.
    Elected {
        /// The term.
        term: Term,
        /// Its leader.
        leader: NodeId,
        /// What it builds on.
        base: Point,
    },
    /// The node suspects its leader.
    Suspecting {
        /// The term.
        term: Term,
        /// Why.
        reason: Reason,
    },
    /// The node signs that it would have its term end (P4.3).
    Leaving {
        /// The term.
        term: Term,
        /// Why.
        reason: Reason,
        /// Whether it goes along with others, without suspecting the leader itself.
        followed: bool,
    },
    /// The commit point moved.
    Committed {
        /// To here.
        point: Point,
    },
    /// A validator was caught.
    Evidence(Arc<Evidence>),
    /// A commit certificate contradicts what this node has committed, or the branch of a later
    /// term: more than f validators are faulty. It is not followed.
    Contradiction {
        /// What the certificate speaks about.
        point: Point,
    },
    /// This node's own results are not the certified ones: it does and says nothing more (P8.2).
    Diverged(Divergence),
    /// A base computed by a leader could not be adopted.
    BaseRefused {
        /// The term.
        term: Term,
        /// The base.
        base: Point,
    },
}

/// What part a node plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It leads its term.
    Leader,
    /// It follows a leader.
    Follower,
    /// It waits for, or seeks, an election.
    Candidate,
}

impl Role {
    /// The role's name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
        }
    }
}

/// A node whose own results are not the certified ones (P8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// An entry after which the results differ. As results are chained, they differ from there on.
    pub index: Index,
    /// The last entry below it after which they are known to be the same: what lies between is
    /// where the node went wrong. `None`: not known any more.
    pub agreed: Option<Index>,
    /// The digest of this node's results at `index`.
    pub own: Hash,
    /// What f + 1 others signed there.
    pub certified: Hash,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "after entry {} its results are {}, and {} as f + 1 others signed",
            self.index,
            self.own.short(),
            self.certified.short()
        )?;
        match self.agreed {
            Some(agreed) => write!(f, "; after entry {agreed} they were the same"),
            None => Ok(()),
        }
    }
}

/// The end of a leadership (P4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposition {
    /// The term that ended.
    pub term: Term,
    /// Its leader.
    pub leader: NodeId,
    /// On whose word, and why.
    pub reasons: Vec<Leaver>,
}

/// What a validator said for a term's end (P4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// The validator.
    pub node: NodeId,
    /// Why.
    pub reason: Reason,
    /// Whether it did not suspect the leader itself, but went along with others who did.
    pub followed: bool,
}

/// A replica's state for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What part it plays.
    pub role: Role,
    /// Its term.
    pub term: Term,
    /// The term's leader, if it has one.
    pub leader: Option<NodeId>,
    /// How far it knows entries to be committed.
    pub commit: Point,
    /// Its last entry.
    pub head: Point,
    /// How far it executed.
    pub applied: Option<Applied>,
    /// Requests that wait.
    pub pending: usize,
    /// The level that timers are scaled by (P4.6).
    pub timer_level: u32,
    /// Why it suspects its leader, if it does.
    pub suspicion: Option<Reason>,
    /// Evidence held.
    pub evidence: usize,
    /// The last leader that it saw deposed.
    pub deposed: Option<Deposition>,
    /// Whether its own results turned out to be wrong, so that it stopped (P8.2).
    pub diverged: Option<Divergence>,
}
