//! What nodes and clients say to each other.

use std::collections::BTreeSet;
use std::fmt;

use super::log::{ChainHash, Entry, Position};

/// A leader's term. Signed and of fixed width as in the published programs, where it wraps.
pub type Term = i64;

/// The term before the first election.
pub const START_TERM: Term = -1;

/// A member of the cluster; shown as a letter, as the traces name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u8);

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            letter @ 0..26 => write!(formatter, "{}", char::from(b'A' + letter)),
            number => write!(formatter, "node {number}"),
        }
    }
}

/// A client with a key that the cluster knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u8);

/// A body under a member's signature. The signer need not be whom the body speaks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signed<Body> {
    /// Whose key made the signature.
    pub signer: NodeId,
    /// What was signed.
    pub body: Body,
}

impl<Body> Signed<Body> {
    /// `body` under the key of `signer`; [`super::Network::deliver`] tells a forgery.
    pub fn new(signer: NodeId, body: Body) -> Self {
        Self { signer, body }
    }
}

/// A candidate asks for a vote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestVote {
    /// Term the candidate wants to lead.
    pub term: Term,
    /// Who asks.
    pub candidate: NodeId,
    /// Term of its last entry, as it claims.
    pub last_term: Term,
    /// Index of its last entry, as it claims.
    pub last_index: Option<usize>,
    /// Its hash chain, as it claims; only [`super::Reading::Paper`] looks at it.
    pub hashes: Vec<ChainHash>,
}

/// A voter's answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestVoteResponse {
    /// The voter's term when it answered.
    pub term: Term,
    /// Who answers.
    pub voter: NodeId,
    /// Yes or no.
    pub granted: bool,
    /// Who asked.
    pub candidate: NodeId,
    /// The voter's last index; only [`super::Reading::Juno`] has this field.
    pub last_index: Option<usize>,
}

/// A set of votes, offered as proof of an election.
pub type Votes = BTreeSet<Signed<RequestVoteResponse>>;

/// A leader's entries (none: a heartbeat).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AppendEntries {
    /// The leader's term.
    pub term: Term,
    /// Who leads.
    pub leader: NodeId,
    /// What the entries follow on. Only [`super::Reading::Paper`] looks at its hash.
    pub previous: Position,
    /// The entries.
    pub entries: Vec<Entry>,
    /// Proof that the leader was elected; empty for followers that have seen it.
    pub votes: Votes,
}

/// A follower's acknowledgement, sent to everybody: the only phase before commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AppendEntriesResponse {
    /// The follower's term.
    pub term: Term,
    /// Who acknowledges.
    pub node: NodeId,
    /// Whether the entries fitted its log.
    pub success: bool,
    /// Whether it accepts the sender as leader.
    pub convinced: bool,
    /// Index of its last entry.
    pub index: Option<usize>,
    /// Hash of its whole log.
    pub hash: ChainHash,
}

/// A client asks everybody to ignore a leader that serves it badly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revolution {
    /// Who asks.
    pub client: ClientId,
    /// The client's number for this request, against replays.
    pub request: u64,
    /// The leader to ignore.
    pub leader: NodeId,
}

/// A client's request to append a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Command {
    /// Who asks.
    pub client: ClientId,
    /// What to append.
    pub value: String,
}

/// Anything on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Message {
    /// See [`RequestVote`].
    RequestVote(Signed<RequestVote>),
    /// See [`RequestVoteResponse`].
    RequestVoteResponse(Signed<RequestVoteResponse>),
    /// See [`AppendEntries`].
    AppendEntries(Signed<AppendEntries>),
    /// See [`AppendEntriesResponse`].
    AppendEntriesResponse(Signed<AppendEntriesResponse>),
    /// See [`Revolution`].
    Revolution(Revolution),
    /// See [`Command`].
    Command(Command),
}

impl Message {
    /// The member that signed it; `None` for clients' messages.
    pub fn signer(&self) -> Option<NodeId> {
        match self {
            Self::RequestVote(signed) => Some(signed.signer),
            Self::RequestVoteResponse(signed) => Some(signed.signer),
            Self::AppendEntries(signed) => Some(signed.signer),
            Self::AppendEntriesResponse(signed) => Some(signed.signer),
            Self::Revolution(_) | Self::Command(_) => None,
        }
    }

    /// The member that its body speaks for; `None` for clients' messages.
    pub fn speaker(&self) -> Option<NodeId> {
        match self {
            Self::RequestVote(signed) => Some(signed.body.candidate),
            Self::RequestVoteResponse(signed) => Some(signed.body.voter),
            Self::AppendEntries(signed) => Some(signed.body.leader),
            Self::AppendEntriesResponse(signed) => Some(signed.body.node),
            Self::Revolution(_) | Self::Command(_) => None,
        }
    }

    /// The entries it carries, if it is a leader's.
    pub fn append_entries(&self) -> Option<&AppendEntries> {
        match self {
            Self::AppendEntries(signed) => Some(&signed.body),
            _ => None,
        }
    }

    /// The acknowledgement it carries, if it is one.
    pub fn acknowledgement(&self) -> Option<&AppendEntriesResponse> {
        match self {
            Self::AppendEntriesResponse(signed) => Some(&signed.body),
            _ => None,
        }
    }

    /// The vote it carries, granted or not, if it is one.
    pub fn vote(&self) -> Option<&Signed<RequestVoteResponse>> {
        match self {
            Self::RequestVoteResponse(vote) => Some(vote),
            _ => None,
        }
    }
}

/// A message and whom it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Whom it is for.
    pub to: NodeId,
    /// What is sent.
    pub message: Message,
}
