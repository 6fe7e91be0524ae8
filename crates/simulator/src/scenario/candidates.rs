//! Byzantine leaders of the next term: hiding reports, cutting the tail off, asking for two bases;
//! and a lock that only one node holds (S1, S7, § 13).

use std::{collections::BTreeMap, sync::Arc};

use consensus::{
    Message, NodeId, Signed, Term, Time,
    event::Recipient,
    message::{AppendEntries, Grant, Report, RequestVote},
};

use super::{
    Script,
    checks::{Count, all_hold, ask_often, pass},
    faultless::{Faultless, settled},
    script::{Rules, denial},
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[
    Script {
        id: "tail-fork",
        rule: "P4.7, P4.8",
        summary: "the next leader hides the report of who committed, cuts its own, and builds on the entry before",
        published: "",
        play: tail_fork,
    },
    Script {
        id: "two-requests",
        rule: "P4.7",
        summary: "the next leader asks half of the nodes with some reports and the others with others, then swaps",
        published: "",
        play: two_requests,
    },
    Script {
        id: "hidden-lock",
        rule: "P3.5, P4.8",
        summary: "only one of seven nodes holds the certificate, and is away; two traitors deny everything",
        published: "",
        play: hidden_lock,
    },
];

/// Leads term 1, and wants the last entry of term 0 forgotten.
struct Cutter {
    hides: NodeId,
    asked: Count,
}

impl Cutter {
    fn cut(tools: &Tools<'_>, truth: &Report) -> Report {
        let mut cut = truth.clone();
        if let Some(last) = cut.pair.headers.pop() {
            cut.pair.point.index = last.header.index.previous();
            cut.pair.point.hash = last.header.previous;
            cut.accept = None;
            cut.commit = None;
            cut
        } else {
            denial(tools, truth)
        }
    }

    fn ask(&self, tools: &mut Tools<'_>, to: Recipient, truth: &RequestVote) {
        let me = tools.me();
        let cut: Vec<Signed<Report>> = truth
            .reports
            .iter()
            .filter(|report| report.signer != self.hides)
            .map(|report| match report.signer == me {
                true => tools.signed(Self::cut(tools, &report.body)),
                false => report.clone(),
            })
            .collect();
        let bases: Vec<_> = cut.iter().map(|report| report.body.pair.point).collect();
        let mut padded = cut.clone();
        padded.extend(cut.first().cloned());
        for reports in [cut, padded] {
            for &base in bases.iter().chain([&tools.configuration().opening()]) {
                let request = tools.sign(RequestVote {
                    base,
                    reports: reports.clone(),
                    ..truth.clone()
                });
                tools.pass(to, &request);
                self.asked.add();
            }
        }
    }
}

impl Adversary for Cutter {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::RequestVote(signed) => {
                self.ask(tools, to, &signed.body);
                tools.pass(to, message);
            }
            Message::Report(signed) => {
                let cut = tools.sign(Self::cut(tools, &signed.body));
                tools.pass(to, &cut);
            }
            // Elected all the same, it leaves the tail out.
            Message::AppendEntries(signed) => {
                let mut append = signed.body.clone();
                if let Some(first) = append.entries.first().cloned() {
                    let mut header = first.header().clone();
                    header.index = header.index.previous();
                    header.previous = tools.configuration().opening().hash;
                    append.entries = vec![tools.entry(header, first.payloads.clone())];
                    append.previous = tools.configuration().opening();
                }
                let forked: AppendEntries = append;
                let forked = tools.sign(forked);
                tools.pass(to, &forked);
            }
            Message::Heartbeat(_) => {}
            _ => tools.pass(to, message),
        }
    }
}

fn tail_fork(trace: Trace) -> Result<String, String> {
    const COMMITTED: Time = Time::from_millis(1_200);
    let cutter = Cutter {
        hides: NodeId(2),
        asked: Count::default(),
    };
    let asked = cutter.asked.clone();
    // From one second on only n2 hears votes, and it tells nobody before the leader changed.
    let rules = |now: Time, from: NodeId, to: NodeId, message: &Message| {
        let vote = matches!(
            message,
            Message::Vote(_) | Message::Heartbeat(_) | Message::Proof(_)
        );
        let early = now < Time::from_millis(1_000);
        let telling = from == NodeId(2) && now < Time::from_millis(2_500);
        early
            || now > Time::from_millis(6_000)
            || !(telling || (vote && to != NodeId(2) && now < COMMITTED))
    };
    let mut simulation = Faultless {
        traitors: vec![(NodeId(1), Box::new(cutter))],
        director: Some(Box::new(Rules(rules))),
        ..Faultless::FOUR
    }
    .start(40, trace);
    let mut requests = ask_often(&mut simulation, NodeId(0), 5, 150);
    pass(&mut simulation, 270);
    requests.extend(ask_often(&mut simulation, NodeId(0), 1, 20));
    simulation.run_until(COMMITTED);
    let last = requests.last().ok_or("no request")?;
    if simulation.outcome_at(NodeId(2), last).is_none() {
        return Err("the script failed: n2 should have committed".to_owned());
    }
    if simulation.outcome_at(NodeId(3), last).is_some() {
        return Err("the script failed: n3 should not have committed".to_owned());
    }
    simulation.hosts[0].crash();
    pass(&mut simulation, 1_500);
    let now = simulation.world.now;
    simulation.hosts[0].start(&mut simulation.world);
    simulation.run_until(now.after(Time::from_millis(8_000)));
    requests.extend(ask_often(&mut simulation, NodeId(3), 1, 10));
    settled(&mut simulation)?;
    all_hold(&simulation, &requests)?;
    Ok(format!(
        "{} false requests got nowhere, and the last entry stays",
        asked.happened("false request for votes")?
    ))
}

