//! The election: collected reports, grants, certificates, adoption (P4.5, P4.7 – P4.9).

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Byzantine,
    select_base::{from_reports, select_base},
    void::{Path, judge},
};
use crate::{
    certificate::ElectionCertificate,
    entry::SignedHeader,
    event::{Notice, Recipient, WriteId},
    limits,
    message::{Grant, Justification, Report, RequestVote},
    mutation::{self, Mutation},
    record::Record,
    signature::Signature,
    signed::Signed,
    types::{NodeId, Point},
};

/// What leader(T) gathers before it leads.
#[derive(Default)]
pub(super) struct Candidacy {
    /// Sound reports for this term with their paths, by reporter.
    reports: BTreeMap<NodeId, (Signed<Report>, Path)>,
    /// What was asked of the voters, and the write that holds this node's own grant.
    pub(super) request: Option<(RequestVote, WriteId)>,
    /// Grants of exactly what was asked.
    grants: BTreeMap<NodeId, Signature>,
}

impl Byzantine {
    pub(super) fn report_received(&mut self, signed: Signed<Report>) {
        self.witness_report(&signed);
        let term = signed.body.term;
        if term > self.state.term && signed.body.leave.term.next() == term {
            self.leave_term(signed.body.leave.clone());
        }
        self.learn_commit(signed.body.commit.clone());
        if term == self.state.term && self.leads_term() && self.candidacy.request.is_none() {
            self.collect(signed);
        }
    }

    /// Takes in a report for this term, whose leader this node is, unless it is void. Each is judged
    /// once, when it comes.
    pub(super) fn collect(&mut self, signed: Signed<Report>) {
        if let Ok(path) = judge(self.configuration(), &signed.body) {
            let reports = &mut self.candidacy.reports;
            reports.insert(signed.signer, (signed, path));
        }
    }

    /// Bodies that sound reports name and that this node, who collects them, lacks (P4.5).
    pub(super) fn missing_bodies(&self) -> Vec<(NodeId, Point)> {
        if !self.leads_term() || self.adopted() || self.candidacy.request.is_some() {
            return Vec::new();
        }
        self.candidacy
            .reports
            .iter()
            .filter_map(|(reporter, (_, path))| {
                let points = path.points.iter().rev();
                let missing = points.copied().find(|&point| self.lacks(point))?;
                Some((*reporter, missing))
            })
            .collect()
    }

    /// Whether a body beyond the commit point is missing. At or below it bodies do not matter:
    /// nothing there can become part of a base.
    fn lacks(&self, point: Point) -> bool {
        point.index > self.commit.index && !self.holds(point)
    }

    /// Whether the timestamps beyond the commit point neither go back from the entry that the
    /// headers hang from, nor lie far ahead (P3.2, P4.5). Asked again until the election.
    fn timely(&self, report: &Report) -> bool {
        let headers = &report.pair.headers;
        let latest = self.now.wall.saturating_add(limits::CLOCK_AHEAD_MILLIS);
        let anchored = headers.first().is_none_or(|first| {
            let anchor = Point {
                index: first.header.index.previous(),
                hash: first.header.previous,
            };
            self.entry(anchor)
                .is_none_or(|entry| entry.header().timestamp <= first.header.timestamp)
        });
        let beyond = |signed: &&SignedHeader| signed.header.index > self.commit.index;
        anchored
            && headers
                .iter()
                .filter(beyond)
                .all(|signed| signed.header.timestamp <= latest)
    }

    /// Asks for grants as soon as enough reports count.
    pub(super) fn collect_reports(&mut self) {
        let promised = self
            .state
            .granted
            .as_ref()
            .is_some_and(|grant| grant.term >= self.state.term);
        if !self.leads_term()
            || self.adopted()
            || self.election.is_some()
            || self.candidacy.request.is_some()
            || promised
        {
            return;
        }
        let configuration = Arc::clone(self.configuration());
        let term = self.state.term;
        let mut paths = Vec::new();
        let mut reports = Vec::new();
        for (reporter, (report, path)) in &self.candidacy.reports {
            let complete = !path.points.iter().any(|&point| self.lacks(point));
            if report.body.term == term && complete && self.timely(&report.body) {
                paths.push((*reporter, path.clone()));
                reports.push(report.clone());
            }
        }
        let Ok(base) = select_base(configuration.sizes(), &paths, |term| {
            configuration.leader(term)
        }) else {
            return;
        };
        let request = RequestVote {
            epoch: configuration.epoch(),
            term,
            base,
            reports,
        };
        let grant = request.grant();
        self.change_state(|state| state.granted = Some(grant));
        self.record(Record::Granted(Box::new(request.clone())));
        let write = self.flush();
        self.out
            .send(Recipient::Others, request.clone(), Some(write));
        self.candidacy.request = Some((request, write));
    }

    /// Asks again, while the election lasts.
    pub(super) fn resend_request(&mut self) {
        if let Some((request, write)) = &self.candidacy.request
            && self.election.is_none()
        {
            let (request, write) = (request.clone(), *write);
            self.out.send(Recipient::Others, request, Some(write));
        }
    }

