//! Catching traitors (P7.3): comparing signed statements as they come by, keeping evidence, and
//! exchanging with others what may be half of a contradiction.
//!
//! Two statements that contradict each other cannot both fit the chain that correct nodes end up
//! with. So a node remembers what others said lately, holds back what it cannot judge yet, and
//! shows to everybody what turns out not to fit its chain: whoever holds the other half then holds
//! both. In a network without faults nothing is shown.
//!
//! A report may deny a vote that fits the chain. So a node tells what the reports that it got admit,
//! and whoever heard a vote that such a report denies shows it to that node.

mod ancestry;
mod memory;
mod results;
mod telling;
mod votes;

use std::sync::Arc;

use super::Byzantine;
use crate::{
    certificate::{ElectionCertificate, QuorumCertificate},
    entry::{Entry, SignedHeader},
    event::{Notice, Recipient},
    evidence::{Evidence, Offence, Reported},
    message::{Conviction, Grant, Justification, Reason, Report},
    record::Record,
    signed::Signed,
    types::Point,
};

pub(super) use memory::Memory;

impl Byzantine {
    pub(super) fn witness_entry(&mut self, entry: &Entry) {
        self.witness_header(&entry.signed, entry.point());
    }

    /// Two entries of one leader at one index of one term.
    fn witness_header(&mut self, signed: &SignedHeader, point: Point) {
        let author = signed.header.author;
        if author == self.me() {
            return;
        }
        let term = signed.header.term;
        let differs = |known: Point, of: crate::types::Term| of == term && known != point;
        let rival = self
            .log
            .get(point.index)
            .into_iter()
            .chain(self.branches.at(point.index))
            .find(|known| differs(known.point(), known.term()))
            .map(|known| known.signed.clone())
            .or_else(|| {
                let mut strays = self.witness.strays_at(author, point.index);
                let rival = strays.find(|(known, stray)| differs(*known, stray.header.term));
                rival.map(|(_, stray)| stray.clone())
            });
        if let Some(rival) = rival {
            self.accuse(Offence::Equivocation {
                author,
                first: rival,
                second: signed.clone(),
            });
        }
        if !self.log.contains(point) {
            self.witness.stray(point, signed, self.commit.index);
        }
    }

    /// Entries that leave the chain stay known.
    pub(super) fn dropped(&mut self, entries: &[Arc<Entry>]) {
        for entry in entries {
            if entry.header().author != self.me() {
                self.witness
                    .stray(entry.point(), &entry.signed, self.commit.index);
            }
        }
    }

    /// What a certificate's votes say about their signers.
    pub(super) fn witness_certificate(&mut self, certificate: &QuorumCertificate) {
        let known = |own: &Arc<QuorumCertificate>| **own == *certificate;
        if self.certificate.as_ref().is_some_and(known) {
            return;
        }
        for vote in &certificate.votes {
            self.witness_vote(vote);
        }
    }

    /// What an election certificate's grants say about their signers.
    pub(super) fn witness_election(&mut self, certificate: &ElectionCertificate) {
        if self.election.as_ref() == Some(certificate) {
            return;
        }
        for grant in certificate.signed_grants() {
            self.witness_grant(&grant);
        }
    }

    /// Two grants of one term. A grant that is for somebody else to count is shown to others.
    pub(super) fn witness_grant(&mut self, grant: &Signed<Grant>) {
        if grant.signer == self.me() {
            return;
        }
        let first = self.witness.grant(grant);
        if first.body != grant.body {
            self.accuse(Offence::TwoGrants {
                first,
                second: grant.clone(),
            });
        }
    }

    /// A report that denies a vote of its signer; and everything that it carries.
    pub(super) fn witness_report(&mut self, report: &Signed<Report>) {
        if report.signer == self.me() || self.witness.has_report(report) {
            return;
        }
        let configuration = Arc::clone(self.configuration());
        let body = &report.body;
        for signed in &body.pair.headers {
            self.witness_header(signed, signed.header.point(&configuration));
        }
        for certificate in body.accept.iter().chain(&body.commit) {
            self.witness_certificate(certificate);
        }
        match &body.pair.justification {
            Justification::Opening => {}
            Justification::Election(election) => self.witness_election(election),
            Justification::Commit(commit) => self.witness_certificate(commit),
        }
        let reported = Reported::of(&configuration, report);
        let denied = self
            .witness
            .heard_from(report.signer)
            .find(|vote| reported.leaves_out(&vote.body))
            .cloned();
        if let Some(vote) = denied {
            self.accuse(Offence::FalseReport {
                report: Box::new(report.clone()),
                vote,
            });
        }
        // Nobody counts a report that its leave certificate does not take to its term: of terms that
        // nobody entered its signer could make as many as it takes to have the others forgotten.
        if body.leave.term.next() == body.term {
            self.witness.report(self.now.monotonic, report, &reported);
        }
    }

    /// Keeps and spreads evidence, if it is some.
    pub(super) fn accuse(&mut self, offence: Offence) {
        let evidence = Evidence {
            epoch: self.configuration().epoch(),
            offence,
        };
        if self.knows(&evidence) || evidence.check_contradiction(self.configuration()).is_err() {
            return;
        }
        self.out.send(Recipient::Others, evidence.clone(), None);
        self.convict(evidence);
    }

    /// Evidence from a peer, already verified.
    pub(super) fn accused(&mut self, evidence: Evidence) {
        if !self.knows(&evidence) {
            self.convict(evidence);
        }
    }

    /// One piece for each kind of offence of each validator is enough to convict it, which bounds
    /// what is kept (P12.1).
    fn knows(&self, evidence: &Evidence) -> bool {
        let conviction = conviction(evidence);
        self.evidence
            .iter()
            .any(|known| self::conviction(known) == conviction)
    }

    fn convict(&mut self, evidence: Evidence) {
        let evidence = Arc::new(evidence);
        self.evidence.push(Arc::clone(&evidence));
        self.record(Record::Evidence(Arc::clone(&evidence)));
        self.notice(Notice::Evidence(evidence));
        self.suspect_known_traitor();
    }

    /// Says again what the leader is suspected for: a peer may have missed it.
    pub(super) fn repeat_evidence(&mut self) {
        let leader = self.leader();
        let against = self
            .evidence
            .iter()
            .find(|evidence| evidence.accused() == leader);
        if let Some(evidence) = against {
            let evidence = (**evidence).clone();
            self.out.send(Recipient::Others, evidence, None);
        }
    }

    /// Evidence against the leader makes everyone suspect (P4.2), whenever it leads.
    pub(super) fn suspect_known_traitor(&mut self) {
        let leader = self.leader();
        if leader != self.me()
            && self
                .evidence
                .iter()
                .any(|evidence| evidence.accused() == leader)
        {
            self.suspect(Reason::Misbehaved);
        }
    }
}

/// What a piece of evidence convicts whom of.
fn conviction(evidence: &Evidence) -> Conviction {
    Conviction {
        accused: evidence.accused(),
        kind: evidence.kind(),
    }
}
