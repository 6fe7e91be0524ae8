//! Every contradiction that two correct nodes could see between them is found: each of the two got
//! one of the statements and lived on, so in the end every correct node holds evidence against the
//! signer.
//!
//! What is remembered here of each signer is less than what nodes remember (P12.1), so that nobody
//! is asked to know what may be forgotten.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

use consensus::{
    Configuration, Message, NodeId, Notice, Point, Signed, SignedHeader, Term,
    certificate::{ElectionCertificate, QuorumCertificate},
    evidence::{leaves_out, results_differ},
    limits,
    message::{Grant, Justification, Report, Vote},
};

use crate::oracle::{History, Observation};

/// Votes, headers and grants of one signer that count for one receiver.
const REMEMBERED: usize = 32;

/// What one correct node got from one traitor.
#[derive(Default)]
struct Received {
    votes: VecDeque<Signed<Vote>>,
    headers: VecDeque<(Point, SignedHeader)>,
    grants: VecDeque<Signed<Grant>>,
    reports: VecDeque<Signed<Report>>,
}

/// A signed statement.
enum Statement<'a> {
    Vote(&'a Signed<Vote>),
    Header(&'a SignedHeader),
    Grant(Signed<Grant>),
    Report(&'a Signed<Report>),
}

impl Statement<'_> {
    fn signer(&self) -> NodeId {
        match self {
            Self::Vote(vote) => vote.signer,
            Self::Header(signed) => signed.header.author,
            Self::Grant(grant) => grant.signer,
            Self::Report(report) => report.signer,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Vote(_) => "a vote",
            Self::Header(_) => "an entry",
            Self::Grant(_) => "a grant",
            Self::Report(_) => "a report",
        }
    }
}

/// Somebody who should stand accused and does not.
#[derive(Clone, Copy, Debug)]
pub struct Missing {
    /// The correct node without evidence.
    pub holder: NodeId,
    /// Who contradicted itself.
    pub accused: NodeId,
    /// Two nodes that got one statement each, and which; `None` if a third already holds evidence.
    pub seen: Option<([NodeId; 2], Contradiction)>,
}

/// What contradicts what, by name.
#[derive(Clone, Copy, Debug)]
pub struct Contradiction {
    first: &'static str,
    second: &'static str,
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accused = self.accused;
        write!(formatter, "holds no evidence against {accused}, ")?;
        match self.seen {
            Some(([late, early], Contradiction { first, second })) => write!(
                formatter,
                "of whom {early} got {first} and {late} {second} that contradicts it"
            ),
            None => write!(formatter, "against whom others do"),
        }
    }
}

/// See the module.
#[derive(Default)]
pub struct Found {
    received: BTreeMap<(NodeId, NodeId), Received>,
    /// Who could be convicted, by which two nodes together, and for which kind of statement.
    due: BTreeMap<NodeId, BTreeMap<(NodeId, NodeId), Contradiction>>,
    /// The evidence that correct nodes hold: holder, accused.
    held: BTreeSet<(NodeId, NodeId)>,
}

impl Found {
    /// A message reached a correct node.
    pub fn received(&mut self, history: &History, node: NodeId, message: &Message) {
        if history.correct.iter().all(|correct| *correct) || !history.is_correct(node) {
            return;
        }
        let statements = statements(message);
        for statement in statements {
            let signer = statement.signer();
            let convicted = self.held.iter().any(|(_, accused)| *accused == signer);
            if !history.is_correct(signer) && !convicted {
                self.compare(history, node, signer, &statement);
                self.remember(history, node, signer, &statement);
            }
        }
    }

    /// A correct node did something.
    pub fn observe(&mut self, node: NodeId, observation: &Observation<'_>) {
        match observation {
            Observation::Notice(Notice::Evidence(evidence)) => {
                self.held.insert((node, evidence.accused()));
            }
            // What it had heard is forgotten, and evidence that was not durable.
            Observation::Restarted { restored, .. } => {
                self.received.retain(|(holder, _), _| *holder != node);
                self.held.retain(|(holder, _)| *holder != node);
                if let Some(restored) = restored {
                    let accused = restored.evidence.iter().map(|evidence| evidence.accused());
                    self.held.extend(accused.map(|accused| (node, accused)));
                }
                for pairs in self.due.values_mut() {
                    pairs.retain(|(one, other), _| *one != node && *other != node);
                }
            }
            _ => {}
        }
    }

