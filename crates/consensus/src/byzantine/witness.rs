//! Catching traitors: comparing signed statements as they come by (P7.3).

use std::sync::Arc;

use super::Byzantine;
use crate::{
    certificate::Counted,
    entry::{Entry, EntryHeader, SignedHeader},
    event::{Notice, Recipient},
    evidence::{Evidence, Offence},
    limits,
    message::{Reason, Report, Vote},
    record::Record,
    signed::Signed,
    types::{Index, Point},
};

impl Byzantine {
    pub(super) fn witness_entry(&mut self, entry: &Entry) {
        self.witness_header(&entry.signed, entry.point());
    }

    /// Two entries of one leader at one index of one term.
    fn witness_header(&mut self, signed: &SignedHeader, point: Point) {
        let rival = self
            .log
            .get(point.index)
            .into_iter()
            .chain(self.branches.at(point.index))
            .find(|known| known.term() == signed.header.term && known.point() != point)
            .map(|known| known.signed.clone());
        if let Some(rival) = rival {
            self.accuse(Offence::Equivocation {
                author: signed.header.author,
                first: rival,
                second: signed.clone(),
            });
        }
    }

    pub(super) fn witness_vote(&mut self, vote: &Signed<Vote>) {
        let before: Vec<Signed<Vote>> = self.votes.of_node(vote.signer).cloned().collect();
        for before in &before {
            let results_differ = before
                .body
                .applied
                .zip(vote.body.applied)
                .is_some_and(|(one, other)| one.index == other.index && one.digest != other.digest);
            if results_differ {
                self.accuse(Offence::TwoResults {
                    first: before.clone(),
                    second: vote.clone(),
                });
            }
            if before.body.term == vote.body.term {
                self.witness_fork(before, vote, false);
                self.witness_fork(before, vote, true);
            }
        }
    }

    fn witness_fork(&mut self, one: &Signed<Vote>, other: &Signed<Vote>, locked: bool) {
        let point = |vote: &Vote| if locked { vote.locked } else { vote.accepted };
        let Some((first, second)) = point(&one.body).zip(point(&other.body)) else {
            return;
        };
        let (lower, higher, low, high) = if first.index <= second.index {
            (one, other, first, second)
        } else {
            (other, one, second, first)
        };
        if let Some(headers) = self.headers_between(low, high) {
            self.accuse(Offence::ForkedVotes {
                lower: lower.clone(),
                higher: higher.clone(),
                compared: if locked {
                    (Counted::Locked, Counted::Locked)
                } else {
                    (Counted::Accepted, Counted::Accepted)
                },
                headers,
            });
        }
    }

    /// The headers that prove that `high` does not extend `low`, if they are here.
    fn headers_between(&self, low: Point, high: Point) -> Option<Vec<EntryHeader>> {
        if low.index == high.index {
            return (low.hash != high.hash).then(Vec::new);
        }
        if high.index.beyond(low.index) > limits::WINDOW {
            return None;
        }
        let headers = if self.log.contains(high) {
            (low.index.0 + 1..=high.index.0)
                .map(|index| {
                    self.log
                        .get(Index(index))
                        .map(|entry| entry.header().clone())
                })
                .collect::<Option<Vec<_>>>()?
        } else {
            let mut headers = Vec::new();
            let mut at = high;
            while at.index > low.index {
                let entry = self
                    .branches
                    .get(at)
                    .or_else(|| self.log.get(at.index).filter(|entry| entry.point() == at))?;
                headers.push(entry.header().clone());
                at = Point {
                    index: at.index.previous(),
                    hash: entry.header().previous,
                };
            }
            headers.reverse();
            headers
        };
        headers
            .first()
            .is_some_and(|first| first.previous != low.hash)
            .then_some(headers)
    }

    pub(super) fn witness_report(&mut self, report: &Signed<Report>) {
        let configuration = Arc::clone(self.configuration());
        for signed in &report.body.pair.headers {
            self.witness_header(signed, signed.header.point(&configuration));
        }
        let votes: Vec<Signed<Vote>> = self
            .votes
            .of_node(report.signer)
            .filter(|vote| vote.body.term < report.body.term)
            .cloned()
            .collect();
        for vote in votes {
            self.accuse(Offence::FalseReport {
                report: Box::new(report.clone()),
                vote,
            });
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

    /// One piece for each kind of offence of each validator is enough to convict it.
    fn knows(&self, evidence: &Evidence) -> bool {
        self.evidence.len() >= limits::EVIDENCE
            || self.evidence.iter().any(|known| {
                known.accused() == evidence.accused() && known.name() == evidence.name()
            })
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
