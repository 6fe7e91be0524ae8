//! The network: delivers what a trace says, in the order it says, and no forgeries.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::log::Entry;
use super::message::{Envelope, Message, NodeId};
use super::node::{Node, Role};
use super::outcome::{Fork, Outcome};
use super::rules::Reading;

/// A trace that cannot be played: a mistake in the trace, or a reading in which it does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceError {
    /// A message that this honest node never signed.
    Forgery(NodeId),
    /// There is no honest node of this identity to deliver to.
    NoSuchNode(NodeId),
    /// The state that this step should have led to was not reached.
    NotReached(&'static str),
}

impl fmt::Display for TraceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forgery(signer) => write!(formatter, "{signer} never signed this message"),
            Self::NoSuchNode(node) => write!(formatter, "{node} is not an honest node"),
            Self::NotReached(step) => write!(formatter, "not reached: {step}"),
        }
    }
}

impl std::error::Error for TraceError {}

/// The honest nodes, and everything they ever signed.
#[derive(Clone, Debug)]
pub struct Network {
    nodes: BTreeMap<NodeId, Node>,
    byzantine: BTreeSet<NodeId>,
    observed: BTreeSet<Message>,
    intercepted: Vec<Message>,
}

impl Network {
    /// `size` nodes under `reading`; those in `byzantine` exist only as keys that a trace signs
    /// with.
    pub fn new(reading: Reading, size: u8, byzantine: &[NodeId]) -> Self {
        let byzantine = BTreeSet::from_iter(byzantine.iter().copied());
        let members = (0..size).map(NodeId);
        let honest = members.filter(|id| !byzantine.contains(id));
        Self {
            nodes: honest
                .map(|id| (id, Node::new(id, size, reading)))
                .collect(),
            byzantine,
            observed: BTreeSet::new(),
            intercepted: Vec::new(),
        }
    }

    /// The honest nodes' identities, in order.
    pub fn honest(&self) -> Vec<NodeId> {
        self.nodes.keys().copied().collect()
    }

    /// The Byzantine nodes' identities, in order.
    pub fn byzantine(&self) -> Vec<NodeId> {
        self.byzantine.iter().copied().collect()
    }

    /// The honest nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// One honest node.
    ///
    /// # Errors
    ///
    /// [`TraceError::NoSuchNode`] if it is Byzantine or not a member.
    pub fn node(&self, id: NodeId) -> Result<&Node, TraceError> {
        self.nodes.get(&id).ok_or(TraceError::NoSuchNode(id))
    }

    fn node_mut(&mut self, id: NodeId) -> Result<&mut Node, TraceError> {
        self.nodes.get_mut(&id).ok_or(TraceError::NoSuchNode(id))
    }

    /// The honest node that leads the highest term among those in role leader.
    pub fn leader(&self) -> Option<NodeId> {
        let leaders = self.nodes().filter(|node| node.role() == Role::Leader);
        leaders.max_by_key(|node| node.term()).map(Node::id)
    }

    /// Lets the election timer of one node fire.
    ///
    /// # Errors
    ///
    /// [`TraceError::NoSuchNode`] as for [`Self::node`].
    pub fn timeout(&mut self, id: NodeId) -> Result<(), TraceError> {
        self.node_mut(id)?.election_timeout();
        Ok(())
    }

    /// Takes what a node has sent since the last call. From now on its messages may be delivered
    /// to anybody, any number of times; what is not delivered is lost.
    ///
    /// # Errors
    ///
    /// [`TraceError::NoSuchNode`] as for [`Self::node`].
    pub fn sent_by(&mut self, id: NodeId) -> Result<Vec<Envelope>, TraceError> {
        let sent = self.node_mut(id)?.take_outbox();
        for Envelope { to, message } in &sent {
            // A vote for oneself goes over the wire only inside the proof of the election.
            if let Some(append) = message.append_entries() {
                let votes = append.votes.iter().cloned();
                self.observed
                    .extend(votes.map(Message::RequestVoteResponse));
            }
            self.observed.insert(message.clone());
            if self.byzantine.contains(to) {
                self.intercepted.push(message.clone());
            }
        }
        Ok(sent)
    }