    pub(super) fn request_vote(&mut self, signed: Signed<RequestVote>) {
        let request = signed.body;
        if signed.signer != self.configuration().leader(request.term) {
            return;
        }
        for report in &request.reports {
            self.witness_report(report);
        }
        if let Some(report) = request
            .reports
            .iter()
            .find(|report| report.body.leave.term.next() == request.term)
            && request.term > self.state.term
        {
            self.leave_term(report.body.leave.clone());
        }
        if request.term != self.state.term || self.adopted() || self.election.is_some() {
            return;
        }
        let grant = request.grant();
        match &self.state.granted {
            Some(before) if before.term == grant.term && !mutation::active(Mutation::TwoGrants) => {
                // One base per term (P4.7); the same one may be granted again.
                if *before == grant {
                    self.send_grant(grant);
                }
            }
            _ => {
                let selected = from_reports(self.configuration(), request.term, &request.reports);
                if selected == Ok(request.base) || mutation::active(Mutation::BaseBelieved) {
                    let promise = grant.clone();
                    self.change_state(|state| state.granted = Some(promise));
                    self.record(Record::Granted(Box::new(request)));
                    self.send_grant(grant);
                }
            }
        }
    }

    fn send_grant(&mut self, grant: Grant) {
        let write = self.flush();
        let leader = self.leader();
        self.out.send(Recipient::Node(leader), grant, Some(write));
    }

    pub(super) fn vote_granted(&mut self, signed: Signed<Grant>) {
        self.witness_grant(&signed);
        if self.configuration().leader(signed.body.term) != self.me() {
            // Correct nodes grant to the leader alone.
            self.show_grant(&signed);
            return;
        }
        if let Some((request, _)) = &self.candidacy.request
            && signed.body == request.grant()
        {
            self.candidacy
                .grants
                .insert(signed.signer, signed.signature);
        }
    }

    /// Q grants are the election certificate (P4.7).
    pub(super) fn collect_grants(&mut self) {
        if self.election.is_some() {
            return;
        }
        let Some((request, write)) = &self.candidacy.request else {
            return;
        };
        let grant = request.grant();
        if *write <= self.durable {
            let me = self.me();
            let signed = self.out.sign(grant.clone());
            self.candidacy.grants.insert(me, signed.signature);
        }
        let quorum = self.configuration().sizes().quorum();
        if self.candidacy.grants.len() >= quorum {
            let certificate = ElectionCertificate {
                grant,
                grants: self
                    .candidacy
                    .grants
                    .iter()
                    .take(quorum)
                    .map(|(signer, signature)| (*signer, *signature))
                    .collect(),
            };
            self.learn_election(Some(certificate));
        }
    }

    /// P4.9: enters the term that a certificate proves. The pair waits for the base's entries.
    pub(super) fn learn_election(&mut self, certificate: Option<ElectionCertificate>) {
        let Some(certificate) = certificate else {
            return;
        };
        self.witness_election(&certificate);
        let term = certificate.term();
        if term < self.state.term || (term == self.state.term && self.election.is_some()) {
            if term == self.state.pair_term && self.adopted() {
                self.lower_pair(certificate.base());
            }
            return;
        }
        // Before the term is entered, so that no write holds the one without the other.
        self.record(Record::Election(certificate.clone()));
        if term > self.state.term {
            self.enter_term(term, true);
        }
        self.notice(Notice::Elected {
            term,
            leader: self.configuration().leader(term),
            base: certificate.base(),
        });
        self.election = Some(certificate);
        self.timer.heard = self.now.monotonic;
        self.relay_all();
    }

    /// What P4.9 forbids, for [`Mutation::RepeatedElectionLowersPair`]: takes the pair back to base,
    /// or to the commit point if that lies beyond.
    fn lower_pair(&mut self, base: Point) {
        let point = match self.commit.index > base.index {
            true => self.commit,
            false => base,
        };
        if mutation::active(Mutation::RepeatedElectionLowersPair)
            && self.log.contains(point)
            && point != self.log.last()
            && self.side.is_none()
        {
            self.log.truncate(point.index);
            self.record(Record::Truncate(point.index));
            self.lock = None;
            self.change_state(|state| {
                state.pair_point = point;
                state.locked = None;
            });
            self.refresh_in_chain();
        }
    }

    /// P3.3 (ii): moves the pair to base, in one write, once all of it is here. A certificate of a
    /// term not above the pair's changes nothing: a repeated one must not take a vote back.
    pub(super) fn adopt(&mut self) {
        if self.adopted() {
            return;
        }
        let Some(election) = &self.election else {
            return;
        };
        let base = election.base();
        let (fork, path) = match self.branches.path(&self.log, base) {
            Ok(known) => known,
            Err(_) if mutation::active(Mutation::VotesBelowBase) => (self.log.last(), Vec::new()),
            Err(_) => return,
        };
        let latest = self.now.wall.saturating_add(limits::CLOCK_AHEAD_MILLIS);
        let mut before = self.entry(fork).map_or(0, |entry| entry.header().timestamp);
        let timely = path.iter().all(|entry| {
            let timestamp = entry.header().timestamp;
            (std::mem::replace(&mut before, timestamp)..=latest).contains(&timestamp)
        });
        if fork.index < self.commit.index || !timely {
            self.notice(Notice::BaseRefused {
                term: self.state.term,
                base,
            });
            return;
        }
        let base = path.last().map_or(fork, |last| last.point());
        let election = election.clone();
        if fork != self.log.last() {
            let dropped = self.log.truncate(fork.index);
            self.dropped(&dropped);
            self.record(Record::Truncate(fork.index));
        }
        for entry in &path {
            self.log.append(Arc::clone(entry));
            self.record(Record::Entry(Arc::clone(entry)));
        }
        self.side = None;
        self.lock = None;
        self.justification = Justification::Election(election);
        self.record(Record::Justification(self.justification.clone()));
        let term = self.state.term;
        self.change_state(|state| {
            state.pair_term = term;
            state.pair_point = base;
            state.locked = None;
        });
        self.refresh_in_chain();
        self.timer.heard = self.now.monotonic;
    }
}
