//! Whether one ledger is what its certificates and results say.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use consensus::{
    Configuration, Ed25519, Entry, Hash, Index, Mode, NodeId, Record, Recovery, Verification,
    certificate::{CertificateError, QuorumCertificate},
    message::Applied,
    verification::InvalidEntry,
};
use keys::Genesis;
use storage::Position;
use thiserror::Error;

use super::{
    directory::{Directory, Unreadable},
    left::Left,
};
use crate::Ledger;

/// Indexes whose claimed results are compared at a time.
const CLAIMED: usize = 1_024;
/// Leaders left whose reasons are kept.
const LEFT: usize = 64;

/// What is wrong with a ledger: the first thing found.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Problem {
    /// The directory is not as it was written.
    #[error("the data are damaged: {0}")]
    Damaged(String),
    /// An entry does not follow the one before it.
    #[error("entry {0} does not follow the one before it")]
    Unlinked(Index),
    /// An entry is not valid (P3.2).
    #[error("entry {0} is not valid: {1}")]
    Invalid(Index, InvalidEntry),
    /// A commit certificate proves nothing.
    #[error("the commit certificate for entry {0} does not hold: {1}")]
    Certificate(Index, CertificateError),
    /// A commit certificate has too few votes to commit.
    #[error("the commit certificate for entry {0} has too few votes")]
    TooFew(Index),
    /// A commit certificate speaks about another entry than the one stored.
    #[error("the commit certificate for entry {0} is for another entry")]
    OtherEntry(Index),
    /// A committed entry is not there.
    #[error("entry {0} is missing")]
    Missing(Index),
    /// f + 1 nodes signed other results than executing the entries gives (P8.2).
    #[error("executing the entries gives other results after entry {0} than f + 1 nodes signed")]
    Results(Index),
}

/// A data directory that was read.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// Where it is.
    pub directory: PathBuf,
    /// Whose.
    pub node: NodeId,
    /// The hash of every entry known to be committed; position 0 holds index 1.
    pub hashes: Vec<Hash>,
    /// Entries stored beyond them. Nothing here tells whether they are committed: in byzantine mode no
    /// certificate of this node covers them, in the Raft modes it had not heard so, or had not yet
    /// recorded it when it was killed (P11.3).
    pub undecided: u64,
    /// How far the entries were executed here, and the results.
    pub applied: Applied,
    /// The leaders that were left, as the term records tell it, the newest few.
    pub left: Vec<Left>,
    /// The first thing that is wrong with it.
    pub problem: Option<Problem>,
}

struct Judge<'a> {
    verification: Verification,
    configuration: &'a Configuration,
    ledger: Ledger,
    last: Option<Arc<Entry>>,
    /// Own results of late.
    results: BTreeMap<Index, Hash>,
    claims: BTreeMap<(Index, Hash), BTreeSet<NodeId>>,
    left: VecDeque<Left>,
    problem: Option<Problem>,
}

