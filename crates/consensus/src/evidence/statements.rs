//! A pool of signed statements, cross-examined: every contradiction between any two of them.

use std::collections::BTreeMap;

use super::{
    Evidence, Offence,
    admission::Reported,
    contradiction::{fork_headers, point_of, results_differ},
    kind::OffenceKind,
};
use crate::{
    certificate::Counted,
    configuration::Configuration,
    entry::{EntryHeader, SignedHeader},
    message::{Grant, Report, Vote},
    signature::Signature,
    signed::Signed,
    types::{Hash, Index, NodeId, Point, Term},
};

/// What a vote says, as a key: the same statement counts once.
type VoteKey = (Option<Point>, Option<Point>, Option<(Index, Hash)>);

fn key_of(vote: &Vote) -> VoteKey {
    let applied = vote.applied.map(|applied| (applied.index, applied.digest));
    (vote.accepted, vote.locked, applied)
}

/// Statements whose signatures were checked, and every header that may show how points lie to each
/// other. Whoever fills it bounds it.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    votes: BTreeMap<(NodeId, Term), BTreeMap<VoteKey, Signed<Vote>>>,
    reports: BTreeMap<NodeId, BTreeMap<Signature, Signed<Report>>>,
    grants: BTreeMap<(NodeId, Term), Vec<Signed<Grant>>>,
    signed_headers: BTreeMap<(Term, Index), Vec<SignedHeader>>,
    headers: BTreeMap<Point, EntryHeader>,
}

impl Statements {
    /// Adds a vote.
    pub fn vote(&mut self, vote: &Signed<Vote>) {
        self.votes
            .entry((vote.signer, vote.body.term))
            .or_default()
            .entry(key_of(&vote.body))
            .or_insert_with(|| vote.clone());
    }

    /// Adds a grant.
    pub fn grant(&mut self, grant: Signed<Grant>) {
        let known = self
            .grants
            .entry((grant.signer, grant.body.term))
            .or_default();
        if known.iter().all(|one| one.body != grant.body) {
            known.push(grant);
        }
    }

    /// Adds a report, without what it carries.
    pub fn report_alone(&mut self, report: &Signed<Report>) {
        self.reports
            .entry(report.signer)
            .or_default()
            .insert(report.signature, report.clone());
    }

    /// Adds a header signed by the leader of its term.
    pub fn signed_header(&mut self, configuration: &Configuration, signed: &SignedHeader) {
        self.header(configuration, &signed.header);
        let known = self
            .signed_headers
            .entry((signed.header.term, signed.header.index))
            .or_default();
        if known.iter().all(|one| one.header != signed.header) {
            known.push(signed.clone());
        }
    }

    /// Adds a header that only shows how points lie to each other.
    pub fn header(&mut self, configuration: &Configuration, header: &EntryHeader) {
        self.headers
            .entry(header.point(configuration))
            .or_insert_with(|| header.clone());
    }

    /// Adds what a piece of evidence consists of.
    pub fn evidence(&mut self, configuration: &Configuration, evidence: &Evidence) {
        match &evidence.offence {
            Offence::Equivocation { first, second, .. } => {
                self.signed_header(configuration, first);
                self.signed_header(configuration, second);
            }
            Offence::ForkedVotes {
                lower,
                higher,
                headers,
                ..
            } => {
                self.vote(lower);
                self.vote(higher);
                for header in headers {
                    self.header(configuration, header);
                }
            }
            Offence::TwoGrants { first, second } => {
                self.grant(first.clone());
                self.grant(second.clone());
            }
            Offence::TwoResults { first, second } => {
                self.vote(first);
                self.vote(second);
            }
            Offence::FalseReport { report, vote } => {
                self.report_alone(report);
                self.vote(vote);
            }
        }
    }

    /// Every contradiction, one piece of evidence for each kind of offence of each signer. With the
    /// same statements the same evidence, in the order of the accused.
    #[must_use]
    pub fn contradictions(&self, configuration: &Configuration) -> Vec<Evidence> {
        let mut found = Found::default();
        self.equivocations(&mut found);
        self.two_grants(&mut found);
        self.forked_votes(&mut found);
        self.two_results(&mut found);
        self.false_reports(configuration, &mut found);
        let epoch = configuration.epoch();
        found
            .0
            .into_values()
            .map(|offence| Evidence { epoch, offence })
            .collect()
    }

