//! Certificates, locks and commits (P3.3 (iii), P3.5, P3.6).

use std::sync::Arc;

use super::{Byzantine, accepting::Side};
use crate::{
    certificate::{Counted, QuorumCertificate},
    entry::Entry,
    event::{Notice, Output},
    message::Justification,
    mutation::{self, Mutation},
    record::Record,
    types::{Index, Point},
};

impl Byzantine {
    /// Counts the votes of the pair's term: every node commits for itself (P3.6).
    pub(super) fn count_votes(&mut self) {
        let sizes = self.configuration().sizes();
        let term = self.state.pair_term;
        let certificate = |counted, needed, above: Index| {
            self.votes
                .certificate(&self.log, term, counted, needed, above)
        };
        let fast = certificate(
            Counted::Accepted,
            Counted::Accepted.committing(sizes),
            self.commit.index,
        );
        let slow = (sizes.quorum() < sizes.fast_quorum())
            .then(|| certificate(Counted::Locked, sizes.quorum(), self.commit.index))
            .flatten();
        let best = fast
            .into_iter()
            .chain(slow)
            .max_by_key(|certificate| certificate.header.index);
        if let Some(best) = best {
            self.commit_to(best);
        }
        self.lock();
    }

    /// P3.5: where Q < F, an accept certificate of the current term is locked before it is voted.
    fn lock(&mut self) {
        let sizes = self.configuration().sizes();
        if sizes.quorum() == sizes.fast_quorum() || !self.adopted() || self.side.is_some() {
            return;
        }
        let above = self.state.locked.map_or(Index::ZERO, |point| point.index);
        let accept = self.votes.certificate(
            &self.log,
            self.state.term,
            Counted::Accepted,
            sizes.quorum(),
            above,
        );
        if let Some(accept) = accept {
            let point = accept.point(self.configuration());
            self.record(Record::Lock(accept.clone()));
            self.lock = Some(accept);
            self.change_state(|state| state.locked = Some(point));
        }
    }

    /// Takes in a commit certificate that somebody sent.
    pub(super) fn learn_commit(&mut self, certificate: Option<QuorumCertificate>) {
        let Some(certificate) = certificate else {
            return;
        };
        self.witness_certificate(&certificate);
        let best = self
            .wanted
            .as_ref()
            .map_or(self.commit.index, |(wanted, _)| wanted.header.index);
        if certificate.header.index > best.max(self.commit.index)
            && certificate.commits(self.configuration().sizes())
        {
            let since = self
                .wanted
                .take()
                .map_or(self.now.monotonic, |(_, since)| since);
            self.wanted = Some((certificate, since));
        }
    }

    /// Follows a certificate whose entries are here by now.
    pub(super) fn install_wanted(&mut self) {
        let Some((wanted, since)) = self.wanted.take() else {
            return;
        };
        let point = wanted.point(self.configuration());
        if point.index <= self.commit.index {
            return;
        }
        match self.path(point) {
            Ok((fork, path)) if self.may_follow(&wanted, fork, &path) => {
                self.follow(&wanted, fork, &path);
                self.commit_to(wanted);
            }
            Ok(_) => self.notice(Notice::Contradiction { point }),
            Err(_) => self.wanted = Some((wanted, since)),
        }
    }

    /// The chain does not change at or below the commit point, whatever anybody signs (P3.2), and
    /// a certificate does not displace a branch of a later term, whose base includes all that was
    /// committed before.
    fn may_follow(
        &self,
        certificate: &QuorumCertificate,
        fork: Point,
        path: &[Arc<Entry>],
    ) -> bool {
        let displaces = !path.is_empty() && fork != self.log.last();
        fork.index >= self.commit.index
            && (!displaces || certificate.term() >= self.state.pair_term)
    }