/// Leads term 1 of seven nodes.
#[derive(Default)]
struct TwoFaced {
    reports: BTreeMap<NodeId, Signed<Report>>,
    requests: Vec<Arc<Message>>,
    granted: BTreeMap<NodeId, Vec<Grant>>,
    grants: Count,
    both: Count,
    swapped: bool,
}

impl TwoFaced {
    fn ask(&self, tools: &mut Tools<'_>) {
        for node in tools.peers() {
            let face = (usize::from(node.0) + usize::from(self.swapped)) % self.requests.len();
            tools.send(node, Arc::clone(&self.requests[face]));
        }
    }
}

impl Adversary for TwoFaced {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            // Its own report is among those that the replica asks with.
            Message::RequestVote(signed) => {
                for report in &signed.body.reports {
                    self.reports.insert(report.signer, report.clone());
                }
            }
            _ => tools.pass(to, message),
        }
    }

    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        match message {
            Message::Report(signed) if signed.body.term == Term(1) => {
                self.reports.insert(signed.signer, signed.clone());
            }
            Message::VoteGranted(signed) if signed.body.term == Term(1) => {
                let granted = self.granted.entry(signed.signer).or_default();
                self.grants.add();
                if !granted.contains(&signed.body) {
                    granted.push(signed.body.clone());
                    if granted.len() > 1 {
                        self.both.add();
                    }
                }
            }
            _ => {}
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        let enough = tools.configuration().sizes().reports();
        if term != Term(1) || self.reports.len() <= enough {
            return;
        }
        if self.requests.is_empty() {
            let all: Vec<_> = self.reports.values().cloned().collect();
            for reports in [&all[..enough], &all[1..]] {
                let furthest = reports.iter().map(|report| report.body.pair.point);
                let base = furthest.max_by_key(|point| point.index);
                let request = tools.sign(RequestVote {
                    epoch: tools.configuration().epoch(),
                    term,
                    base: base.unwrap_or_else(|| tools.configuration().opening()),
                    reports: reports.to_vec(),
                });
                self.requests.push(request);
            }
        }
        self.ask(tools);
        self.swapped = !self.swapped;
    }
}

fn two_requests(trace: Trace) -> Result<String, String> {
    let traitor = TwoFaced::default();
    let (grants, both) = (traitor.grants.clone(), traitor.both.clone());
    let mut simulation = Faultless {
        nodes: 7,
        traitors: vec![(NodeId(1), Box::new(traitor))],
        ..Faultless::FOUR
    }
    .start(41, trace);
    let mut requests = ask_often(&mut simulation, NodeId(2), 5, 100);
    simulation.hosts[0].crash();
    requests.extend(ask_often(&mut simulation, NodeId(2), 5, 1_000));
    settled(&mut simulation)?;
    all_hold(&simulation, &requests)?;
    let grants = grants.happened("grant")?;
    if both.get() > 0 {
        return Err("a node granted both".to_owned());
    }
    Ok(format!("{grants} grants, and no node grants both bases"))
}

/// One of two that deny what was accepted in term 0, and stall.
struct Denying;

impl Adversary for Denying {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::Report(signed) => {
                let denial = tools.sign(denial(tools, &signed.body));
                tools.pass(to, &denial);
            }
            Message::Heartbeat(_) => {}
            Message::Vote(signed) if signed.body.term == Term::ZERO => {}
            Message::AppendEntries(signed) if signed.body.term > Term::ZERO => {}
            _ => tools.pass(to, message),
        }
    }
}

fn hidden_lock(trace: Trace) -> Result<String, String> {
    const HOLDER: NodeId = NodeId(2);
    const AWAY: Time = Time::from_millis(500);
    const BACK: Time = Time::from_millis(25_000);
    // Of term 0 only the holder hears votes; then it is away.
    let rules = |now: Time, from: NodeId, to: NodeId, message: &Message| {
        if now >= BACK {
            return true;
        }
        let old_vote = matches!(message, Message::Vote(_)) && message.term() == Some(Term::ZERO);
        from != HOLDER && (to != HOLDER || now < AWAY) && (!old_vote || to == HOLDER)
    };
    let mut simulation = Faultless {
        nodes: 7,
        traitors: vec![
            (NodeId(0), Box::new(Denying) as Box<dyn Adversary>),
            (NodeId(1), Box::new(Denying)),
        ],
        director: Some(Box::new(Rules(rules))),
        ..Faultless::FOUR
    }
    .start(42, trace);
    let mut requests = ask_often(&mut simulation, NodeId(0), 1, 100);
    simulation.run_until(AWAY);
    if simulation.outcome_at(HOLDER, &requests[0]).is_some() {
        return Err("the script failed: five votes of seven should not commit".to_owned());
    }
    requests.extend(ask_often(&mut simulation, NodeId(3), 3, 1_000));
    simulation.run_until(Time::from_millis(24_900));
    for request in &requests {
        if simulation.outcome_at(NodeId(4), request).is_none() {
            return Err(format!(
                "request {} is stuck while the holder of the lock is away",
                request.nonce
            ));
        }
    }
    settled(&mut simulation)?;
    all_hold(&simulation, &requests)?;
    Ok("the others go on without the holder of the lock, and on the same branch".to_owned())
}
