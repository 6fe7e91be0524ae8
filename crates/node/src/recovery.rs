//! From what the disk holds to a replica that may vote (P11.1, P11.2).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use consensus::{
    Configuration, Entry, Index, Point, Record, Recovery, Restored, Verification, VoteState,
    encoding::Canonical, limits::RETAINED_ENTRIES,
};
use storage::{Damage, DirectoryDisk, Identity, Options, Position, Recovered, Storage};

use crate::{
    application::{Application, AppliedEntry},
    archive,
    chain::{self, StoredChain},
    error::StartError,
    losses::Losses,
    refill::Missing,
    starting::{Stage, StartProgress},
};

/// An opened data directory.
pub(crate) struct Opened {
    pub(crate) storage: Storage,
    /// The index directory, in which nothing is but what this start put there.
    pub(crate) index: PathBuf,
    pub(crate) chain: Arc<StoredChain>,
    /// What the records say.
    pub(crate) fold: Recovery<Position>,
    /// `None` for a directory in which nothing was ever written.
    pub(crate) vote_state: Option<VoteState>,
    /// Damaged entries of the chain, in its order: nothing may be voted before they are put back.
    pub(crate) missing: Vec<Missing>,
    /// What was found damaged, for people.
    pub(crate) detail: String,
}

/// Opens the stream and folds its records.
pub(crate) fn open(
    directory: &Path,
    identity: Identity,
    configuration: &Arc<Configuration>,
    progress: &StartProgress,
) -> Result<Opened, StartError> {
    let disk = DirectoryDisk::new(directory).map_err(|source| storage::OpenError::Disk {
        directory: directory.display().to_string(),
        operation: "create the directory".to_owned(),
        source,
    })?;
    let segments = disk.segments().map_err(|source| storage::OpenError::Disk {
        directory: directory.display().to_string(),
        operation: "list the files".to_owned(),
        source,
    })?;
    let mut segment = 0;
    let mut fold = Recovery::<Position>::default();
    let mut unreadable = None;
    let mut losses = Losses::default();
    let visit = |recovered: Recovered<'_>| {
        if recovered.position().segment != segment {
            segment = recovered.position().segment;
            progress.set(Stage::Reading, segment.saturating_sub(1).into(), segments);
        }
        if let Some(position) = losses.see(&recovered) {
            fold.lost_entry(position);
        }
        if let Recovered::Record {
            position,
            kind,
            bytes,
        } = recovered
        {
            match Record::from_bytes(configuration, kind, bytes) {
                Ok(record) => fold.record(position, record),
                Err(reason) => {
                    unreadable.get_or_insert(StartError::Record { position, reason });
                }
            }
        }
    };
    let (storage, recovery) = Storage::open(Arc::new(disk), identity, Options::default(), visit)?;
    let findings: Vec<String> = recovery.findings.iter().map(ToString::to_string).collect();
    let detail = findings.join("; ");
    if let Some(damage) = recovery.damage
        && !(damage == Damage::RecordsLost && losses.can_be_refilled())
    {
        return Err(StartError::Damaged {
            directory: directory.display().to_string(),
            damage,
            detail,
        });
    }
    if let Some(unreadable) = unreadable {
        return Err(unreadable);
    }
    for finding in &recovery.findings {
        tracing::warn!(%finding, "the data directory is not as it was written; nothing is lost");
    }
    if recovery.truncated_tail {
        tracing::info!("writes that were never synced were cut off");
    }
    let vote_state = recovery
        .vote_state
        .as_deref()
        .map(VoteState::from_bytes)
        .transpose()
        .map_err(StartError::VoteState)?;
    let index = archive::clear(directory).map_err(StartError::index)?;
    let chain = StoredChain::new(Arc::clone(configuration), storage.reader(), &fold, &index);
    let chain = Arc::new(chain.map_err(StartError::index)?);
    // An entry that was replaced later is not missed.
    let missing = fold
        .chain
        .iter()
        .zip(1..)
        .filter(|(stored, _)| losses.entries.contains(&stored.place))
        .map(|(stored, index)| Missing {
            index: Index(index),
            position: stored.place,
        })
        .collect();
    Ok(Opened {
        storage,
        index,
        chain,
        fold,
        vote_state,
        missing,
        detail,
    })
}

/// Executes every committed entry again, from disk, and hands each result to `applied`.
pub(crate) fn replay(
    opened: &Opened,
    application: &mut dyn Application,
    progress: &StartProgress,
    mut applied: impl FnMut(&Entry, AppliedEntry) -> Result<(), StartError>,
) -> Result<(), StartError> {
    let committed = opened.fold.committed();
    let mut index = application.applied().index;
    let mut before = chain::hash_at(&opened.fold, index);
    while index < committed {
        index = index.next();
        let entry = stored(opened, index)?;
        let links = |hash| entry.header().previous == hash;
        if !before.replace(entry.point().hash).is_none_or(links) {
            return Err(StartError::Chain(index));
        }
        let result = application.apply(&entry);
        if result.applied.index != index {
            return Err(StartError::Application {
                found: result.applied.index,
                expected: index,
            });
        }
        applied(&entry, result)?;
        progress.set(Stage::Replaying, index.0, committed.0);
    }
    Ok(())
}