    /// P3.3 (iii): what the certificate does to the accepted pair, and the chain that it demands.
    fn follow(&mut self, certificate: &QuorumCertificate, fork: Point, path: &[Arc<Entry>]) {
        let (term, point) = (certificate.term(), certificate.point(self.configuration()));
        let conflicts = !path.is_empty() && fork != self.log.last();
        if conflicts {
            if term == self.state.pair_term
                && self.side.is_none()
                && !mutation::active(Mutation::LosingBranchForgotten)
            {
                self.put_aside(fork);
            }
            let dropped = self.log.truncate(fork.index);
            self.dropped(&dropped);
            self.record(Record::Truncate(fork.index));
        }
        for entry in path {
            self.log.append(Arc::clone(entry));
            self.record(Record::Entry(Arc::clone(entry)));
        }
        self.refresh_in_chain();
        let advances = term > self.state.pair_term
            || (term == self.state.pair_term
                && self.side.is_none()
                && (point.index > self.state.pair_point.index
                    || (conflicts && mutation::active(Mutation::LosingBranchForgotten))));
        if advances {
            let raises_term = term > self.state.term;
            self.side = None;
            self.justification = Justification::Commit(certificate.clone());
            self.record(Record::Justification(self.justification.clone()));
            let new_pair_term = term > self.state.pair_term;
            if new_pair_term {
                self.lock = None;
            }
            self.change_state(|state| {
                if new_pair_term {
                    state.locked = None;
                }
                state.pair_term = term;
                state.pair_point = point;
            });
            if raises_term {
                self.enter_term(term, true);
            }
        }
        for entry in path {
            self.witness_entry(entry);
        }
    }

    /// The accepted branch leaves the chain, because the certificates of its own term are on
    /// another one. It is kept with what it hangs from, for the report, and this node accepts and
    /// locks nothing more in the term.
    fn put_aside(&mut self, fork: Point) {
        let anchor = self.anchor(fork);
        let entries: Vec<Arc<Entry>> = self.log.after(anchor.index).cloned().collect();
        for entry in &entries {
            self.record(Record::SideEntry(Arc::clone(entry)));
        }
        let of_pair = |certificate: &&Arc<QuorumCertificate>| {
            certificate.term() == self.state.pair_term && certificate.header.index == anchor.index
        };
        if let Some(certificate) = self.certificate.as_ref().filter(of_pair) {
            self.justification = Justification::Commit((**certificate).clone());
            self.record(Record::Justification(self.justification.clone()));
        }
        self.side = Some(Side { entries });
        self.change_state(|_| {});
    }

    /// The furthest point at or below `limit` that this node can show to be base(w) or committed
    /// in w.
    pub(super) fn anchor(&self, limit: Point) -> Point {
        let configuration = self.configuration();
        let base = match &self.justification {
            Justification::Opening => configuration.opening(),
            Justification::Election(election) => election.base(),
            Justification::Commit(commit) => commit.point(configuration),
        };
        self.certificate
            .as_ref()
            .filter(|certificate| certificate.term() == self.state.pair_term)
            .map(|certificate| certificate.point(configuration))
            .filter(|point| point.index <= limit.index && point.index > base.index)
            .unwrap_or(base)
    }

    fn commit_to(&mut self, certificate: QuorumCertificate) {
        let point = certificate.point(self.configuration());
        assert!(
            self.log.contains(point) && point.index > self.commit.index,
            "P3.6: only what is on the chain and new is committed"
        );
        let entries: Vec<Arc<Entry>> = self
            .log
            .after(self.commit.index)
            .take_while(|entry| entry.index() <= point.index)
            .cloned()
            .collect();
        self.commit = point;
        self.record(Record::Commit(certificate.clone()));
        let certificate = Arc::new(certificate);
        self.certificates
            .insert(point.index, Arc::clone(&certificate));
        self.certificate = Some(Arc::clone(&certificate));
        self.out.push(Output::Certified(Arc::clone(&certificate)));
        for entry in entries {
            for (key, payload) in entry.keys().iter().zip(&entry.payloads) {
                self.in_chain.remove(key);
                self.request_committed(key, payload, entry.index());
            }
            self.requests.committed(&entry);
            self.out.push(Output::Apply(entry));
        }
        self.progressed(&certificate);
        self.notice(Notice::Committed { point });
    }
}