    /// A traitor that some correct node should hold evidence against, and that node.
    #[must_use]
    pub fn missing(&self, history: &History) -> Option<Missing> {
        let due = self.due.iter().filter(|(_, pairs)| !pairs.is_empty());
        let convicted = self.held.iter().map(|(_, accused)| *accused);
        let accused: BTreeSet<NodeId> = due.map(|(signer, _)| *signer).chain(convicted).collect();
        let correct = (0..).map(NodeId).take(history.correct.len());
        let holders: Vec<NodeId> = correct.filter(|&node| history.is_correct(node)).collect();
        accused.iter().find_map(|&accused| {
            let lacks = |holder: &&NodeId| !self.held.contains(&(**holder, accused));
            let &holder = holders.iter().find(lacks)?;
            let pair = self.due.get(&accused).and_then(BTreeMap::first_key_value);
            let seen = pair.map(|(&(late, early), &both)| ([late, early], both));
            Some(Missing {
                holder,
                accused,
                seen,
            })
        })
    }

    fn compare(
        &mut self,
        history: &History,
        node: NodeId,
        signer: NodeId,
        statement: &Statement<'_>,
    ) {
        let of_signer = self.received.iter().filter(|((_, of), _)| *of == signer);
        let with = of_signer.into_iter().find_map(|((holder, _), received)| {
            let first = received.contradicted(history, [node, *holder], statement)?;
            Some((*holder, first))
        });
        if let Some((holder, first)) = with {
            let contradiction = Contradiction {
                first,
                second: statement.name(),
            };
            let pairs = self.due.entry(signer).or_default();
            pairs.insert((node, holder), contradiction);
        }
    }

    fn remember(
        &mut self,
        history: &History,
        node: NodeId,
        signer: NodeId,
        statement: &Statement<'_>,
    ) {
        let received = self.received.entry((node, signer)).or_default();
        match statement {
            Statement::Vote(vote) => push(&mut received.votes, (*vote).clone(), REMEMBERED),
            Statement::Header(signed) => {
                let point = signed.header.point(history.configuration());
                let last = history.logs[node.position()].last();
                if point.index.beyond(last) <= limits::WINDOW {
                    push(
                        &mut received.headers,
                        (point, (*signed).clone()),
                        REMEMBERED,
                    );
                }
            }
            Statement::Grant(grant) => push(&mut received.grants, grant.clone(), REMEMBERED / 4),
            Statement::Report(report) => push(&mut received.reports, (*report).clone(), 1),
        }
    }
}

fn push<T: PartialEq>(queue: &mut VecDeque<T>, value: T, most: usize) {
    if queue.back() != Some(&value) {
        queue.push_back(value);
    }
    if queue.len() > most {
        queue.pop_front();
    }
}

impl Received {
    /// What in here a statement contradicts, by name.
    fn contradicted(
        &self,
        history: &History,
        nodes: [NodeId; 2],
        statement: &Statement<'_>,
    ) -> Option<&'static str> {
        let configuration = history.configuration();
        match statement {
            Statement::Vote(vote) => {
                let mut votes = self.votes.iter().map(|known| &known.body).rev();
                let reports = &self.reports;
                let found = votes.find_map(|known| {
                    if results_differ(known, &vote.body) {
                        Some("the results in a vote")
                    } else {
                        forked(history, nodes, known, &vote.body).then_some("the branch of a vote")
                    }
                });
                let denied = || {
                    reports
                        .iter()
                        .any(|report| denies(configuration, report, vote))
                };
                found.or_else(|| denied().then_some("a report"))
            }
            Statement::Header(signed) => {
                let point = signed.header.point(configuration);
                let differs = |known: Point, other: &SignedHeader| {
                    known.index == point.index
                        && known != point
                        && other.header.term == signed.header.term
                };
                let mut headers = self.headers.iter();
                let found = headers.any(|(known, other)| differs(*known, other));
                found.then_some("an entry")
            }
            Statement::Grant(grant) => {
                let differs = |known: &Signed<Grant>| {
                    known.body.term == grant.body.term && known.body != grant.body
                };
                self.grants.iter().any(differs).then_some("a grant")
            }
            Statement::Report(report) => {
                let last: Option<&Signed<Vote>> = self.votes.back();
                last.filter(|vote| denies(configuration, report, vote))
                    .map(|_| "a vote")
            }
        }
    }
}

