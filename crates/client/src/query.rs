//! Reading, at a chosen consistency (P7.2).

use consensus::{
    Mode, NodeId,
    mutation::{self, Mutation},
};
use node::frames::{ClientFrame, Refusal, ServerFrame};
use tokio::time::{Duration, Instant, sleep};

use crate::{
    client::Client,
    error::ClientError,
    link::Link,
    questions::Asked,
    tally::{self, Tally},
};

/// Between two attempts to get equal answers.
const PAUSE: Duration = Duration::from_millis(20);

/// For how long a linearizable read of Byzantine mode waits for one index, before it asks for the
/// index again: longer than what is accepted takes to be committed, or a bad leader to be deposed.
const SAME_INDEX: Duration = Duration::from_secs(2);

/// How much an answer can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// One node's word, whatever it is worth: the named one, or the leader, or any.
    Local(Option<NodeId>),
    /// f + 1 nodes say the same: true, and perhaps a moment old.
    #[default]
    Matching,
    /// As Matching, and no older than anything acknowledged before the question was asked.
    Linearizable,
}

/// An answer of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The application's bytes.
    pub bytes: Vec<u8>,
    /// The answered state is executed at least up to this index on each of the nodes.
    pub applied: u64,
    /// The nodes that said so.
    pub nodes: Vec<NodeId>,
}

impl Client {
    /// Asks the application of the nodes.
    ///
    /// # Errors
    /// [`ClientError::NoQuorum`] if too few nodes are connected, [`ClientError::NoMatch`] if too
    /// few say the same in time, [`ClientError::Busy`].
    pub async fn query(
        &self,
        question: &[u8],
        consistency: Consistency,
        timeout: Duration,
    ) -> Result<Answer, ClientError> {
        let deadline = Instant::now() + timeout;
        match consistency {
            Consistency::Local(node) => self.local(question, node, deadline).await,
            Consistency::Matching => self.matching(question, 0, deadline).await,
            Consistency::Linearizable => match self.shared.configuration.mode() {
                Mode::Byzantine if mutation::active(Mutation::ReadTrustsEqualAnswers) => {
                    let quorum = self.shared.configuration.sizes().quorum();
                    self.equal_answers(question, 0, quorum, deadline).await
                }
                Mode::Byzantine => self.after_accepted_index(question, deadline).await,
                Mode::Raft | Mode::RaftSigned => {
                    let index = self.leader_index(deadline).await?;
                    self.matching(question, index, deadline).await
                }
            },
        }
    }

    /// Byzantine mode: at the highest index that a quorum's nodes accepted (P7.2). A traitor that
    /// leads can raise that with entries that are never committed; so after a while the index is
    /// asked for again. A later choice is as good: what a quorum had accepted when the question was
    /// asked is on the chain of whoever leads after that.
    async fn after_accepted_index(
        &self,
        question: &[u8],
        deadline: Instant,
    ) -> Result<Answer, ClientError> {
        loop {
            let index = self.accepted_index(deadline).await?;
            let round = deadline.min(Instant::now() + SAME_INDEX);
            match self.matching(question, index, round).await {
                Err(ClientError::NoMatch { .. }) if Instant::now() < deadline => {}
                result => return result,
            }
        }
    }

    async fn local(
        &self,
        question: &[u8],
        node: Option<NodeId>,
        deadline: Instant,
    ) -> Result<Answer, ClientError> {
        if node.is_none() {
            self.shared
                .wait_for_links(deadline, |shared| shared.reachable() > 0)
                .await;
        } else {
            let up = |node: NodeId| self.shared.link(node).is_some_and(Link::is_up);
            self.shared
                .wait_for_links(deadline, |_| node.is_some_and(up))
                .await;
        }
        let Some(node) = node.or_else(|| self.somebody()) else {
            return Err(self.shared.no_quorum(1));
        };
        let mut asked = Asked::ask(&self.shared, [node], |id| query(id, 0, question));
        match asked.next(deadline).await {
            Some((
                node,
                ServerFrame::Answer {
                    applied, answer, ..
                },
            )) => Ok(Answer {
                bytes: answer,
                applied,
                nodes: vec![node],
            }),
            Some((_, ServerFrame::Refused { refusal, .. })) => Err(refused(&refusal)),
            _ => Err(self.no_match(0, 1)),
        }
    }

    /// The leader if it is connected, else anybody.
    fn somebody(&self) -> Option<NodeId> {
        let up = |node: &NodeId| self.shared.link(*node).is_some_and(Link::is_up);
        let all = || self.shared.links.iter().map(|link| link.node);
        self.shared.leader().filter(up).or_else(|| all().find(up))
    }

    /// Asks until f + 1 nodes give the same answer at `at_least` or later.
    async fn matching(
        &self,
        question: &[u8],
        at_least: u64,
        deadline: Instant,
    ) -> Result<Answer, ClientError> {
        let needed = self.shared.matching();
        self.equal_answers(question, at_least, needed, deadline)
            .await
    }

