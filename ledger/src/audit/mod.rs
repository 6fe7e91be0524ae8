//! Audits of nodes' data directories, offline, from the genesis file alone: whether each ledger is
//! what its certificates and results say, whether two ledgers agree, and where they do not, who is
//! to blame (P7.3).
//!
//! Nothing is written to the directories; a running node's is refused.

mod directory;
mod judge;
mod left;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use consensus::{
    Configuration, Ed25519, Evidence, Index, NodeId,
    evidence::audit::{Examiner, FalseElection, culprits, part_at},
    mode::SizeError,
};
use keys::Genesis;
use thiserror::Error;

pub use directory::Unreadable;
pub use judge::{Inspected, Problem};
pub use left::Left;

use directory::Directory;

/// Why there is no audit.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The genesis makes no network.
    #[error("the genesis makes no network: {0}")]
    Size(#[from] SizeError),
    /// A directory cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// Two ledgers that hold different entries.
#[derive(Clone, Debug)]
pub struct Parting {
    /// The first index at which they do.
    pub index: Index,
    /// Which two of the directories, by position.
    pub between: (usize, usize),
    /// Every contradiction between signed statements in any of the directories.
    pub evidence: Vec<Evidence>,
    /// Elections whose base does not follow from their reports.
    pub false_elections: Vec<FalseElection>,
}

impl Parting {
    /// Everybody whom the evidence accuses.
    #[must_use]
    pub fn culprits(&self) -> BTreeSet<NodeId> {
        culprits(&self.evidence)
    }
}

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Each directory, in the order given.
    pub inspected: Vec<Inspected>,
    /// How far all ledgers hold the same entries.
    pub agreed: Index,
    /// Where two of them part, the lowest such index.
    pub parting: Option<Parting>,
}

impl Audit {
    /// Whether every ledger is sound and none contradicts another.
    #[must_use]
    pub fn holds(&self) -> bool {
        let sound = |one: &Inspected| one.problem.is_none();
        self.parting.is_none() && self.inspected.iter().all(sound)
    }
}

/// Audits data directories of one network.
///
/// # Errors
/// [`AuditError`] if there is nothing to audit; what is wrong with what is there is in the [`Audit`].
pub fn audit(
    genesis: &Genesis,
    configuration: &Configuration,
    directories: &[PathBuf],
) -> Result<Audit, AuditError> {
    audit_telling(genesis, configuration, directories, &mut |_, _| {})
}

/// The same, and says now and then how many hundredths of which directory are done.
///
/// # Errors
/// As [`audit`].
pub fn audit_telling(
    genesis: &Genesis,
    configuration: &Configuration,
    directories: &[PathBuf],
    progress: &mut dyn FnMut(&Path, u64),
) -> Result<Audit, AuditError> {
    let directories: Vec<Directory> = directories
        .iter()
        .map(|path| Directory::find(path, genesis))
        .collect::<Result<_, _>>()?;
    let inspected: Vec<Inspected> = directories
        .iter()
        .map(|directory| {
            let mut told = |percent| progress(&directory.path, percent);
            judge::inspect(directory, genesis, configuration, &mut told)
        })
        .collect::<Result<_, _>>()?;
    let shortest = inspected.iter().map(|one| one.hashes.len()).min();
    let mut agreed = Index(shortest.unwrap_or(0) as u64);
    let mut first: Option<(Index, (usize, usize))> = None;
    for (position, one) in inspected.iter().enumerate() {
        for (further, other) in inspected.iter().enumerate().skip(position + 1) {
            if let Some(index) = part_at(&one.hashes, &other.hashes)
                && first.is_none_or(|(lowest, _)| index < lowest)
            {
                first = Some((index, (position, further)));
            }
        }
    }
    let mut parting = None;
    if let Some((index, between)) = first {
        agreed = agreed.min(index.previous());
        let verifier = Ed25519::with_known(configuration.keys().iter().copied());
        let mut examiner = Examiner::new(configuration, &verifier, index);
        for directory in &directories {
            directory.records(configuration, |_, record| examiner.record(&record))?;
        }
        parting = Some(Parting {
            index,
            between,
            evidence: examiner.evidence_found(),
            false_elections: examiner.false_elections().to_vec(),
        });
    }
    Ok(Audit {
        inspected,
        agreed,
        parting,
    })
}
