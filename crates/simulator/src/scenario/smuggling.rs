//! Reports of a former leader that name entries which it signed all by itself: with a wild timestamp,
//! and of a term that never had a leader (S4, § 13).

use std::sync::Arc;

use consensus::{
    EntryHeader, Message, NodeId, Point, Term, Time,
    certificate::QuorumCertificate,
    entry::EntryKind,
    event::Recipient,
    message::{AppendEntries, Justification, PairReport, Report},
};

use super::{
    Script,
    checks::{Count, all_hold, ask_often, pass},
    faultless::{Faultless, settled},
    script::Rules,
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[
    Script {
        id: "wild-timestamp",
        rule: "P3.2, P4.5",
        summary: "a deposed leader reports an entry of its own that lies far in the future",
        published: "",
        play: far_ahead,
    },
    Script {
        id: "timestamp-that-goes-back",
        rule: "P3.2, P4.5",
        summary: "a deposed leader reports an entry of its own that is older than the one before",
        published: "",
        play: goes_back,
    },
    Script {
        id: "branch-without-election",
        rule: "P4.5",
        summary: "reports name a branch of a term that never had a leader, signed by who would have led it",
        published: "",
        play: unjustified,
    },
];

/// Leads term 0 for a while; then it signs one more entry and reports it for ever.
struct Smuggler {
    timestamp: Option<u64>,
    payload: Option<Arc<[u8]>>,
    commit: Option<QuorumCertificate>,
    last_timestamp: u64,
    told: Vec<Term>,
    reports: Count,
}

const STOPS: Time = Time::from_millis(1_000);

impl Smuggler {
    fn new(timestamp: Option<u64>) -> Self {
        Self {
            timestamp,
            payload: None,
            commit: None,
            last_timestamp: 0,
            told: Vec::new(),
            reports: Count::default(),
        }
    }

    /// The smuggled entry, of `term`, after `previous`.
    fn entry(
        &self,
        tools: &Tools<'_>,
        term: Term,
        previous: Point,
    ) -> Option<Arc<consensus::Entry>> {
        let header = EntryHeader {
            kind: EntryKind::Transactions,
            epoch: tools.configuration().epoch(),
            term,
            index: previous.index.next(),
            author: tools.me(),
            previous: previous.hash,
            body_root: consensus::Hash([0; 32]),
            count: 0,
            timestamp: self.timestamp.unwrap_or(self.last_timestamp),
        };
        Some(tools.entry(header, vec![Arc::clone(self.payload.as_ref()?)]))
    }

    /// The term that the branch claims to be of: the last before `term` that it leads, or the first
    /// of all for a timestamp.
    fn claims(&self, tools: &Tools<'_>, term: Term) -> Option<Term> {
        if self.timestamp.is_some() {
            return Some(Term::ZERO);
        }
        let configuration = tools.configuration();
        let mut before = (1..term.0).rev().map(Term);
        before.find(|&term| configuration.leader(term) == tools.me())
    }

    fn report(&mut self, tools: &mut Tools<'_>, truth: &Report) {
        let Some(commit) = self.commit.clone() else {
            return;
        };
        let last = commit.point(tools.configuration());
        let Some(term) = self.claims(tools, truth.term) else {
            return;
        };
        let Some(entry) = self.entry(tools, term, last) else {
            return;
        };
        let append = tools.sign(AppendEntries {
            epoch: truth.epoch,
            term,
            previous: last,
            entries: vec![Arc::clone(&entry)],
            commit: None,
            election: None,
        });
        tools.pass(Recipient::Others, &append);
        let report = tools.sign(Report {
            pair: PairReport {
                term,
                point: entry.point(),
                headers: vec![entry.signed.clone()],
                justification: Justification::Opening,
            },
            accept: None,
            commit: Some(commit),
            ..truth.clone()
        });
        tools.pass(Recipient::Others, &report);
        self.reports.add();
    }
}

impl Adversary for Smuggler {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        if tools.now >= STOPS {
            return;
        }
        match &**message {
            Message::Heartbeat(signed) => self.commit.clone_from(&signed.body.commit),
            Message::AppendEntries(signed) => {
                for entry in &signed.body.entries {
                    self.last_timestamp = entry.header().timestamp;
                    if entry.header().kind == EntryKind::Transactions {
                        self.payload = entry.payloads.first().cloned();
                    }
                }
            }
            _ => {}
        }
        tools.pass(to, message);
    }

    fn receives(&mut self, tools: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if let Message::Report(signed) = message
            && tools.now >= STOPS
            && !self.told.contains(&signed.body.term)
        {
            self.told.push(signed.body.term);
            self.report(tools, &signed.body);
        }
        true
    }
}

/// Plays it with every term up to this one unlucky: its request for votes is lost.
fn smuggle(smuggler: Smuggler, unlucky: u64, trace: Trace) -> Result<String, String> {
    let reports = smuggler.reports.clone();
    let rules = move |_: Time, _: NodeId, _: NodeId, message: &Message| !matches!(message, Message::RequestVote(signed) if signed.body.term.0 <= unlucky);
    let mut simulation = Faultless {
        traitors: vec![(NodeId(0), Box::new(smuggler))],
        director: Some(Box::new(Rules(rules))),
        ..Faultless::FOUR
    }
    .start(50, trace);
    let mut requests = ask_often(&mut simulation, NodeId(1), 6, 100);
    simulation.run_until(STOPS);
    requests.extend(ask_often(&mut simulation, NodeId(1), 2, 200));
    let patience = if unlucky > 0 { 60_000 } else { 6_000 };
    pass(&mut simulation, patience);
    let reports = reports.happened("smuggling report")?;
    all_hold(&simulation, &requests)?;
    settled(&mut simulation)?;
    Ok(format!(
        "{reports} reports with smuggled entries held nobody up"
    ))
}

fn far_ahead(trace: Trace) -> Result<String, String> {
    smuggle(Smuggler::new(Some(u64::MAX / 2)), 0, trace)
}

fn goes_back(trace: Trace) -> Result<String, String> {
    smuggle(Smuggler::new(Some(5)), 0, trace)
}

fn unjustified(trace: Trace) -> Result<String, String> {
    smuggle(Smuggler::new(None), 4, trace)
}
