//! An honest node: its state, what its timer does, and whom it believes.

mod commit;
mod election;
mod replication;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::commit::Evidence;
use super::log::{Entry, Log};
use super::message::{ClientId, Envelope, Message, NodeId, Revolution, START_TERM, Term, Votes};
use super::rules::Reading;

/// What a node takes itself for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Accepts entries.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Proposes entries.
    Leader,
}

/// An honest node under one [`Reading`].
#[derive(Clone, Debug)]
pub struct Node {
    id: NodeId,
    size: u8,
    reading: Reading,
    role: Role,
    term: Term,
    voted_for: Option<NodeId>,
    /// A vote that will be cast when the election timer next fires.
    lazy_vote: Option<(Term, NodeId)>,
    leader: Option<NodeId>,
    ignores_leader: bool,
    log: Log,
    commit_index: Option<usize>,
    applied: Vec<Entry>,
    evidence: Evidence,
    votes_received: Votes,
    /// As leader: the first index to send to each node.
    next_index: BTreeMap<NodeId, usize>,
    /// As leader: nodes that have accepted the proof of the election.
    convinced: BTreeSet<NodeId>,
    revolutions: BTreeSet<(ClientId, u64)>,
    /// Not part of the protocol: whom this node voted for in each term, to tell double votes.
    grants: BTreeMap<Term, BTreeSet<NodeId>>,
    outbox: Vec<Envelope>,
}

impl Node {
    /// A node of a cluster of `size` that has not seen anything yet.
    pub fn new(id: NodeId, size: u8, reading: Reading) -> Self {
        Self {
            id,
            size,
            reading,
            role: Role::Follower,
            term: START_TERM,
            voted_for: None,
            lazy_vote: None,
            leader: None,
            ignores_leader: false,
            log: Log::default(),
            commit_index: None,
            applied: Vec::new(),
            evidence: Evidence::default(),
            votes_received: Votes::new(),
            next_index: BTreeMap::new(),
            convinced: BTreeSet::new(),
            revolutions: BTreeSet::new(),
            grants: BTreeMap::new(),
            outbox: Vec::new(),
        }
    }

    /// Its identity.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// What it takes itself for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its term.
    pub fn term(&self) -> Term {
        self.term
    }

    /// Whom it takes for the leader of its term.
    pub fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// Whether a client has told it to ignore that leader.
    pub fn ignores_leader(&self) -> bool {
        self.ignores_leader
    }

    /// Its log, committed or not.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The last committed index.
    pub fn commit_index(&self) -> Option<usize> {
        self.commit_index
    }

    /// What it has given to its application, which cannot be taken back.
    pub fn applied(&self) -> &[Entry] {
        &self.applied
    }

    /// Whom it voted for in `term`.
    pub fn grants(&self, term: Term) -> BTreeSet<NodeId> {
        self.grants.get(&term).cloned().unwrap_or_default()
    }

    /// Takes what it has sent since the last call.
    pub fn take_outbox(&mut self) -> Vec<Envelope> {
        std::mem::take(&mut self.outbox)
    }

    /// The election timer fires: cast the vote held back, else stand for election.
    ///
    /// A role other than leader is kept when casting a vote, as in both programs.
    pub fn election_timeout(&mut self) {
        if self.role == Role::Leader {
            return;
        }
        let Some((term, candidate)) = self.lazy_vote.take() else {
            return self.become_candidate();
        };
        self.term = term;
        self.voted_for = Some(candidate);
        self.ignores_leader = false;
        self.leader = None;
        self.answer_candidate(candidate, true);
    }

    /// Handles one message, after the check of its signature that this reading makes.
    pub fn receive(&mut self, message: &Message) {
        if self.reading.binds_body_to_signer() && message.signer() != message.speaker() {
            return;
        }
        match message {
            Message::RequestVote(signed) => self.on_request_vote(&signed.body),
            Message::RequestVoteResponse(signed) => self.on_vote(signed),
            Message::AppendEntries(signed) => self.on_append_entries(&signed.body),
            Message::AppendEntriesResponse(signed) => self.on_acknowledgement(&signed.body),
            Message::Revolution(revolution) => self.on_revolution(revolution),
            Message::Command(command) => self.on_command(command),
        }
    }

    /// One client's word is enough, without evidence, in every reading.
    fn on_revolution(&mut self, revolution: &Revolution) {
        if self.leader != Some(revolution.leader)
            || !self
                .revolutions
                .insert((revolution.client, revolution.request))
        {
            return;
        }
        self.lazy_vote
            .take_if(|(_, candidate)| *candidate == revolution.leader);
        self.ignores_leader = true;
    }

    fn quorum(&self) -> usize {
        self.reading.quorum(usize::from(self.size))
    }

    fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let id = self.id;
        (0..self.size).map(NodeId).filter(move |other| *other != id)
    }

    fn send(&mut self, to: NodeId, message: Message) {
        self.outbox.push(Envelope { to, message });
    }
}