/// What the replica starts from; `None` on a fresh disk. The tail is verified again, for entries
/// may have been written before they were verified (P11.1).
pub(crate) fn restore(
    opened: &Opened,
    application: &dyn Application,
    verification: &Verification,
) -> Result<Option<Restored>, StartError> {
    let Some(vote_state) = opened.vote_state.clone() else {
        return Ok(None);
    };
    let fold = &opened.fold;
    let last = Index(fold.chain.len() as u64);
    let before = Index(fold.committed().beyond(Index(RETAINED_ENTRIES)));
    let mut tail = Vec::new();
    let mut index = before;
    while index < last {
        index = index.next();
        tail.push(stored(opened, index)?);
    }
    verification.entries(&mut tail)?;
    let before = match chain::hash_at(fold, before) {
        Some(hash) => Point {
            index: before,
            hash,
        },
        None => verification.configuration().opening(),
    };
    Ok(Some(Restored {
        vote_state,
        before,
        tail,
        applied: application.applied(),
        side: fold.side.clone(),
        election: fold.election.clone(),
        leave: fold.leave.clone(),
        lock: fold.lock.clone(),
        commit: fold.commit.clone(),
        justification: fold.justification.clone(),
        evidence: fold.evidence.clone(),
    }))
}

fn stored(opened: &Opened, index: Index) -> Result<Arc<Entry>, StartError> {
    opened.chain.entry(index).ok_or(StartError::Chain(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{ClientChecks, Domain, Hash, Mode, signature::public_key};
    use keys::SigningKey;
    use std::fs;
    use storage::Batch;

    fn configuration() -> Arc<Configuration> {
        let validators = (1..=3).map(|seed| public_key(&SigningKey::from_bytes(&[seed; 32])));
        let domain = Domain {
            network: Hash([1; 32]),
            mode: Mode::Raft,
        };
        Arc::new(Configuration::genesis(domain, validators.collect(), ClientChecks::All).unwrap())
    }

    const IDENTITY: Identity = Identity {
        network: [1; 32],
        node: [2; 32],
    };

    /// Its vote state is known from the other copy, but not what that vote state speaks of: the
    /// entries of the last batch may have been acknowledged (P11.2).
    #[test]
    fn a_directory_whose_last_batch_is_damaged_is_refused_again_and_again() {
        let directory = tempfile::tempdir().unwrap();
        let open = || {
            let progress = StartProgress::default();
            open(directory.path(), IDENTITY, &configuration(), &progress)
        };
        let mut opened = open().unwrap();
        let vote_state = VoteState::new(&configuration()).to_bytes();
        for commit in 1..=2 {
            let (kind, bytes) = Record::CommitIndex(Index(commit)).to_bytes();
            let records = [storage::Record {
                kind,
                bytes: &bytes,
            }];
            let batch = Batch {
                vote_state: &vote_state,
                records: &records,
            };
            opened.storage.append(&batch).unwrap();
            opened.storage.sync().unwrap();
        }
        drop(opened);
        assert!(open().is_ok(), "it is whole");

        // What begins in the last block that is not empty: the last batch.
        let segment = directory.path().join("0000000001.segment");
        let mut bytes = fs::read(&segment).unwrap();
        let last = bytes.iter().rposition(|byte| *byte != 0).unwrap() / 4096 * 4096;
        bytes[last..last + 4096]
            .iter_mut()
            .for_each(|byte| *byte ^= 0x55);
        fs::write(&segment, bytes).unwrap();
        for _ in 0..2 {
            let refused = open().err().expect("damaged");
            let StartError::Damaged { damage, .. } = refused else {
                panic!("{refused}");
            };
            assert_eq!(damage, Damage::TailBatchDamaged);
        }
    }

    #[test]
    fn a_directory_whose_votes_are_ruined_is_refused_with_advice() {
        let directory = tempfile::tempdir().unwrap();
        let open = || {
            let progress = StartProgress::default();
            open(directory.path(), IDENTITY, &configuration(), &progress)
        };

        let mut fresh = open().unwrap();
        let batch = Batch {
            vote_state: b"a vote",
            records: &[],
        };
        fresh.storage.append(&batch).unwrap();
        fresh.storage.sync().unwrap();
        drop(fresh);
        let segment = directory.path().join("0000000001.segment");
        let mut bytes = fs::read(&segment).unwrap();
        for byte in bytes[300..].iter_mut().filter(|byte| **byte != 0) {
            *byte ^= 0xff;
        }
        fs::write(&segment, bytes).unwrap();

        // The second time, too: the first refusal must leave no fresh directory behind.
        for _ in 0..2 {
            let refused = open().err().expect("damaged");
            let lost = matches!(
                refused,
                StartError::Damaged {
                    damage: Damage::VoteStateLost,
                    ..
                }
            );
            assert!(lost, "{refused}");
            let message = refused.to_string();
            let location = directory.path().display().to_string();
            for part in [&location, "0000000001.segment at byte 4096", "new key"] {
                assert!(message.contains(part), "{message}");
            }
        }
    }
}
