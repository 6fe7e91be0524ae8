//! The thread that owns the application: executes committed entries in order (P8.4), tells the
//! replica and the clients, and answers questions in between.

use std::{
    collections::{BTreeMap, VecDeque},
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
    error::{Fatal, NodeError},
    frames::{Refusal, ServerFrame},
    limits::{
        APPLY_QUEUE, QUERY_PATIENCE, RETRY_AFTER_MILLIS, WAITING_QUERIES,
        WAITING_QUERIES_PER_SESSION,
    },
    outcomes::{EntryOutcomes, Found},
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

/// Executes for the application, and tells.
pub(crate) struct ApplicationTask {
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
        let applied = self
            .shared
            .hosted
            .change(|application| application.apply(entry));
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
        let added = self.shared.outcomes.add(Arc::clone(&outcomes));
        added.map_err(NodeError::Index)?;
        self.shared.applied.store(entry.index().0, Relaxed);
        self.shared
            .sessions
            .publish(&outcomes, &self.first_outcomes(&outcomes));
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

    /// What repeats of an entry are answered with: the outcome of the transaction's first execution,
    /// if it was executed before (P6.5).
    fn first_outcomes(&self, entry: &EntryOutcomes) -> BTreeMap<usize, Found> {
        let repeats = entry.outcomes.iter().enumerate();
        repeats
            .filter(|(_, outcome)| outcome.repeat)
            .filter_map(|(position, outcome)| {
                let first = self.shared.outcomes.of_transaction(&outcome.transaction)?;
                Some((position, first))
            })
            .collect()
    }

    fn query(&mut self, query: Query) {
        if query.at_least <= self.shared.applied() {
            self.answer(&query);
        } else if may_wait(&self.waiting, &query, self.shared.near()) {
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

    /// Says that it may be asked again.
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
        let answer = self
            .shared
            .hosted
            .ask(|application| application.query(&query.question));
        let frame = ServerFrame::Answer {
            id: query.id,
            applied: self.shared.applied(),
            answer,
        };
        self.shared.sessions.send(query.session, &frame);
    }
}

/// Whether a question may wait for its index: one that can come soon, and no more questions of one
/// client than its share, so that nobody holds the queue against the others.
fn may_wait(waiting: &VecDeque<(Instant, Query)>, query: &Query, near: u64) -> bool {
    let own = waiting
        .iter()
        .filter(|(_, one)| one.session == query.session);
    query.at_least <= near
        && waiting.len() < WAITING_QUERIES
        && own.count() < WAITING_QUERIES_PER_SESSION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_waits_for_what_can_come_and_within_its_share() {
        let query = |session: u64, at_least: u64| Query {
            session,
            id: 0,
            at_least,
            question: Vec::new(),
        };
        let mut waiting = VecDeque::new();
        assert!(!may_wait(&waiting, &query(0, 101), 100));
        let (mut session, mut taken) = (0, 0);
        while may_wait(&waiting, &query(session, 100), 100) {
            waiting.push_back((Instant::now(), query(session, 100)));
            taken += 1;
            if taken % WAITING_QUERIES_PER_SESSION == 0 {
                assert!(!may_wait(&waiting, &query(session, 100), 100));
                session += 1;
            }
        }
        assert_eq!(waiting.len(), WAITING_QUERIES);
    }
}
