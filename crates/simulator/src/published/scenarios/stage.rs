//! What the traces have in common: a cluster, its Byzantine members' pens, honest elections.

use super::super::log::{ChainHash, Entry, Position};
use super::super::message::{
    AppendEntries, AppendEntriesResponse, ClientId, Command, Message, NodeId, RequestVote,
    RequestVoteResponse, Signed, Term, Votes,
};
use super::super::network::{Network, TraceError};
use super::super::node::Role;
use super::super::outcome::{Halt, Outcome};
use super::super::rules::Reading;

pub(super) const A: NodeId = NodeId(0);
pub(super) const B: NodeId = NodeId(1);
pub(super) const C: NodeId = NodeId(2);
/// Byzantine in a cluster of four.
pub(super) const D: NodeId = NodeId(3);
/// Byzantine, like [`G`], in a cluster of seven.
pub(super) const F: NodeId = NodeId(5);
pub(super) const G: NodeId = NodeId(6);

const CLIENT: ClientId = ClientId(0);

/// What every trace ends in.
pub(super) type Played = Result<Outcome, TraceError>;

/// Fails the trace unless the state that `step` leads to was reached.
pub(super) fn require(reached: bool, step: &'static str) -> Result<(), TraceError> {
    if reached {
        Ok(())
    } else {
        Err(TraceError::NotReached(step))
    }
}

/// A [`Network`] with the moves that traces make over and over.
pub(super) struct Stage {
    pub(super) network: Network,
}

impl Stage {
    /// A, B and C are honest, D is Byzantine.
    pub(super) fn of_four(reading: Reading) -> Self {
        Self {
            network: Network::new(reading, 4, &[D]),
        }
    }

    /// A to E are honest, F and G are Byzantine.
    pub(super) fn of_seven(reading: Reading) -> Self {
        Self {
            network: Network::new(reading, 7, &[F, G]),
        }
    }

    /// Gives each of `messages` to each of `nodes`, except a node's own words.
    pub(super) fn deliver_all(
        &mut self,
        nodes: &[NodeId],
        messages: &[Message],
    ) -> Result<(), TraceError> {
        for node in nodes {
            for message in messages {
                if message.speaker() != Some(*node) {
                    self.network.deliver(*node, message)?;
                }
            }
        }
        Ok(())
    }

    /// Throws away what `nodes` have sent and nobody has received.
    pub(super) fn lose(&mut self, nodes: &[NodeId]) -> Result<(), TraceError> {
        nodes
            .iter()
            .try_for_each(|node| self.network.sent_by(*node).map(drop))
    }

    /// Takes what `from` has sent; gives `to` its share and loses the rest.
    pub(super) fn relay(&mut self, from: NodeId, to: &[NodeId]) -> Result<(), TraceError> {
        for envelope in self.network.sent_by(from)? {
            if to.contains(&envelope.to) {
                self.network.deliver(envelope.to, &envelope.message)?;
            }
        }
        Ok(())
    }

    /// Lets `nodes` talk among themselves for some rounds.
    pub(super) fn exchange(&mut self, nodes: &[NodeId], rounds: usize) -> Result<(), TraceError> {
        for _ in 0..rounds {
            for node in nodes {
                self.relay(*node, nodes)?;
            }
        }
        Ok(())
    }

    /// Takes what `node` has sent and returns its acknowledgements, one of each.
    pub(super) fn acknowledgements_of(&mut self, node: NodeId) -> Result<Vec<Message>, TraceError> {
        let sent = self
            .network
            .sent_by(node)?
            .into_iter()
            .map(|envelope| envelope.message);
        let mut messages: Vec<_> = sent
            .filter(|message| message.acknowledgement().is_some())
            .collect();
        messages.dedup();
        Ok(messages)
    }

    /// A client asks `leader` to append `value`.
    pub(super) fn command(
        &mut self,
        leader: NodeId,
        value: impl Into<String>,
    ) -> Result<(), TraceError> {
        let command = Command {
            client: CLIENT,
            value: value.into(),
        };
        self.network.deliver(leader, &Message::Command(command))
    }

    /// `candidate` stands and `voters` time out on its request; Byzantine `helpers` vote yes as
    /// well. Whether it wins. Its first messages as leader are still to be taken.
    pub(super) fn stand(
        &mut self,
        candidate: NodeId,
        voters: &[NodeId],
        helpers: &[NodeId],
    ) -> Result<bool, TraceError> {
        self.lose(&[candidate])?;
        self.network.timeout(candidate)?;
        let sent = self.network.sent_by(candidate)?;
        let Some(request) = sent.into_iter().next() else {
            return Ok(false);
        };
        for voter in voters {
            self.network.deliver(*voter, &request.message)?;
            self.network.timeout(*voter)?;
        }
        for voter in voters {
            self.relay(*voter, &[candidate])?;
        }
        let term = self.network.node(candidate)?.term();
        for helper in helpers {
            let vote = granted(*helper, *helper, term, candidate);
            self.network
                .deliver(candidate, &Message::RequestVoteResponse(vote))?;
        }
        Ok(self.network.node(candidate)?.role() == Role::Leader)
    }

