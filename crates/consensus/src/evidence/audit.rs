//! Who forked the ledger: the records of several nodes, cross-examined (P7.3).
//!
//! If two conflicting commit certificates exist while at most 2f nodes were faulty, what correct
//! nodes keep names at least f + 1 of them. Take the certificate of the lower term t, and the first
//! term above t on the other chain. Its reports leave out what was committed in t, so of the
//! reporters that voted for the commit enough denied their votes, or the leader of t signed two
//! branches and enough followed both; or a term in between was elected on such reports, which its
//! granters keep. Certificates of one term convict whoever voted in both.

use std::collections::BTreeSet;

use super::{Evidence, Statements};
use crate::{
    byzantine::select_base::from_reports,
    certificate::{ElectionCertificate, QuorumCertificate},
    configuration::Configuration,
    encoding::Canonical,
    entry::{Entry, EntryHeader, EntryKind, SignedHeader},
    limits,
    message::{Justification, Report, TermRecord},
    record::Record,
    signature::Verifier,
    signed::Signed,
    types::{Hash, Index, NodeId, Term},
};

/// How far beyond the point where two ledgers part statements about entries are taken up.
const BEYOND: u64 = 8 * limits::WINDOW;

/// The first index at which two committed chains hold different entries; position 0 holds index 1.
/// `None`: one is the beginning of the other.
#[must_use]
pub fn part_at(one: &[Hash], other: &[Hash]) -> Option<Index> {
    let differs = one
        .iter()
        .zip(other)
        .position(|(one, other)| one != other)?;
    Some(Index(differs as u64 + 1))
}

/// Q granters of a base that does not follow from the reports that they granted on: at least n − 2f
/// of them broke P4.7, however many were faulty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FalseElection {
    /// The term.
    pub term: Term,
    /// Who granted it.
    pub granters: Vec<NodeId>,
}

/// Reads records of nodes and finds every contradiction between the statements in them.
pub struct Examiner<'a> {
    configuration: &'a Configuration,
    verifier: &'a dyn Verifier,
    from: Index,
    statements: Statements,
    false_elections: Vec<FalseElection>,
}

impl<'a> Examiner<'a> {
    /// An examiner of ledgers that part at `from`.
    #[must_use]
    pub fn new(configuration: &'a Configuration, verifier: &'a dyn Verifier, from: Index) -> Self {
        Self {
            configuration,
            verifier,
            from,
            statements: Statements::default(),
            false_elections: Vec::new(),
        }
    }

    /// Takes up a record. Only what is signed as it says counts.
    pub fn record(&mut self, record: &Record) {
        match record {
            Record::Entry(entry) | Record::SideEntry(entry) => self.entry(entry),
            Record::Election(election) => self.election(election),
            Record::Lock(certificate) | Record::Commit(certificate) => self.quorum(certificate),
            Record::Justification(justification) => self.justification(justification),
            Record::Evidence(evidence) => self.evidence(evidence),
            Record::Granted(request) => {
                for report in &request.reports {
                    self.report(report);
                }
            }
            Record::Truncate(_) | Record::Leave(_) | Record::CommitIndex(_) => {}
        }
    }

    /// Every contradiction found, as evidence that anybody can verify; one piece for each kind of
    /// offence of each signer.
    #[must_use]
    pub fn evidence_found(&self) -> Vec<Evidence> {
        let found = self.statements.contradictions(self.configuration);
        found
            .into_iter()
            .filter(|one| one.check(self.configuration, self.verifier).is_ok())
            .collect()
    }

    /// Elections whose base does not follow from their reports.
    #[must_use]
    pub fn false_elections(&self) -> &[FalseElection] {
        &self.false_elections
    }

    fn is_near(&self, index: Index) -> bool {
        let distance = index.beyond(self.from);
        // What hangs from before the parting shows how points lie to each other.
        distance <= BEYOND && self.from.beyond(index) <= 2 * limits::WINDOW
    }

    fn entry(&mut self, entry: &Entry) {
        if entry.index() >= self.from
            && self.is_near(entry.index())
            && entry.header().kind == EntryKind::TermRecord
            && let [payload] = &entry.payloads[..]
            && let Ok(record) = TermRecord::from_bytes(payload)
        {
            if let Some(election) = &record.election {
                self.election(election);
                self.check_base(election, &record.reports);
            }
            for report in &record.reports {
                self.report(report);
            }
        }
        self.header(&entry.signed);
    }

    fn check_base(&mut self, election: &ElectionCertificate, reports: &[Signed<Report>]) {
        let follows = from_reports(self.configuration, election.term(), reports);
        let holds = election.check(self.configuration, self.verifier).is_ok()
            && crate::message::hash_of_reports(reports) == election.grant.reports;
        if holds && follows != Ok(election.base()) {
            self.false_elections.push(FalseElection {
                term: election.term(),
                granters: election.grants.iter().map(|(node, _)| *node).collect(),
            });
        }
    }

    fn header(&mut self, signed: &SignedHeader) {
        if !self.is_near(signed.header.index) {
            return;
        }
        let hash = signed.header.hash(self.configuration);
        let digest = EntryHeader::signing_digest(self.configuration, signed.header.epoch, &hash);
        let key = self.configuration.key(signed.header.author);
        if key.is_some_and(|key| self.verifier.verify(key, &digest, &signed.signature)) {
            self.statements.signed_header(self.configuration, signed);
        }
    }

    fn quorum(&mut self, certificate: &QuorumCertificate) {
        if !self.is_near(certificate.header.index) {
            return;
        }
        for vote in &certificate.votes {
            if vote.signature_holds(self.configuration, self.verifier) {
                self.statements.vote(vote);
            }
        }
        for header in std::iter::once(&certificate.header).chain(&certificate.following) {
            self.statements.header(self.configuration, header);
        }
    }

    fn election(&mut self, election: &ElectionCertificate) {
        for grant in election.signed_grants() {
            if grant.signature_holds(self.configuration, self.verifier) {
                self.statements.grant(grant);
            }
        }
    }

    fn justification(&mut self, justification: &Justification) {
        match justification {
            Justification::Opening => {}
            Justification::Election(election) => self.election(election),
            Justification::Commit(commit) => self.quorum(commit),
        }
    }

    fn report(&mut self, report: &Signed<Report>) {
        for certificate in report.body.accept.iter().chain(&report.body.commit) {
            self.quorum(certificate);
        }
        self.justification(&report.body.pair.justification);
        for signed in &report.body.pair.headers {
            self.header(signed);
        }
        if report.signature_holds(self.configuration, self.verifier) {
            self.statements.report_alone(report);
        }
    }

    fn evidence(&mut self, evidence: &Evidence) {
        if evidence.check(self.configuration, self.verifier).is_ok() {
            self.statements.evidence(self.configuration, evidence);
        }
    }
}

/// Everybody whom evidence accuses.
#[must_use]
pub fn culprits(evidence: &[Evidence]) -> BTreeSet<NodeId> {
    evidence.iter().map(Evidence::accused).collect()
}
