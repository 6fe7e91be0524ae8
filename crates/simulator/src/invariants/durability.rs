//! A promise never leaves before it is on disk: a vote, a lock, a grant, a report, a Raft vote or
//! acknowledgement, and whatever says that its sender entered or leads a term.

use consensus::{
    NodeId, Point, Signed, Term,
    event::Recipient,
    message::{AppendOutcome, Message, RaftAppendReply, Report, Vote},
};

use super::Invariant;
use crate::{
    durable::Durable,
    oracle::{History, Observation},
};

pub(super) struct Durability;

impl Invariant for Durability {
    fn name(&self) -> &'static str {
        "a vote never precedes its write"
    }

    fn rule(&self) -> &'static str {
        "P11.1, P3.2, P3.8"
    }

    fn observe(
        &mut self,
        history: &History,
        node: NodeId,
        observation: &Observation<'_>,
    ) -> Result<(), String> {
        let Observation::Sent {
            to,
            message,
            durable,
        } = observation
        else {
            return Ok(());
        };
        // What it passes on for others binds only them.
        if message.signer() != node {
            return Ok(());
        }
        let opening = history.configuration().opening();
        covered(message, *to, node, durable, opening)
            .map_err(|missing| format!("{} leaves before {missing} is durable", message.name()))
    }
}

fn covered(
    message: &Message,
    to: Recipient,
    node: NodeId,
    durable: &Durable,
    opening: Point,
) -> Result<(), String> {
    match message {
        Message::Vote(vote) => vote_covered(&vote.body, durable, opening),
        Message::Report(report) => report_covered(report, durable, opening),
        Message::RequestVote(request) => {
            needs(durable.granted(&request.body.grant()), || "its own grant")
        }
        Message::VoteGranted(grant) => needs(durable.granted(&grant.body), || "the grant"),
        Message::AppendEntries(append) if !append.body.entries.is_empty() => {
            needs(durable.led >= Some(append.body.term), || "that it leads")
        }
        Message::RaftRequestVote(request) if !request.body.pre_vote => {
            term_entered(durable, request.body.term)?;
            needs(
                durable.voted_for(request.body.term) == Some(node),
                || "its vote for itself",
            )
        }
        Message::RaftVote(vote) if vote.body.granted && !vote.body.pre_vote => {
            let candidate = match to {
                Recipient::Node(candidate) => Some(candidate),
                Recipient::Others => None,
            };
            let voted = durable.voted_for(vote.body.term);
            needs(voted.is_some() && voted == candidate, || "the vote")
        }
        Message::RaftAppend(append) => term_entered(durable, append.body.term),
        Message::RaftAppendReply(reply) => reply_covered(&reply.body, durable),
        _ => Ok(()),
    }
}

fn needs(condition: bool, what: impl FnOnce() -> &'static str) -> Result<(), String> {
    if condition {
        Ok(())
    } else {
        Err(what().to_owned())
    }
}

fn term_entered(durable: &Durable, term: Term) -> Result<(), String> {
    if durable.term >= term {
        Ok(())
    } else {
        Err(format!("term {term}"))
    }
}

fn vote_covered(vote: &Vote, durable: &Durable, opening: Point) -> Result<(), String> {
    if let Some(accepted) = vote.accepted {
        let starts = accepted == opening && vote.term == Term::ZERO;
        if !durable.holds(accepted) || !(starts || durable.accepted(vote.term, accepted)) {
            return Err(format!("its accepted point {accepted}"));
        }
    }
    if let Some(locked) = vote.locked
        && !durable.locked(vote.term, locked)
    {
        return Err(format!("its lock on {locked}"));
    }
    Ok(())
}

fn report_covered(
    report: &Signed<Report>,
    durable: &Durable,
    opening: Point,
) -> Result<(), String> {
    let (body, pair) = (&report.body, &report.body.pair);
    term_entered(durable, body.term)?;
    let starts = pair.point == opening && pair.term == Term::ZERO;
    if starts || durable.accepted(pair.term, pair.point) {
        Ok(())
    } else {
        Err(format!("the pair ({}, {})", pair.term, pair.point))
    }
}

fn reply_covered(reply: &RaftAppendReply, durable: &Durable) -> Result<(), String> {
    term_entered(durable, reply.term)?;
    match reply.outcome {
        AppendOutcome::Matched(point) if !durable.holds(point) => Err(format!("the entry {point}")),
        _ => Ok(()),
    }
}
