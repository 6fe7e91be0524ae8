//! The thread that owns the application: executes committed entries in order (P8.4), tells the
//! replica and the clients, and answers questions in between.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Instant,
};

use consensus::{Entry, Hash};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    application::Application,
    error::{Fatal, NodeError},
    frames::{Refusal, ServerFrame},
    limits::{APPLY_QUEUE, QUERY_PATIENCE, RETRY_AFTER_MILLIS, WAITING_QUERIES},
    outcomes::EntryOutcomes,
    shared::Shared,
};

/// Something for the application.
pub(crate) enum Work {
    /// The next committed entry.
    Apply(Arc<Entry>),
    /// A client's question, with its place in the queue.
    Query(Query, OwnedSemaphorePermit),
    /// The replica has stopped.
    Stop,
}

/// A client's question, to be answered at an index or later.
pub(crate) struct Query {
    pub(crate) session: u64,
    pub(crate) id: u64,
    pub(crate) at_least: u64,
    pub(crate) question: Vec<u8>,
}

pub(crate) fn queue() -> (SyncSender<Work>, Receiver<Work>) {
    sync_channel(APPLY_QUEUE)
}

/// The application, with whom it tells.
pub(crate) struct ApplicationTask {
    pub(crate) application: Box<dyn Application>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) digest: Hash,
    /// Questions for a later index, the oldest first.
    pub(crate) waiting: VecDeque<(Instant, Query)>,
    pub(crate) fatal: Fatal,
}

impl ApplicationTask {
    /// Works until told to stop.
    pub(crate) fn run(mut self, work: &Receiver<Work>) {
        loop {
            let next = if self.waiting.is_empty() {
                work.recv().map_err(RecvTimeoutError::from)
            } else {
                work.recv_timeout(QUERY_PATIENCE / 10)
            };
            match next {
                Ok(Work::Apply(entry)) => {
                    if let Err(error) = self.apply(&entry) {
                        self.fatal.set(error);
                        return;
                    }
                }
                Ok(Work::Query(query, permit)) => {
                    drop(permit);
                    self.query(query);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Work::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            self.give_up();
        }
    }

    fn apply(&mut self, entry: &Entry) -> Result<(), NodeError> {
        let applied = self.application.apply(entry);
        if applied.applied.index != entry.index() {
            let (found, expected) = (applied.applied.index, entry.index());
            return Err(NodeError::Application { found, expected });
        }
        let digest_before = std::mem::replace(&mut self.digest, applied.applied.digest);
        self.shared.mailbox.applied(applied.applied);
        let outcomes = Arc::new(EntryOutcomes::new(entry, digest_before, applied));
        self.shared.counters.entries.add(1);
        self.shared
            .counters
            .transactions
            .add(outcomes.outcomes.len());
        // Remembered before it is told, so that whoever hears of it finds it.
        self.shared.outcomes.add(Arc::clone(&outcomes));
        self.shared.applied.store(entry.index().0, Relaxed);
        self.shared.sessions.publish(&outcomes);
        if !self.waiting.is_empty() {
            let (ready, waiting): (VecDeque<_>, _) = std::mem::take(&mut self.waiting)
                .into_iter()
                .partition(|(_, query)| query.at_least <= entry.index().0);
            self.waiting = waiting;
            for (_, query) in ready {
                self.answer(&query);
            }
        }
        Ok(())
    }

    fn query(&mut self, query: Query) {
        if query.at_least <= self.shared.applied() {
            self.answer(&query);
        } else if self.waiting.len() < WAITING_QUERIES {
            self.waiting.push_back((Instant::now(), query));
        } else {
            self.refuse(&query);
        }
    }

    /// Refuses questions whose index does not come.
    fn give_up(&mut self) {
        while let Some((since, _)) = self.waiting.front()
            && since.elapsed() > QUERY_PATIENCE
            && let Some((_, query)) = self.waiting.pop_front()
        {
            self.refuse(&query);
        }
    }

    fn refuse(&self, query: &Query) {
        let refusal = Refusal::Busy {
            retry_after: RETRY_AFTER_MILLIS,
        };
        let frame = ServerFrame::Refused {
            id: query.id,
            refusal,
        };
        self.shared.sessions.send(query.session, &frame);
    }

    fn answer(&self, query: &Query) {
        let answer = self.application.query(&query.question);
        let frame = ServerFrame::Answer {
            id: query.id,
            applied: self.shared.applied(),
            answer,
        };
        self.shared.sessions.send(query.session, &frame);
    }
}
