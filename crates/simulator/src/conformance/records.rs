//! What durable records and reports mean as steps of the model.

use consensus::{
    Index, NodeId, Record, VoteState,
    certificate::QuorumCertificate,
    message::{Justification, PairReport, Report, RequestVote},
};
use model::safety::{Action, Point as Place, Report as Said, Reported};

use super::{names, replay::Replay};

impl Replay {
    /// What a write makes durable, record after record.
    pub(super) fn write(
        &mut self,
        node: NodeId,
        position: usize,
        vote_state: &VoteState,
        records: &[Record],
    ) -> Result<(), String> {
        for record in records {
            if !matches!(record, Record::Entry(_)) {
                self.flush(node, position)?;
            }
            self.record(node, position, record)?;
        }
        self.flush(node, position)?;
        self.compare(position, vote_state)
    }

    fn record(&mut self, node: NodeId, position: usize, record: &Record) -> Result<(), String> {
        match record {
            Record::Entry(entry) => {
                let forest = self.protocol.forest();
                let place = self.names.name(forest, entry.header(), entry.point())?;
                let life = &mut self.lives[node.position()];
                let own = &self.state.nodes[position];
                let accepted = life.accepting.unwrap_or(own.point);
                if own.term == own.pair_term
                    && forest.is_of(place, own.pair_term)
                    && forest.parent(place) == accepted
                {
                    life.accepting = Some(place);
                } else {
                    // It belongs to a base or to a certificate, which says what it does.
                    return self.flush(node, position);
                }
                Ok(())
            }
            Record::SideEntry(entry) => {
                let forest = self.protocol.forest();
                let named = self.names.name(forest, entry.header(), entry.point());
                named.map(|_| ())
            }
            Record::Leave(certificate) => self.take(Action::Leave {
                node: position,
                term: names::term(certificate.term)?,
            }),
            Record::Election(certificate) => {
                let term = names::term(certificate.term())?;
                if term <= self.node(position).term {
                    return Ok(());
                }
                self.take(Action::Enter {
                    node: position,
                    term,
                })
            }
            Record::Granted(request) => self.grant(position, request),
            Record::Justification(Justification::Election(election)) => self.take(Action::Adopt {
                node: position,
                term: names::term(election.term())?,
                base: self.names.find(election.base())?,
            }),
            Record::Lock(certificate) => {
                let point = self.speaks_of(certificate)?;
                self.take(Action::Lock {
                    node: position,
                    point,
                })
            }
            // A justification by commit is the certificate that comes with it: what it does to the
            // pair may become durable before the rest.
            Record::Commit(certificate)
            | Record::Justification(Justification::Commit(certificate)) => {
                self.commit(position, certificate)
            }
            Record::Truncate(_)
            | Record::CommitIndex(_)
            | Record::Justification(Justification::Opening)
            | Record::Evidence(_) => Ok(()),
        }
    }

    fn commit(&mut self, position: usize, certificate: &QuorumCertificate) -> Result<(), String> {
        let point = self.speaks_of(certificate)?;
        self.take(Action::Commit {
            node: position,
            term: names::term(certificate.term())?,
            point,
        })?;
        if self
            .protocol
            .forest()
            .extends(self.node(position).commit, point)
        {
            return Ok(());
        }
        let point = certificate.point(&self.configuration);
        Err(format!(
            "commits {point}, on another chain by the model (P3.6)"
        ))
    }

    /// Tells the model what was accepted one after the other.
    fn flush(&mut self, node: NodeId, position: usize) -> Result<(), String> {
        match self.lives[node.position()].accepting.take() {
            Some(point) => self.take(Action::Accept {
                node: position,
                point,
            }),
            None => Ok(()),
        }
    }

    fn grant(&mut self, position: usize, request: &RequestVote) -> Result<(), String> {
        let term = names::term(request.term)?;
        let own = self.node(position).term;
        if own != term {
            return Err(format!("grants in term {term} and is in term {own} (P4.7)"));
        }
        let mut reports = Vec::with_capacity(request.reports.len());
        for report in &request.reports {
            if report.body.term != request.term {
                return Err(format!(
                    "counts a report for term {} (P4.5)",
                    report.body.term
                ));
            }
            reports.push(Reported {
                reporter: report.signer.position(),
                report: self.said(&report.body)?,
            });
        }
        self.take(Action::Grant {
            node: position,
            base: self.names.find(request.base)?,
            reports: reports.into(),
        })
    }

    /// A report in the model's words.
    fn said(&mut self, report: &Report) -> Result<Said, String> {
        let PairReport {
            term,
            point,
            headers,
            justification,
        } = &report.pair;
        let justified = match justification {
            Justification::Commit(certificate) => Some(certificate),
            _ => None,
        };
        for signed in headers {
            let point = signed.header.point(&self.configuration);
            self.names
                .name(self.protocol.forest(), &signed.header, point)?;
        }
        let mut certified: Option<(Index, Place)> = None;
        for certificate in [report.accept.as_ref(), report.commit.as_ref(), justified]
            .into_iter()
            .flatten()
            .filter(|certificate| certificate.term() == *term)
        {
            let index = certificate.header.index;
            if certified.is_none_or(|(furthest, _)| index > furthest) {
                certified = Some((index, self.speaks_of(certificate)?));
            }
        }
        Ok(Said {
            pair_term: names::term(*term)?,
            point: self.names.find(*point)?,
            certified: certified.map(|(_, place)| place),
        })
    }

    fn speaks_of(&mut self, certificate: &QuorumCertificate) -> Result<Place, String> {
        let point = certificate.point(&self.configuration);
        self.names
            .name(self.protocol.forest(), &certificate.header, point)
    }

    /// A report leaves: it says what the model's node would say, now or when it left the term.
    pub(super) fn reported(&mut self, position: usize, report: &Report) -> Result<(), String> {
        let said = (names::term(report.term)?, self.said(report)?);
        if self.node(position).reports.contains(&said) {
            return Ok(());
        }
        self.take(Action::Report { node: position })?;
        if self.node(position).reports.contains(&said) {
            return Ok(());
        }
        let own = self.node(position);
        Err(format!(
            "reports for term {} that it {}; by the model it is {} (P4.4)",
            report.term,
            self.names.report(&said.1),
            self.names.node(own)
        ))
    }
}
