//! What a correct node promises in one term never contradicts itself, not even across a crash: its
//! accepted points form one chain, its locked points too, it grants one base, and in Raft it votes
//! for one candidate.

use consensus::{
    NodeId, Point, Term,
    event::Recipient,
    message::{Grant, Message},
};

use super::Invariant;
use crate::oracle::{ByTerm, History, Observation};

#[derive(Clone, Default)]
struct Promises {
    accepted: ByTerm<Point>,
    locked: ByTerm<Point>,
    grants: ByTerm<Grant>,
    votes: ByTerm<NodeId>,
}

pub(super) struct SteadyPromises {
    nodes: Vec<Promises>,
}

impl SteadyPromises {
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            nodes: vec![Promises::default(); nodes],
        }
    }
}

/// Keeps the furthest point of a term; the new one must lie on its chain.
fn one_chain(
    history: &History,
    points: &mut ByTerm<Point>,
    term: Term,
    point: Point,
    what: &str,
) -> Result<(), String> {
    let furthest = points.entry(term).or_insert(point);
    let (higher, lower) = if point.index >= furthest.index {
        (point, *furthest)
    } else {
        (*furthest, point)
    };
    if !history.extends(higher, lower) {
        return Err(format!(
            "in term {term} it {what} {point} after {furthest}, which fork"
        ));
    }
    *furthest = higher;
    Ok(())
}

impl Invariant for SteadyPromises {
    fn name(&self) -> &'static str {
        "steady promises"
    }

    fn rule(&self) -> &'static str {
        "P3.4, P4.7, P7.3, P10.1"
    }

    fn observe(
        &mut self,
        history: &History,
        node: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        let Observation::Sent { to, message, .. } = observation else {
            return Ok(());
        };
        if message.signer() != node {
            return Ok(());
        }
        let promises = &mut self.nodes[node.position()];
        match message {
            Message::Vote(vote) => {
                let term = vote.body.term;
                if let Some(point) = vote.body.accepted {
                    one_chain(history, &mut promises.accepted, term, point, "accepted")?;
                }
                if let Some(point) = vote.body.locked {
                    one_chain(history, &mut promises.locked, term, point, "locked")?;
                }
                Ok(())
            }
            Message::VoteGranted(signed) => {
                let grant = &signed.body;
                let first = promises
                    .grants
                    .entry(grant.term)
                    .or_insert_with(|| grant.clone());
                if first == grant {
                    Ok(())
                } else {
                    Err(format!(
                        "granted {} after {} in term {}",
                        grant.base, first.base, grant.term
                    ))
                }
            }
            Message::RaftVote(vote) if vote.body.granted && !vote.body.pre_vote => {
                let Recipient::Node(candidate) = to else {
                    return Err("granted its vote to everybody".to_owned());
                };
                let first = promises.votes.entry(vote.body.term).or_insert(*candidate);
                if first == candidate {
                    Ok(())
                } else {
                    Err(format!(
                        "voted for {candidate} after {first} in term {}",
                        vote.body.term
                    ))
                }
            }
            _ => Ok(()),
        }
    }
}