    /// Everything honest nodes have addressed to Byzantine ones, in order.
    pub fn intercepted(&self) -> &[Message] {
        &self.intercepted
    }

    /// Gives a message to one honest node, now.
    ///
    /// # Errors
    ///
    /// [`TraceError::Forgery`] if the message, or a vote inside it, bears the signature of an
    /// honest node that did not send it; [`TraceError::NoSuchNode`] as for [`Self::node`].
    pub fn deliver(&mut self, to: NodeId, message: &Message) -> Result<(), TraceError> {
        self.refuse_forgery(message)?;
        if let Some(append) = message.append_entries() {
            for vote in &append.votes {
                self.refuse_forgery(&Message::RequestVoteResponse(vote.clone()))?;
            }
        }
        self.node_mut(to)?.receive(message);
        Ok(())
    }

    fn refuse_forgery(&self, message: &Message) -> Result<(), TraceError> {
        match message.signer() {
            Some(signer) if !self.byzantine.contains(&signer) => {
                let genuine = self.observed.contains(message);
                if genuine {
                    Ok(())
                } else {
                    Err(TraceError::Forgery(signer))
                }
            }
            _ => Ok(()),
        }
    }

    /// The first disagreement between what two honest nodes applied.
    pub fn fork(&self) -> Option<Fork> {
        let applied = |node: &Node, index: usize| (node.id(), node.applied()[index].clone());
        let pairs = self
            .nodes()
            .flat_map(|one| self.nodes().map(move |other| (one, other)));
        pairs
            .filter(|(one, other)| one.id() < other.id())
            .find_map(|(one, other)| {
                let index = first_difference(one.applied(), other.applied())?;
                Some(Fork {
                    index,
                    one: applied(one, index),
                    other: applied(other, index),
                })
            })
    }

    /// [`Outcome::Fork`] if honest nodes disagree, else [`Outcome::Safe`].
    pub fn verdict(&self) -> Outcome {
        match self.fork() {
            Some(fork) => Outcome::Fork(fork),
            None => Outcome::Safe {
                committed: self
                    .nodes()
                    .map(|node| (node.id(), node.applied().len()))
                    .collect(),
            },
        }
    }
}

fn first_difference(one: &[Entry], other: &[Entry]) -> Option<usize> {
    one.iter().zip(other).position(|(one, other)| one != other)
}

#[cfg(test)]
mod tests {
    use super::super::log::Position;
    use super::super::message::{AppendEntries, RequestVoteResponse, Signed};
    use super::*;

    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);
    const D: NodeId = NodeId(3);

    fn vote_of(signer: NodeId) -> Signed<RequestVoteResponse> {
        let body = RequestVoteResponse {
            term: 0,
            voter: signer,
            granted: true,
            candidate: D,
            last_index: None,
        };
        Signed::new(signer, body)
    }

    #[test]
    fn an_honest_signature_must_have_been_made() {
        let mut network = Network::new(Reading::Paper, 4, &[D]);
        let forged = Message::RequestVoteResponse(vote_of(B));
        assert_eq!(network.deliver(A, &forged), Err(TraceError::Forgery(B)));
        let own = Message::RequestVoteResponse(vote_of(D));
        assert_eq!(network.deliver(A, &own), Ok(()));
        assert_eq!(network.deliver(D, &own), Err(TraceError::NoSuchNode(D)));
    }

    #[test]
    fn a_vote_inside_a_proof_must_have_been_cast() {
        let mut network = Network::new(Reading::Paper, 4, &[D]);
        let append = AppendEntries {
            term: 0,
            leader: D,
            previous: Position::START,
            entries: Vec::new(),
            votes: [vote_of(B), vote_of(D)].into(),
        };
        let message = Message::AppendEntries(Signed::new(D, append));
        assert_eq!(network.deliver(A, &message), Err(TraceError::Forgery(B)));
    }

    #[test]
    fn a_genuine_message_may_be_replayed_to_anybody() {
        let mut network = Network::new(Reading::Paper, 4, &[D]);
        network.timeout(A).unwrap();
        let sent = network.sent_by(A).unwrap();
        for _ in 0..2 {
            assert_eq!(network.deliver(B, &sent[0].message), Ok(()));
        }
        assert_eq!(network.intercepted().len(), 1);
    }
}
