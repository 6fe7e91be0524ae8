//! A real certificate cut down to a point below its term's base.
//!
//! Everybody's vote of term 1 extends what term 0 committed. A traitor takes such votes and the
//! headers below base(1), and reports them as if term 1 had certified an old point only. Were that
//! knowledge of term 1, the next leader would start from there, and drop what is committed.

use std::{collections::BTreeMap, sync::Arc};

use consensus::{
    EntryHeader, Message, NodeId, Signed, Term, Time,
    certificate::{Counted, QuorumCertificate},
    event::Recipient,
    message::{Report, Vote},
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
    id: "cut-certificate",
    rule: "P2.7, P4.8",
    summary: "a report shows a real certificate cut down to a point below base",
    published: "",
    play,
}];

/// Leads term 0; cut off for a while, so that others lead.
const FIRST: NodeId = NodeId(0);
/// Leads term 1; its entries are lost.
const SECOND: NodeId = NodeId(1);
const TRAITOR: NodeId = NodeId(3);

/// Two requests are committed.
const COMMITTED: Time = Time::from_millis(300);
/// n1 leads, without n0.
const RECONNECTED: Time = Time::from_millis(1_400);
/// So much later than others the report of n1 may arrive.
const HELD_BACK: Time = Time::from_millis(200);
/// n2 had time to be elected.
const MENDED: Time = Time::from_millis(15_000);

#[derive(Default)]
struct Cutter {
    headers: BTreeMap<u64, EntryHeader>,
    votes: BTreeMap<NodeId, Signed<Vote>>,
}

impl Cutter {
    fn hears(&mut self, message: &Message) {
        match message {
            Message::AppendEntries(signed) => {
                for entry in &signed.body.entries {
                    let header = entry.header().clone();
                    self.headers.insert(header.index.0, header);
                }
            }
            Message::Vote(signed) if signed.body.term == Term(1) => {
                self.votes.insert(signed.signer, signed.clone());
            }
            _ => {}
        }
    }

    /// Votes of term 1, as if they spoke about index 2 only.
    fn certificate(&self) -> Option<QuorumCertificate> {
        let furthest = self
            .votes
            .values()
            .filter_map(|vote| vote.body.accepted)
            .map(|point| point.index.0)
            .max()?;
        let mut headers = (2..=furthest)
            .map(|index| self.headers.get(&index).cloned())
            .collect::<Option<Vec<_>>>()?;
        Some(QuorumCertificate {
            counted: Counted::Accepted,
            header: headers.remove(0),
            following: headers,
            votes: self.votes.values().cloned().collect(),
        })
    }
}

impl Adversary for Cutter {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        self.hears(message);
        if let Message::Report(signed) = &**message
            && signed.body.pair.term == Term(1)
            && let Some(certificate) = self.certificate()
        {
            let cut = tools.sign(Report {
                accept: Some(certificate),
                commit: None,
                ..signed.body.clone()
            });
            return tools.pass(to, &cut);
        }
        tools.pass(to, message);
    }

    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        self.hears(message);
        true
    }
}

/// What travels; `reported` is when the first report for n2's term was sent.
fn permits(
    reported: &mut Option<Time>,
    now: Time,
    (from, to): (NodeId, NodeId),
    message: &Message,
) -> bool {
    if !(COMMITTED..MENDED).contains(&now) {
        return true;
    }
    if now < RECONNECTED && (from == FIRST || to == FIRST) {
        return false;
    }
    match message {
        // Only the traitor sees what n1 makes, as long as n1 leads.
        Message::AppendEntries(_) if from == SECOND => to == TRAITOR,
        Message::FetchReply(_) => reported.is_some(),
        // The traitor's report comes before that of n1.
        Message::Report(signed) if signed.body.term == Term(2) => {
            let first = *reported.get_or_insert(now);
            from != SECOND || now >= first.after(HELD_BACK)
        }
        _ => true,
    }
}

fn play(trace: Trace) -> Result<String, String> {
    let traitor = (TRAITOR, Box::new(Cutter::default()) as Box<dyn Adversary>);
    let mut reported = None;
    let rules = Rules(move |now, from, to, message: &Message| {
        permits(&mut reported, now, (from, to), message)
    });
    let mut simulation = stage(traitor, Box::new(rules), trace);
    let first = simulation.ask(FIRST, 0, 1, 10);
    simulation.run_until(Time::from_millis(100));
    let second = simulation.ask(FIRST, 2, 3, 20);
    simulation.run_until(COMMITTED);
    if simulation.outcome_at(SECOND, &second).is_none() {
        return Err("the script failed: both requests should be committed".to_owned());
    }
    simulation.run_until(MENDED);
    let changes = simulation.world.leader_changes();
    settled(&mut simulation)?;
    if changes < 2 {
        return Err("the script failed: two leaders should have been elected".to_owned());
    }
    if simulation.world.refused == 0 {
        return Err("the script failed: no report was refused".to_owned());
    }
    for node in [FIRST, SECOND, NodeId(2)] {
        if simulation.outcome_at(node, &first).is_none() {
            return Err(format!("{node} lacks what was committed"));
        }
    }
    Ok("no fork: a certificate of a term says nothing about points below its base".to_owned())
}