    /// [`Self::stand`] with every voter needed.
    pub(super) fn elect(
        &mut self,
        candidate: NodeId,
        voters: &[NodeId],
        helpers: &[NodeId],
    ) -> Result<(), TraceError> {
        require(
            self.stand(candidate, voters, helpers)?,
            "an honest candidate is elected",
        )
    }

    /// The Byzantine `candidate` claims a log that holds `claimed` and collects the votes of
    /// `voters`, whose timers fire; all Byzantine nodes add theirs.
    pub(super) fn elect_byzantine(
        &mut self,
        candidate: NodeId,
        term: Term,
        claimed: &[Entry],
        voters: &[NodeId],
    ) -> Result<Votes, TraceError> {
        let hashes = (1..=claimed.len()).map(|length| ChainHash::of(&claimed[..length]));
        let request = RequestVote {
            term,
            candidate,
            last_term: end_of(claimed).term,
            last_index: end_of(claimed).index,
            hashes: hashes.collect(),
        };
        self.solicit(request, voters)
    }

    /// Sends `request`, lets the timers of `voters` fire, and gathers the votes they grant.
    pub(super) fn solicit(
        &mut self,
        request: RequestVote,
        voters: &[NodeId],
    ) -> Result<Votes, TraceError> {
        let (candidate, term) = (request.candidate, request.term);
        let request = ask(request);
        let mut votes = Votes::new();
        for voter in voters {
            self.network.deliver(*voter, &request)?;
            self.network.timeout(*voter)?;
            for envelope in self.network.sent_by(*voter)? {
                votes.extend(
                    envelope
                        .message
                        .vote()
                        .filter(|vote| vote.body.candidate == candidate)
                        .cloned(),
                );
            }
        }
        let own = self.network.byzantine();
        votes.extend(
            own.into_iter()
                .map(|node| granted(node, node, term, candidate)),
        );
        Ok(votes)
    }

    /// [`Halt::Uncommitted`] if nobody has committed all that everybody holds, else the verdict.
    pub(super) fn stalled(&self) -> Outcome {
        let logs = self.network.nodes().map(|node| node.log().len());
        let applied = self.network.nodes().map(|node| node.applied().len());
        let replicated = logs.min().unwrap_or_default();
        let committed = applied.max().unwrap_or_default();
        if committed < replicated {
            Outcome::Halted(Halt::Uncommitted {
                replicated,
                committed,
            })
        } else {
            self.network.verdict()
        }
    }
}

/// The end of a log that holds `entries`.
fn end_of(entries: &[Entry]) -> Position {
    let Some(last) = entries.last() else {
        return Position::START;
    };
    Position {
        term: last.term,
        index: Some(entries.len() - 1),
        hash: ChainHash::of(entries),
    }
}

/// A Byzantine candidate's request, under its own key.
pub(super) fn ask(request: RequestVote) -> Message {
    Message::RequestVote(Signed::new(request.candidate, request))
}

/// A yes for `candidate` that speaks for `voter` under the key of `signer`.
pub(super) fn granted(
    signer: NodeId,
    voter: NodeId,
    term: Term,
    candidate: NodeId,
) -> Signed<RequestVoteResponse> {
    let body = RequestVoteResponse {
        term,
        voter,
        granted: true,
        candidate,
        last_index: None,
    };
    Signed::new(signer, body)
}

/// Byzantine `leader` makes `entries` the whole log of whoever believes `votes`.
pub(super) fn propose(leader: NodeId, term: Term, entries: &[Entry], votes: &Votes) -> Message {
    let append = AppendEntries {
        term,
        leader,
        previous: Position::START,
        entries: entries.to_vec(),
        votes: votes.clone(),
    };
    Message::AppendEntries(Signed::new(leader, append))
}

/// A Byzantine node's own acknowledgement of a log that holds `entries`.
pub(super) fn acknowledge(node: NodeId, term: Term, entries: &[Entry]) -> Message {
    sign_acknowledgement(node, acknowledgement_for(node, term, entries))
}

/// An acknowledgement of a log that holds `entries`, in the name of `node`, not signed yet.
pub(super) fn acknowledgement_for(
    node: NodeId,
    term: Term,
    entries: &[Entry],
) -> AppendEntriesResponse {
    let Position { index, hash, .. } = end_of(entries);
    AppendEntriesResponse {
        term,
        node,
        success: true,
        convinced: true,
        index,
        hash,
    }
}

/// Puts the key of `signer` under an acknowledgement.
pub(super) fn sign_acknowledgement(signer: NodeId, body: AppendEntriesResponse) -> Message {
    Message::AppendEntriesResponse(Signed::new(signer, body))
}
