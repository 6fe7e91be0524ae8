//! Getting a base elected that nobody can adopt: from reports that are all sound.

use std::collections::BTreeMap;

use consensus::{
    NodeId, Signature, Signed, Term,
    byzantine::select_base::from_reports,
    certificate::ElectionCertificate,
    event::Recipient,
    message::{Grant, Proof, Report, RequestVote},
};

use super::Tools;

#[derive(Default)]
pub(super) struct Candidacy {
    term: Term,
    reports: BTreeMap<NodeId, Signed<Report>>,
    request: Option<RequestVote>,
    grants: BTreeMap<NodeId, Signature>,
}

impl Candidacy {
    /// Whether it asked for grants in this term.
    pub(super) fn is_for(&self, term: Term) -> bool {
        self.term == term && self.request.is_some()
    }

    /// Takes in a report for a term that this node leads, and asks for grants as soon as the base is
    /// the one that it wants.
    pub(super) fn report(&mut self, tools: &mut Tools<'_>, signed: &Signed<Report>) {
        let term = signed.body.term;
        if tools.configuration().leader(term) != tools.me() || term < self.term {
            return;
        }
        if term > self.term {
            *self = Self {
                term,
                ..Self::default()
            };
        }
        if self.request.is_some() {
            return;
        }
        self.reports.insert(signed.signer, signed.clone());
        self.stand(tools);
    }

    fn stand(&mut self, tools: &mut Tools<'_>) {
        let Some(base) = tools
            .coalition
            .dead_base
            .as_ref()
            .map(super::DeadBase::point)
        else {
            return;
        };
        let configuration = tools.configuration();
        let mut chosen: Vec<&Signed<Report>> = self.reports.values().collect();
        // Those that report it, and then those that know least.
        chosen.sort_by_key(|report| {
            let pair = &report.body.pair;
            (pair.point != base, pair.term, pair.point.index)
        });
        chosen.truncate(configuration.sizes().reports());
        let reports: Vec<Signed<Report>> = chosen.into_iter().cloned().collect();
        if from_reports(configuration, self.term, &reports) != Ok(base) {
            return;
        }
        let request = RequestVote {
            epoch: configuration.epoch(),
            term: self.term,
            base,
            reports,
        };
        let own = tools.signed(request.grant());
        self.grants.insert(own.signer, own.signature);
        let message = tools.sign(request.clone());
        tools.pass(Recipient::Others, &message);
        self.request = Some(request);
    }

    /// Q grants make the certificate.
    pub(super) fn granted(&mut self, tools: &mut Tools<'_>, signed: &Signed<Grant>) {
        let Some(request) = &self.request else {
            return;
        };
        let grant = request.grant();
        if signed.body != grant {
            return;
        }
        self.grants.insert(signed.signer, signed.signature);
        let quorum = tools.configuration().sizes().quorum();
        let Some(base) = &mut tools.coalition.dead_base else {
            return;
        };
        if self.grants.len() < quorum || base.point() != grant.base || base.election.is_some() {
            return;
        }
        let grants = self.grants.iter().take(quorum);
        let certificate = ElectionCertificate {
            grant,
            grants: grants
                .map(|(node, signature)| (*node, *signature))
                .collect(),
        };
        base.election = Some(certificate.clone());
        let proof = tools.sign(Proof {
            epoch: certificate.grant.epoch,
            election: Some(certificate),
            leave: None,
            commit: None,
        });
        tools.pass(Recipient::Others, &proof);
    }
}