    /// Asks until enough nodes give the same answer. While the answer keeps changing, the nodes are
    /// asked again at the index that the slower of them reached.
    async fn equal_answers(
        &self,
        question: &[u8],
        mut at_least: u64,
        needed: usize,
        deadline: Instant,
    ) -> Result<Answer, ClientError> {
        self.settle_for_question(deadline).await?;
        let mut answered = 0;
        let mut busy = None;
        while Instant::now() < deadline {
            // Where one answer is enough, the leader's is the freshest.
            let nodes: Vec<NodeId> = match needed {
                1 => self.somebody().into_iter().collect(),
                _ => self.shared.links.iter().map(|link| link.node).collect(),
            };
            let mut asked = Asked::ask(&self.shared, nodes, |id| query(id, at_least, question));
            let mut tally = Tally::new(needed);
            let mut reached = Vec::new();
            // A node that is stuck must not use up the whole time.
            let round = deadline.min(Instant::now() + Duration::from_secs(2));
            while let Some((node, frame)) = asked.next(round).await {
                match frame {
                    ServerFrame::Answer {
                        applied, answer, ..
                    } if applied >= at_least => {
                        reached.push(applied);
                        let equal = |one: &(Vec<u8>, u64), other: &(Vec<u8>, u64)| one.0 == other.0;
                        if let Some(found) = tally.add(node, (answer, applied), equal).cloned() {
                            let nodes = tally.nodes(&found, equal).collect();
                            let applied = reached.iter().copied().min().unwrap_or(found.1);
                            return Ok(Answer {
                                bytes: found.0,
                                applied,
                                nodes,
                            });
                        }
                    }
                    ServerFrame::Refused { refusal, .. } => busy = Some(refused(&refusal)),
                    _ => {}
                }
            }
            answered = tally.answers();
            reached.sort_unstable();
            if let Some(index) = reached.get(needed.saturating_sub(1)) {
                at_least = at_least.max(*index);
            }
            sleep(PAUSE).await;
        }
        match busy {
            Some(busy) if answered == 0 => Err(busy),
            _ => Err(self.no_match(answered, needed)),
        }
    }

    /// Byzantine mode: the highest accepted index among a quorum's answers (P7.2).
    async fn accepted_index(&self, deadline: Instant) -> Result<u64, ClientError> {
        let quorum = self.shared.configuration.sizes().quorum();
        self.shared
            .wait_for_links(deadline, |shared| shared.reachable() >= quorum)
            .await;
        let mut asked = self.ask_all(|id| ClientFrame::ReadIndex { id });
        let mut indexes = Vec::new();
        while let Some((_, frame)) = asked.next(deadline).await {
            if let ServerFrame::ReadIndex { index, .. } = frame {
                indexes.push(index);
                // With every node but the faulty ones the choice is good enough; the rest may
                // never answer.
                if indexes.len() >= self.shared.configuration.sizes().reports() {
                    break;
                }
            }
        }
        let grace = deadline.min(Instant::now() + PAUSE);
        while let Some((_, frame)) = asked.next(grace).await {
            if let ServerFrame::ReadIndex { index, .. } = frame {
                indexes.push(index);
            }
        }
        tally::read_index(&indexes, quorum).ok_or_else(|| self.no_match(indexes.len(), quorum))
    }

    /// Raft modes: the leader's ReadIndex.
    async fn leader_index(&self, deadline: Instant) -> Result<u64, ClientError> {
        let mut refusal = None;
        while Instant::now() < deadline {
            let leader_is_up = |client: &Self| {
                client
                    .shared
                    .leader()
                    .and_then(|leader| client.shared.link(leader))
                    .is_some_and(Link::is_up)
            };
            self.shared
                .wait_for_links(deadline, |_| leader_is_up(self))
                .await;
            if let Some(leader) = self.shared.leader() {
                let mut asked =
                    Asked::ask(&self.shared, [leader], |id| ClientFrame::ReadIndex { id });
                let round = deadline.min(Instant::now() + Duration::from_secs(2));
                match asked.next(round).await {
                    Some((_, ServerFrame::ReadIndex { index, .. })) => return Ok(index),
                    Some((_, ServerFrame::Refused { refusal: why, .. })) => {
                        refusal = Some(refused(&why));
                    }
                    _ => {}
                }
            }
            sleep(PAUSE).await;
        }
        Err(refusal.unwrap_or_else(|| {
            self.shared
                .no_quorum(self.shared.configuration.sizes().quorum())
        }))
    }
}

fn query(id: u64, at_least: u64, question: &[u8]) -> ClientFrame {
    ClientFrame::Query {
        id,
        at_least,
        question: question.to_vec(),
    }
}

fn refused(refusal: &Refusal) -> ClientError {
    match refusal {
        Refusal::Busy { retry_after } => ClientError::Busy {
            retry_after: Duration::from_millis(*retry_after),
        },
        Refusal::Invalid(reason) => ClientError::Invalid(reason.clone()),
        _ => ClientError::Busy {
            retry_after: Duration::from_millis(100),
        },
    }
}