/// Reads a directory and judges what it holds: links, signatures and bodies of all committed
/// entries, every commit certificate, and the results against those that nodes signed.
pub(super) fn inspect(
    directory: &Directory,
    genesis: &Genesis,
    configuration: &Configuration,
    progress: &mut dyn FnMut(u64),
) -> Result<Inspected, Unreadable> {
    // It is read twice, and the second time costs nearly everything.
    let segments = directory.segments();
    let mut segment = 0;
    let mut reading = |pass: u64, position: Position| {
        if position.segment != segment {
            segment = position.segment;
            let of_second = u64::from(segment.saturating_sub(1)) * 99;
            progress(pass + pass * of_second.checked_div(segments).unwrap_or(0));
        }
    };
    let mut fold = Recovery::<Position>::default();
    let recovery = directory.records(configuration, |position, record| {
        reading(0, position);
        fold.record(position, record);
    })?;
    let committed = fold.committed();
    let length = usize::try_from(committed.0).unwrap_or(usize::MAX);
    let undecided = fold.chain.len().saturating_sub(length) as u64;
    fold.chain.truncate(length);
    let shared = Arc::new(configuration.clone());
    let ledger = Ledger::new(genesis, configuration);
    let verifier = Ed25519::with_known(configuration.keys().iter().copied());
    let mut judge = Judge {
        verification: Verification::new(shared, Arc::new(verifier), ledger.payloads()),
        configuration,
        ledger,
        last: None,
        results: BTreeMap::new(),
        claims: BTreeMap::new(),
        left: VecDeque::new(),
        problem: recovery.damage.map(|damage| {
            let findings: Vec<String> = recovery.findings.iter().map(ToString::to_string).collect();
            Problem::Damaged(format!("{damage}: {}", findings.join("; ")))
        }),
    };
    let certified = |certificate: &QuorumCertificate| {
        let index = certificate.header.index;
        let stored = usize::try_from(index.previous().0).ok();
        stored.and_then(|position| fold.chain.get(position))
    };
    directory.records(configuration, |position, record| {
        reading(1, position);
        match record {
            Record::Entry(entry) => {
                let place = usize::try_from(entry.index().previous().0).ok();
                let stored = place.and_then(|place| fold.chain.get(place));
                if stored.is_some_and(|stored| stored.place == position) {
                    judge.entry(entry);
                }
            }
            Record::Commit(certificate) => {
                let stored = certified(&certificate).map(|stored| stored.hash);
                judge.commit(&certificate, stored);
            }
            _ => {}
        }
    })?;
    let hashes: Vec<Hash> = fold.chain.iter().map(|stored| stored.hash).collect();
    let applied = judge.ledger.applied();
    if applied.index < committed {
        let missing = applied.index.next();
        judge.problem.get_or_insert(Problem::Missing(missing));
    }
    Ok(Inspected {
        directory: directory.path.clone(),
        node: directory.node,
        hashes,
        undecided,
        applied,
        left: judge.left.into(),
        problem: judge.problem,
    })
}

impl Judge<'_> {
    /// The next committed entry.
    fn entry(&mut self, entry: Arc<Entry>) {
        if self.problem.is_some() {
            return;
        }
        let index = entry.index();
        let opening = self.configuration.opening();
        let (before, term, timestamp) = match &self.last {
            Some(last) => (last.point(), last.term(), last.header().timestamp),
            None => (opening, consensus::Term::ZERO, 0),
        };
        let header = entry.header();
        let linked = header.previous == before.hash
            && index == before.index.next()
            && header.term >= term
            && header.timestamp >= timestamp;
        if !linked {
            self.problem = Some(Problem::Unlinked(index));
            return;
        }
        let mut checked = [entry];
        if let Err(invalid) = self.verification.entries(&mut checked) {
            self.problem = Some(Problem::Invalid(index, invalid));
            return;
        }
        let [entry] = checked;
        if let Some(left) = Left::told_by(self.configuration, &entry) {
            self.left.push_back(left);
            if self.left.len() > LEFT {
                self.left.pop_front();
            }
        }
        self.ledger.apply(&entry);
        let applied = self.ledger.applied();
        self.results.insert(applied.index, applied.digest);
        if self.results.len() > CLAIMED {
            self.results.pop_first();
        }
        self.last = Some(entry);
    }

    /// A stored commit certificate, and the hash of the entry that stands at its index.
    fn commit(&mut self, certificate: &QuorumCertificate, stored: Option<Hash>) {
        if self.problem.is_some() || self.configuration.mode() != Mode::Byzantine {
            return;
        }
        let index = certificate.header.index;
        if let Err(error) = self.verification.quorum(certificate) {
            self.problem = Some(Problem::Certificate(index, error));
        } else if !certificate.commits(self.configuration.sizes()) {
            self.problem = Some(Problem::TooFew(index));
        } else if stored != Some(certificate.point(self.configuration).hash) {
            self.problem = Some(Problem::OtherEntry(index));
        }
        for vote in &certificate.votes {
            if let Some(applied) = vote.body.applied {
                self.claim(vote.signer, applied);
            }
        }
    }

    /// What a node signed about results; enough equal claims must be right.
    fn claim(&mut self, node: NodeId, applied: Applied) {
        let Some(own) = self.results.get(&applied.index) else {
            return;
        };
        let differs = *own != applied.digest;
        let claiming = self
            .claims
            .entry((applied.index, applied.digest))
            .or_default();
        claiming.insert(node);
        if differs && claiming.len() >= self.configuration.sizes().matching_answers() {
            self.problem.get_or_insert(Problem::Results(applied.index));
        }
        if self.claims.len() > CLAIMED {
            self.claims.pop_first();
        }
    }
}
