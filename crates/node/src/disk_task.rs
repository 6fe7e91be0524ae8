//! The thread that owns the disk: all writes that wait become durable with one sync (P11.1).

use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use consensus::{Record, VoteState, WriteId, encoding::Canonical};
use storage::{Batch, Storage, WriteError};

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
                self.fatal.set(NodeError::Disk(error));
                return;
            }
        }
    }

    /// Makes `first` and what waits behind it durable as one batch. Batches that are recovered
    /// together are recovered no worse than one by one, for all wait for the same sync.
    fn commit(&mut self, first: Write, writes: &Receiver<Write>) -> Result<(), WriteError> {
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
        self.chain.appended(records.iter().zip(positions));
        self.counters.writes.add(1);
        self.counters.syncs.add(1);
        self.mailbox.written(id);
        Ok(())
    }
}
