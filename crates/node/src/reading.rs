//! The thread that reads old entries from disk, for peers that lag far behind.

use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use consensus::{
    Event, NodeId, Point,
    limits::{MESSAGE_BYTES, MESSAGE_ENTRIES},
};

use crate::{limits::READ_QUEUE, mailbox::Urgency, shared::Shared};

/// Entries after `from`, for a peer.
pub(crate) struct ReadJob {
    pub(crate) to: NodeId,
    pub(crate) from: Point,
}

pub(crate) fn queue() -> (SyncSender<ReadJob>, Receiver<ReadJob>) {
    sync_channel(READ_QUEUE)
}

/// Reads until the replica's thread has gone.
pub(crate) fn run(shared: &Arc<Shared>, jobs: &Receiver<ReadJob>) {
    while let Ok(job) = jobs.recv() {
        job.run(shared);
    }
}

impl ReadJob {
    fn run(self, shared: &Shared) {
        let mut entries = Vec::new();
        let mut bytes = 0;
        if shared.chain.contains(self.from) {
            let mut last = self.from;
            while entries.len() < MESSAGE_ENTRIES
                && bytes < MESSAGE_BYTES
                && let Some(entry) = shared.chain.entry(last.index.next())
                // The chain may be replaced beneath a reader; what does not link is left out.
                && entry.header().previous == last.hash
            {
                last = entry.point();
                bytes += entry.body_bytes();
                entries.push(entry);
            }
        }
        let commit = entries.last().and_then(|last| {
            shared
                .chain
                .last_commit(self.from.index.next(), last.index())
        });
        let event = Event::EntriesRead {
            to: self.to,
            from: self.from,
            entries,
            commit,
        };
        shared.mailbox.push(Urgency::Bulk, [event.into()]);
    }

    /// Answers with nothing, because too many wait.
    pub(crate) fn give_up(self, shared: &Shared) {
        let (to, from) = (self.to, self.from);
        let event = Event::EntriesRead {
            to,
            from,
            entries: Vec::new(),
            commit: None,
        };
        shared.mailbox.push(Urgency::Bulk, [event.into()]);
    }
}
