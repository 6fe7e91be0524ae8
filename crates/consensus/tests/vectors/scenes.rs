//! What happens in the networks: two entries in term 0, then validator 0 is deposed and validator
//! 1 leads term 1.

use std::sync::Arc;

use consensus::{
    Entry, EntryKind, Epoch, Hash, Mode, NodeId, Point, RequestKey, Signed, Term,
    certificate::{Counted, ElectionCertificate, LeaveCertificate, QuorumCertificate},
    encoding::Canonical,
    message::{
        Applied, Grant, Justification, Leave, PairReport, Reason, Report, RequestVote, Suspect,
        TermRecord, Vote,
    },
};

use super::Network;

/// The entries of a short history in Byzantine mode, and what is signed about them.
pub struct Scene {
    pub network: Network,
    /// Index 1: term 0's record.
    pub opening_record: Arc<Entry>,
    /// Index 2: three transactions.
    pub three: Arc<Entry>,
    /// Index 3: one transaction.
    pub one: Arc<Entry>,
    /// Index 2 on a branch of its own, signed by the same leader.
    pub rival: Arc<Entry>,
}

impl Scene {
    pub fn new() -> Self {
        let network = Network::new(Mode::Byzantine);
        let first_leader = (0, 0);
        let transactions = EntryKind::Transactions;
        let opening_record = network.entry(
            EntryKind::TermRecord,
            first_leader,
            network.configuration.opening(),
            &[&TermRecord::default().to_bytes()],
        );
        let base = opening_record.point();
        let three = network.entry(transactions, first_leader, base, &[b"a", b"bc", b"def"]);
        let one = network.entry(transactions, first_leader, three.point(), &[b"ghij"]);
        let rival = network.entry(transactions, first_leader, base, &[b"klmno"]);
        Self {
            network,
            opening_record,
            three,
            one,
            rival,
        }
    }

    pub fn vote(
        &self,
        signer: u16,
        accepted: Option<Point>,
        locked: Option<Point>,
    ) -> Signed<Vote> {
        let vote = Vote {
            epoch: Epoch::ZERO,
            term: Term(0),
            accepted,
            locked,
            applied: None,
        };
        self.network.sign(signer, vote)
    }

    /// A vote that says how far its signer executed.
    pub fn result_vote(&self, signer: u16, digest: Hash) -> Signed<Vote> {
        let vote = Vote {
            epoch: Epoch::ZERO,
            term: Term(0),
            accepted: Some(self.one.point()),
            locked: Some(self.three.point()),
            applied: Some(Applied {
                index: self.three.index(),
                digest,
            }),
        };
        self.network.sign(signer, vote)
    }

    /// Commits index 2 by F accepted votes, one of which lies further along the chain.
    pub fn accepted(&self) -> QuorumCertificate {
        let (three, one) = (Some(self.three.point()), Some(self.one.point()));
        QuorumCertificate {
            counted: Counted::Accepted,
            header: self.three.header().clone(),
            following: vec![self.one.header().clone()],
            votes: vec![
                self.vote(0, three, None),
                self.vote(1, one, None),
                self.vote(3, three, None),
            ],
        }
    }

    /// Commits index 2 by Q locks.
    pub fn locked(&self) -> QuorumCertificate {
        let point = Some(self.three.point());
        QuorumCertificate {
            counted: Counted::Locked,
            header: self.three.header().clone(),
            following: Vec::new(),
            votes: (0..3)
                .map(|signer| self.vote(signer, point, point))
                .collect(),
        }
    }

    pub fn suspect(&self, signer: u16, reason: Reason) -> Signed<Suspect> {
        let suspect = Suspect {
            epoch: Epoch::ZERO,
            term: Term(0),
            commit: self.three.point(),
            uncommitted: matches!(reason, Reason::Silent).then(|| self.one.point()),
            reason,
        };
        self.network.sign(signer, suspect)
    }

    pub fn would_leave(&self, signer: u16, reason: Reason, followed: bool) -> Signed<Leave> {
        let leave = Leave {
            epoch: Epoch::ZERO,
            term: Term(0),
            reason,
            followed,
        };
        self.network.sign(signer, leave)
    }

    pub fn starved() -> Reason {
        Reason::Starved(RequestKey {
            account: [0xac; 32],
            nonce: 0x0102_0304_0506_0708,
        })
    }

    pub fn leave(&self) -> LeaveCertificate {
        LeaveCertificate {
            epoch: Epoch::ZERO,
            term: Term(0),
            leaves: vec![
                self.would_leave(1, Reason::Silent, false),
                self.would_leave(2, Self::starved(), false),
                self.would_leave(3, Reason::Silent, true),
            ],
        }
    }

    /// Validator 1 shows every header since the opening, 2 those since a certificate, 3 holds one
    /// entry less.
    pub fn report(&self, signer: u16) -> Signed<Report> {
        let headers =
            |entries: &[&Arc<Entry>]| entries.iter().map(|one| one.signed.clone()).collect();
        let (record, three, one) = (&self.opening_record, &self.three, &self.one);
        let (point, headers, justification) = match signer {
            1 => (one, headers(&[record, three, one]), Justification::Opening),
            2 => (one, headers(&[one]), Justification::Commit(self.accepted())),
            _ => (three, headers(&[record, three]), Justification::Opening),
        };
        let report = Report {
            epoch: Epoch::ZERO,
            term: Term(1),
            pair: PairReport {
                term: Term(0),
                point: point.point(),
                headers,
                justification,
            },
            accept: (signer == 1).then(|| self.accepted()),
            commit: (signer != 3).then(|| self.locked()),
            leave: self.leave(),
        };
        self.network.sign(signer, report)
    }

    pub fn request_vote(&self) -> RequestVote {
        RequestVote {
            epoch: Epoch::ZERO,
            term: Term(1),
            base: self.one.point(),
            reports: (1..4).map(|signer| self.report(signer)).collect(),
        }
    }

    pub fn grant(&self) -> Grant {
        self.request_vote().grant()
    }

    pub fn election(&self) -> ElectionCertificate {
        let grant = |signer| self.network.sign(signer, self.grant()).signature;
        ElectionCertificate {
            grant: self.grant(),
            grants: (1..4)
                .map(|signer| (NodeId(signer), grant(signer)))
                .collect(),
        }
    }

    pub fn term_record(&self) -> TermRecord {
        TermRecord {
            election: Some(self.election()),
            reports: self.request_vote().reports,
        }
    }

    /// Index 4: the record of term 1.
    pub fn second_record(&self) -> Arc<Entry> {
        let record = self.term_record().to_bytes();
        let leader = (1, 1);
        let previous = self.one.point();
        self.network
            .entry(EntryKind::TermRecord, leader, previous, &[&record])
    }
}
