//! The thread that owns the disk: all writes that wait become durable with one sync (P11.1).

use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use consensus::{Record, VoteState, WriteId, encoding::Canonical};
use storage::{Batch, Storage};

use crate::{
    chain::StoredChain,
    counters::Counters,
    error::{Fatal, NodeError},
    limits::{DISK_QUEUE, GROUP_COMMIT_BYTES},
    mailbox::Mailbox,
};

/// One write of the replica.
pub(crate) struct Write {
    pub(crate) id: WriteId,
    pub(crate) vote_state: Box<VoteState>,
    pub(crate) records: Vec<Record>,
}

/// The disk, with whom it tells.
pub(crate) struct DiskTask {
    pub(crate) storage: Storage,
    pub(crate) chain: Arc<StoredChain>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) fatal: Fatal,
}

pub(crate) fn queue() -> (SyncSender<Write>, Receiver<Write>) {
    sync_channel(DISK_QUEUE)
}

impl DiskTask {
    /// Writes until the replica's thread has gone and everything is durable. A failure stops the
    /// node.
    pub(crate) fn run(mut self, writes: &Receiver<Write>) {
        while let Ok(first) = writes.recv() {
            if let Err(error) = self.commit(first, writes) {
                self.fatal.set(error);
                return;
            }
        }
    }

    /// Makes `first` and what waits behind it durable as one batch. Batches that are recovered
    /// together are recovered no worse than one by one, for all wait for the same sync.
    fn commit(&mut self, first: Write, writes: &Receiver<Write>) -> Result<(), NodeError> {
        let Write {
            mut id,
            mut vote_state,
            mut records,
        } = first;
        let mut encoded: Vec<(u8, Vec<u8>)> = records.iter().map(Record::to_bytes).collect();
        let mut bytes: usize = encoded.iter().map(|(_, bytes)| bytes.len()).sum();
        while bytes < GROUP_COMMIT_BYTES
            && let Ok(next) = writes.try_recv()
        {
            let from = records.len();
            (id, vote_state) = (next.id, next.vote_state);
            records.extend(next.records);
            encoded.extend(records[from..].iter().map(Record::to_bytes));
            bytes += encoded[from..]
                .iter()
                .map(|(_, bytes)| bytes.len())
                .sum::<usize>();
        }
        let stored: Vec<storage::Record<'_>> = encoded
            .iter()
            .map(|(kind, bytes)| storage::Record { kind: *kind, bytes })
            .collect();
        let vote_state = vote_state.to_bytes();
        let positions = self.storage.append(&Batch {
            vote_state: &vote_state,
            records: &stored,
        })?;
        self.storage.sync()?;
        let appended = self.chain.appended(records.iter().zip(positions));
        appended.map_err(NodeError::Index)?;
        self.counters.writes.add(1);
        self.counters.syncs.add(1);
        self.mailbox.written(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::mailbox::Taken;
    use consensus::{
        ClientChecks, Configuration, Domain, Hash, Index, Mode, signature::public_key,
    };
    use keys::SigningKey;
    use storage::{
        Identity, Options,
        testing::{CrashOutcome, MemoryDisk},
    };

    const IDENTITY: Identity = Identity {
        network: [1; 32],
        node: [2; 32],
    };

    fn configuration() -> Arc<Configuration> {
        let validators = (1..=3).map(|seed| public_key(&SigningKey::from_bytes(&[seed; 32])));
        let domain = Domain {
            network: Hash([1; 32]),
            mode: Mode::Raft,
        };
        Arc::new(Configuration::genesis(domain, validators.collect(), ClientChecks::All).unwrap())
    }

    fn task(disk: &Arc<MemoryDisk>) -> DiskTask {
        let options = Options {
            segment_bytes: 64 * 4096,
            prepare_ahead: false,
        };
        let (storage, _) = Storage::open(disk.clone(), IDENTITY, options, |_| {}).unwrap();
        let reader = storage.reader();
        let fold = consensus::Recovery::default();
        DiskTask {
            storage,
            // The rows stay readable without their names.
            chain: {
                let index = tempfile::tempdir().unwrap();
                let chain = StoredChain::new(configuration(), reader, &fold, index.path());
                Arc::new(chain.unwrap())
            },
            mailbox: Arc::default(),
            counters: Arc::default(),
            fatal: Fatal::new(),
        }
    }

    fn write(id: u64) -> Write {
        Write {
            id: WriteId(id),
            vote_state: Box::new(VoteState::new(&configuration())),
            records: vec![Record::CommitIndex(Index(id))],
        }
    }

    /// Runs with so many writes, and says which the replica is told of.
    fn told(task: DiskTask, writes: u64) -> Option<WriteId> {
        let mailbox = Arc::clone(&task.mailbox);
        let (sender, receiver) = queue();
        for id in 1..=writes {
            assert!(sender.send(write(id)).is_ok());
        }
        drop(sender);
        task.run(&receiver);
        let mut taken = Taken::default();
        mailbox.take(&mut taken, Some(Instant::now()));
        taken.written
    }

    #[test]
    fn a_write_that_is_told_of_survives_a_power_loss() {
        let disk = Arc::new(MemoryDisk::new());
        assert_eq!(told(task(&disk), 5), Some(WriteId(5)));
        disk.restart(CrashOutcome::NothingReaches);
        let mut last = None;
        let (_, recovery) = Storage::open(disk, IDENTITY, Options::default(), |recovered| {
            if let storage::Recovered::Record { kind, bytes, .. } = recovered {
                last = Record::from_bytes(&configuration(), kind, bytes).ok();
            }
        })
        .unwrap();
        assert_eq!(recovery.damage, None);
        assert_eq!(last, Some(Record::CommitIndex(Index(5))));
    }

    #[test]
    fn a_write_whose_sync_failed_is_not_told_of_and_stops_the_node() {
        let disk = Arc::new(MemoryDisk::new());
        let task = task(&disk);
        let fatal = task.fatal.clone();
        disk.fail_sync(disk.syncs());
        assert_eq!(told(task, 1), None);
        assert!(matches!(fatal.take(), Some(NodeError::Disk(_))));
    }
}
