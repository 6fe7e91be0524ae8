//! A report whose pair nothing justifies.
//!
//! n1 was never elected in term 1, which ended without a leader. In its report for term 2 it claims
//! to have accepted an entry of term 1 all the same, one of its own making that hangs from an old
//! point. No other report names so high a term.

use std::sync::Arc;

use consensus::{
    Entry, EntryHeader, EntryKind, Message, NodeId, Term, Time,
    event::Recipient,
    message::{Justification, PairReport, Report},
};

use super::{
    Script,
    faultless::settled,
    script::{Rules, stage},
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "unjustified-branch",
    rule: "P4.5",
    summary: "a report claims an entry of a term that nobody was elected in",
    published: "",
    play,
}];

/// Leads term 0; cut off for a while.
const FIRST: NodeId = NodeId(0);
/// Leads term 1, and does not want to.
const TRAITOR: NodeId = NodeId(1);
/// Leads term 2.
const NEXT: NodeId = NodeId(2);

const COMMITTED: Time = Time::from_millis(300);
/// Later than n2 collects reports: with that of n0 it would not need the traitor's.
const RECONNECTED: Time = Time::from_millis(2_500);
const MENDED: Time = Time::from_millis(15_000);

#[derive(Default)]
struct Inventor {
    invented: Option<Arc<Entry>>,
}

impl Adversary for Inventor {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            // It lets its own term pass.
            Message::RequestVote(signed) if signed.body.term == Term(1) => {}
            Message::Report(signed) if signed.body.term == Term(2) => {
                let Some(invented) = &self.invented else {
                    return tools.pass(to, message);
                };
                let claim = tools.sign(Report {
                    pair: PairReport {
                        term: Term(1),
                        point: invented.point(),
                        headers: vec![invented.signed.clone()],
                        justification: Justification::Opening,
                    },
                    accept: None,
                    commit: None,
                    ..signed.body.clone()
                });
                tools.pass(to, &claim);
            }
            _ => tools.pass(to, message),
        }
    }

    /// The first request's entry, made again for term 1.
    fn receives(&mut self, tools: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if let Message::AppendEntries(signed) = message
            && let Some(entry) = signed
                .body
                .entries
                .iter()
                .find(|entry| entry.header().kind == EntryKind::Transactions)
            && self.invented.is_none()
        {
            let header = EntryHeader {
                term: Term(1),
                ..entry.header().clone()
            };
            self.invented = Some(tools.entry(header, entry.payloads.clone()));
        }
        true
    }
}

fn permits(now: Time, from: NodeId, to: NodeId, _: &Message) -> bool {
    !(COMMITTED..RECONNECTED).contains(&now) || (from != FIRST && to != FIRST)
}

fn play(trace: Trace) -> Result<String, String> {
    let traitor = (TRAITOR, Box::new(Inventor::default()) as Box<dyn Adversary>);
    let mut simulation = stage(traitor, Box::new(Rules(permits)), trace);
    let first = simulation.ask(FIRST, 0, 1, 10);
    simulation.run_until(Time::from_millis(100));
    let second = simulation.ask(FIRST, 2, 3, 20);
    simulation.run_until(COMMITTED);
    if simulation.outcome_at(NEXT, &second).is_none() {
        return Err("the script failed: both requests should be committed".to_owned());
    }
    simulation.run_until(MENDED);
    settled(&mut simulation)?;
    if simulation.world.leader_changes() == 0 {
        return Err("the script failed: n2 should have been elected".to_owned());
    }
    for node in [FIRST, NEXT, NodeId(3)] {
        if simulation.outcome_at(node, &first).is_none() {
            return Err(format!("{node} lacks what was committed"));
        }
    }
    Ok("no fork: a report without justification counts for nothing".to_owned())
}
