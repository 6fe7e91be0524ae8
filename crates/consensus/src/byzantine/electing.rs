//! The election: collected reports, grants, certificates (P4.5, P4.7 – P4.9).

use std::collections::BTreeMap;

use super::{
    Byzantine,
    examining::Examined,
    select_base::from_reports,
    void::{Path, judge},
};
use crate::{
    certificate::ElectionCertificate,
    event::{Notice, Recipient, WriteId},
    message::{Grant, Report, RequestVote},
    mutation::{self, Mutation},
    record::Record,
    signature::Signature,
    signed::Signed,
    types::{NodeId, Point},
};

/// What leader(T) gathers before it leads.
#[derive(Default)]
pub(super) struct Candidacy {
    /// Of every reporter the first sound report for this term, with its path.
    pub(super) reports: BTreeMap<NodeId, (Signed<Report>, Path)>,
    /// What came of them when they were last looked through without success.
    examined: Option<Examined>,
    /// Whether it was said that this term's base is refused.
    pub(super) base_refused: bool,
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

    /// Takes in a report for this term, whose leader this node is, unless it is void. Each reporter's
    /// first stands: whoever could replace its own over and over would have others' bodies, which
    /// there is room for, pushed out by those of its own.
    pub(super) fn collect(&mut self, signed: Signed<Report>) {
        if let Ok(path) = judge(self.configuration(), &signed.body) {
            let reports = &mut self.candidacy.reports;
            if !mutation::active(Mutation::NewestReportStands) {
                reports.entry(signed.signer).or_insert((signed, path));
            } else {
                reports.insert(signed.signer, (signed, path));
            }
        }
    }

    /// Entries that this node, who collects reports, lacks of bases that it could ask grants for,
    /// each with who reported that base (P4.5).
    pub(super) fn missing_bodies(&self) -> Vec<(NodeId, Point)> {
        if !self.may_ask_for_grants() {
            return Vec::new();
        }
        let examined = self.candidacy.examined.as_ref();
        examined.map_or_else(Vec::new, |examined| examined.missing.clone())
    }

    /// Whether this node leads its term by right, and neither asked for grants nor made one in it.
    fn may_ask_for_grants(&self) -> bool {
        let promised = self
            .state
            .granted
            .as_ref()
            .is_some_and(|grant| grant.term >= self.state.term);
        self.leads_term()
            && !self.adopted()
            && self.election.is_none()
            && self.candidacy.request.is_none()
            && !promised
    }

    /// Asks for grants as soon as enough reports give a base that this node could adopt.
    pub(super) fn collect_reports(&mut self) {
        if !self.may_ask_for_grants() {
            return;
        }
        let situation = self.situation();
        if (self.candidacy.examined.as_ref()).is_some_and(|examined| examined.of == situation) {
            return;
        }
        match self.examine() {
            Ok((base, reporters)) => self.ask_for_grants(base, &reporters),
            Err(missing) => {
                self.candidacy.examined = Some(Examined {
                    of: situation,
                    missing,
                });
            }
        }
    }

    fn ask_for_grants(&mut self, base: Point, reporters: &[NodeId]) {
        let reports = self.candidacy.reports.iter();
        let request = RequestVote {
            epoch: self.configuration().epoch(),
            term: self.state.term,
            base,
            reports: reports
                .filter(|(reporter, _)| reporters.contains(reporter))
                .map(|(_, (report, _))| report.clone())
                .collect(),
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
}