fn denies(configuration: &Configuration, report: &Signed<Report>, vote: &Signed<Vote>) -> bool {
    leaves_out(configuration, &report.body, &vote.body)
}

/// Whether two accepted points of one term fork, as their heights or the chain of one of two nodes
/// show.
fn forked(history: &History, nodes: [NodeId; 2], one: &Vote, other: &Vote) -> bool {
    let same_term: Option<Term> = (one.term == other.term).then_some(one.term);
    let points = one.accepted.zip(other.accepted);
    let Some((_, (first, second))) = same_term.zip(points) else {
        return false;
    };
    let (low, high) = if first.index <= second.index {
        (first, second)
    } else {
        (second, first)
    };
    if low.index == high.index {
        return low.hash != high.hash;
    }
    high.index.beyond(low.index) <= limits::WINDOW
        && nodes.iter().any(|node| {
            let log = &history.logs[node.position()];
            // What lies far below the end is no longer in memory.
            log.last().beyond(low.index) <= limits::WINDOW
                && log.contains(high)
                && log
                    .get(low.index)
                    .is_some_and(|entry| entry.hash != low.hash)
        })
}

fn statements(message: &Message) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    match message {
        Message::Vote(vote) => found.push(Statement::Vote(vote)),
        Message::VoteGranted(grant) => found.push(Statement::Grant(grant.clone())),
        Message::Heartbeat(signed) => {
            quorum(&mut found, signed.body.commit.as_ref());
            election(&mut found, signed.body.election.as_ref());
        }
        Message::AppendEntries(signed) => {
            let entries = signed.body.entries.iter();
            found.extend(entries.map(|entry| Statement::Header(&entry.signed)));
            election(&mut found, signed.body.election.as_ref());
        }
        Message::FetchReply(signed) => {
            let entries = signed.body.entries.iter();
            found.extend(entries.map(|entry| Statement::Header(&entry.signed)));
            quorum(&mut found, signed.body.commit.as_ref());
        }
        Message::Proof(signed) => {
            quorum(&mut found, signed.body.commit.as_ref());
            election(&mut found, signed.body.election.as_ref());
        }
        Message::Report(signed) => report(&mut found, signed),
        Message::RequestVote(signed) => {
            for one in &signed.body.reports {
                report(&mut found, one);
            }
        }
        _ => {}
    }
    found
}

fn quorum<'a>(found: &mut Vec<Statement<'a>>, certificate: Option<&'a QuorumCertificate>) {
    let votes = certificate.into_iter().flat_map(|one| &one.votes);
    found.extend(votes.map(Statement::Vote));
}

fn election<'a>(found: &mut Vec<Statement<'a>>, certificate: Option<&'a ElectionCertificate>) {
    let grants = certificate
        .into_iter()
        .flat_map(ElectionCertificate::signed_grants);
    found.extend(grants.map(Statement::Grant));
}

fn report<'a>(found: &mut Vec<Statement<'a>>, signed: &'a Signed<Report>) {
    found.push(Statement::Report(signed));
    let body = &signed.body;
    quorum(found, body.accept.as_ref());
    quorum(found, body.commit.as_ref());
    match &body.pair.justification {
        Justification::Opening => {}
        Justification::Election(certificate) => election(found, Some(certificate)),
        Justification::Commit(certificate) => quorum(found, Some(certificate)),
    }
    found.extend(body.pair.headers.iter().map(Statement::Header));
}
