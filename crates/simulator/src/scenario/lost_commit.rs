//! A1 and A2: one node commits an entry, is cut off, and the leader changes.
//!
//! D leads term 0 and shows its entry m to A and B only. A hears the votes of B and D and commits;
//! nobody else learns of any of that, A's messages are lost, and D denies having seen m. In A2 the
//! next leader is the honest C, which knows nothing of m. In A1 the elections of C and B fail, and
//! D leads again. The published rule then commits another entry in m's place. Ours asks for n − f
//! reports, of which B's names m.

use std::sync::Arc;

use consensus::{
    Index, Message, NodeId, Term, Time,
    event::Recipient,
    message::{AppendEntries, Leave, Reason, RequestVote, Suspect},
};

use super::{
    Script,
    faultless::settled,
    script::{Rules, denial, stage},
};
use crate::{
    adversary::{Adversary, Tools},
    simulation::Simulation,
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[
    Script {
        id: "A1",
        rule: "P4.7, P4.8",
        summary: "a Byzantine leader returns and does not extend what one node committed",
        published: "A1",
        play: same_leader,
    },
    Script {
        id: "A2",
        rule: "P4.7, P4.8",
        summary: "an honest leader follows that never saw what one node committed",
        published: "A2",
        play: honest_successor,
    },
];

/// Leads terms 0, 4, 8, …
pub(super) const D: NodeId = NodeId(0);
/// Leads terms 1, 5, 9, …
const A: NodeId = NodeId(1);
const C: NodeId = NodeId(2);
pub(super) const B: NodeId = NodeId(3);

/// A has committed by then, and is cut off.
const A_COMMITTED: Time = Time::from_millis(400);
/// The others had time for a leader change, and the network is mended.
const MENDED: Time = Time::from_millis(40_000);

/// D: shows m to A and B, denies it afterwards, and does not build on it.
pub(super) struct Denier;

impl Denier {
    /// The entries again, as if nothing stood before the first of them.
    fn rebased(tools: &Tools<'_>, append: &AppendEntries) -> AppendEntries {
        let mut previous = tools.configuration().opening();
        let entries = append.entries.iter().map(|entry| {
            let mut header = entry.header().clone();
            header.previous = previous.hash;
            header.index = previous.index.next();
            let entry = tools.entry(header, entry.payloads.clone());
            previous = entry.point();
            entry
        });
        let entries = entries.collect();
        AppendEntries {
            previous: tools.configuration().opening(),
            entries,
            ..append.clone()
        }
    }
}

impl Adversary for Denier {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::Report(signed) => {
                let denial = tools.sign(denial(tools, &signed.body));
                tools.pass(to, &denial);
            }
            // It asks for grants of a base without m first, and then as it should: nobody may
            // grant the one, and the other makes it leader.
            Message::RequestVote(signed) => {
                let forged = tools.sign(RequestVote {
                    base: tools.configuration().opening(),
                    ..signed.body.clone()
                });
                tools.pass(to, &forged);
                tools.pass(to, message);
            }
            Message::AppendEntries(signed) if signed.body.term > Term::ZERO => {
                let mine = |entry: &Arc<consensus::Entry>| entry.header().author == D;
                if signed.body.entries.iter().all(mine) {
                    let rebased = Self::rebased(tools, &signed.body);
                    let rebased = tools.sign(rebased);
                    tools.pass(to, &rebased);
                }
            }
            _ => tools.pass(to, message),
        }
    }

    /// D does all it can for a leader change.
    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        if tools.now < A_COMMITTED || tools.now > MENDED {
            return;
        }
        let message = tools.sign(Suspect {
            epoch: tools.configuration().epoch(),
            term,
            commit: tools.configuration().opening(),
            uncommitted: None,
            reason: Reason::Silent,
        });
        let leave = tools.sign(Leave {
            epoch: tools.configuration().epoch(),
            term,
            reason: Reason::Silent,
            followed: false,
        });
        for node in tools.peers() {
            tools.send(node, Arc::clone(&message));
            tools.send(node, Arc::clone(&leave));
        }
    }
}

/// What travels. `unlucky`: terms whose leaders' requests for votes are lost.
pub(super) fn permits(
    now: Time,
    from: NodeId,
    to: NodeId,
    message: &Message,
    unlucky: &[Term],
) -> bool {
    if now >= MENDED {
        return true;
    }
    // Nothing that A says arrives, and A hears nothing once it committed.
    if from == A || (to == A && now >= A_COMMITTED) {
        return false;
    }
    if let Message::RequestVote(signed) = message {
        return !unlucky.contains(&signed.body.term);
    }
    // Of the first term only A hears votes, and C sees no entry.
    let of_first_term = message.term() == Some(Term::ZERO);
    match message {
        Message::Vote(_) if of_first_term => to == A,
        Message::AppendEntries(_) | Message::Heartbeat(_) if of_first_term => to != C,
        Message::Fetch(_) | Message::FetchReply(_) => now >= A_COMMITTED,
        _ => true,
    }
}

pub(super) fn commit_at_a(simulation: &mut Simulation) -> Result<consensus::RequestKey, String> {
    let lost = simulation.ask(D, 0, 1, 10);
    simulation.run_until(A_COMMITTED);
    let only_a = simulation
        .hosts
        .iter()
        .filter(|host| !host.is_byzantine())
        .all(|host| {
            let applied = host.applied().map_or(Index::ZERO, |applied| applied.index);
            (applied > Index::ZERO) == (host.id() == A)
        });
    if only_a && simulation.outcome_at(A, &lost).is_some() {
        Ok(lost)
    } else {
        Err("the script failed: A alone should have committed".to_owned())
    }
}

pub(super) fn finish(
    mut simulation: Simulation,
    lost: consensus::RequestKey,
) -> Result<String, String> {
    let first = simulation.outcome_at(A, &lost);
    let second = simulation.ask(C, 2, 3, 20);
    simulation.run_until(MENDED);
    let without_a = simulation.world.leader_changes();
    let kept_by_c = simulation.outcome_at(C, &lost);
    settled(&mut simulation)?;
    for node in [A, B, C] {
        if simulation.outcome_at(node, &lost) != first {
            return Err(format!("{node} does not hold what A committed"));
        }
        if simulation.outcome_at(node, &second).is_none() {
            return Err(format!("{node} lacks the second request"));
        }
    }
    if kept_by_c != first {
        return Err("the next leader did not take up what A committed".to_owned());
    }
    Ok(format!(
        "no fork; {without_a} leader changes without A, and everybody keeps what A committed"
    ))
}

/// A2.
fn honest_successor(trace: Trace) -> Result<String, String> {
    let rules = Rules(|now, from, to, message: &Message| permits(now, from, to, message, &[]));
    let mut simulation = stage((D, Box::new(Denier)), Box::new(rules), trace);
    let lost = commit_at_a(&mut simulation)?;
    finish(simulation, lost)
}

/// A1.
fn same_leader(trace: Trace) -> Result<String, String> {
    let rules = Rules(|now, from, to, message: &Message| {
        permits(now, from, to, message, &[Term(2), Term(3)])
    });
    let mut simulation = stage((D, Box::new(Denier)), Box::new(rules), trace);
    let lost = commit_at_a(&mut simulation)?;
    finish(simulation, lost)
}