    fn equivocations(&self, found: &mut Found) {
        for rivals in self.signed_headers.values() {
            for (position, first) in rivals.iter().enumerate() {
                let author = first.header.author;
                let second = rivals[position + 1..]
                    .iter()
                    .find(|second| second.header.author == author);
                if let Some(second) = second {
                    found.add(author, OffenceKind::Equivocation, || {
                        Offence::Equivocation {
                            author,
                            first: first.clone(),
                            second: second.clone(),
                        }
                    });
                }
            }
        }
    }

    fn two_grants(&self, found: &mut Found) {
        for grants in self.grants.values() {
            if let [first, second, ..] = &grants[..] {
                found.add(first.signer, OffenceKind::TwoGrants, || {
                    Offence::TwoGrants {
                        first: first.clone(),
                        second: second.clone(),
                    }
                });
            }
        }
    }

    fn forked_votes(&self, found: &mut Found) {
        for (&(signer, _), votes) in &self.votes {
            let mut points: BTreeMap<(Point, Counted), &Signed<Vote>> = BTreeMap::new();
            for vote in votes.values() {
                for counted in [Counted::Accepted, Counted::Locked] {
                    if let Some(point) = point_of(&vote.body, counted) {
                        points.entry((point, counted)).or_insert(vote);
                    }
                }
            }
            let points: Vec<_> = points.into_iter().collect();
            for (position, &((low, of_lower), lower)) in points.iter().enumerate() {
                for &((high, of_higher), higher) in &points[position + 1..] {
                    let compared = (of_lower, of_higher);
                    let kind = OffenceKind::of_points(compared);
                    if found.has(signer, kind) {
                        continue;
                    }
                    let header = |point: Point| self.headers.get(&point);
                    if let Some(headers) = fork_headers(low, high, header) {
                        found.add(signer, kind, || Offence::ForkedVotes {
                            lower: lower.clone(),
                            higher: higher.clone(),
                            compared,
                            headers,
                        });
                    }
                }
            }
        }
    }

    fn two_results(&self, found: &mut Found) {
        let mut results: BTreeMap<(NodeId, Index), &Signed<Vote>> = BTreeMap::new();
        for vote in self.votes.values().flat_map(BTreeMap::values) {
            let Some(applied) = vote.body.applied else {
                continue;
            };
            let first = *results.entry((vote.signer, applied.index)).or_insert(vote);
            if results_differ(&first.body, &vote.body) {
                found.add(vote.signer, OffenceKind::TwoResults, || {
                    Offence::TwoResults {
                        first: first.clone(),
                        second: vote.clone(),
                    }
                });
            }
        }
    }

    fn false_reports(&self, configuration: &Configuration, found: &mut Found) {
        for (&signer, reports) in &self.reports {
            for report in reports.values() {
                let (from, to) = (report.body.pair.term, report.body.term);
                if from >= to {
                    continue;
                }
                let reported = Reported::of(configuration, report);
                let votes = self.votes.range((signer, from)..(signer, to));
                let denied = votes
                    .flat_map(|(_, votes)| votes.values())
                    .find(|vote| reported.leaves_out(&vote.body));
                if let Some(vote) = denied {
                    found.add(signer, OffenceKind::FalseReport, || Offence::FalseReport {
                        report: Box::new(report.clone()),
                        vote: vote.clone(),
                    });
                }
            }
        }
    }
}

/// The first offence of each kind of each signer.
#[derive(Default)]
struct Found(BTreeMap<(NodeId, OffenceKind), Offence>);

impl Found {
    fn has(&self, signer: NodeId, kind: OffenceKind) -> bool {
        self.0.contains_key(&(signer, kind))
    }

    fn add(&mut self, signer: NodeId, kind: OffenceKind, offence: impl FnOnce() -> Offence) {
        self.0.entry((signer, kind)).or_insert_with(offence);
    }
}
