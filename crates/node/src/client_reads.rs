//! The thread that reads from disk for clients: receipts and blocks.
//!
//! One thread, whatever clients ask for. A runtime's threads for blocking work would grow with the
//! questions, by a stack each, until the node's memory is at an end (P12.1).

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tokio::sync::oneshot;

use crate::{
    frames::Refusal,
    limits::{CLIENT_READS, RETRY_AFTER_MILLIS},
};

type Job<Source> = Box<dyn FnOnce(&Source) + Send>;

/// Where sessions leave what they want read; the thread ends when the last of these goes.
pub(crate) struct ClientReads<Source>(SyncSender<Job<Source>>);

/// What was left to be read, in that order.
pub(crate) struct Jobs<Source>(Receiver<Job<Source>>);

pub(crate) fn queue<Source>() -> (ClientReads<Source>, Jobs<Source>) {
    let (reads, jobs) = sync_channel(CLIENT_READS);
    (ClientReads(reads), Jobs(jobs))
}

impl<Source> ClientReads<Source> {
    /// Waits until that has been read, without holding up the network's threads. Fails if too many
    /// reads wait, or none is done any more.
    pub(crate) async fn read<Found: Send + 'static>(
        &self,
        read: impl FnOnce(&Source) -> Option<Found> + Send + 'static,
    ) -> Result<Option<Found>, Refusal> {
        let (reply, answer) = oneshot::channel();
        let job = move |source: &Source| {
            // Not for a session that has gone meanwhile.
            if !reply.is_closed() {
                let _ = reply.send(read(source));
            }
        };
        self.0
            .try_send(Box::new(job))
            .map_err(|error| match error {
                TrySendError::Full(_) => Refusal::Busy {
                    retry_after: RETRY_AFTER_MILLIS,
                },
                TrySendError::Disconnected(_) => Refusal::Stopping,
            })?;
        answer.await.map_err(|_| Refusal::Stopping)
    }
}

impl<Source> Jobs<Source> {
    /// Reads until nobody can ask any more.
    pub(crate) fn run(&self, source: &Source) {
        while let Ok(job) = self.0.recv() {
            job(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
        thread,
    };

    use super::*;

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_thread_reads_for_all_sessions() {
        let (reads, jobs) = queue();
        let reads = std::sync::Arc::new(reads);
        let reader = thread::spawn(move || jobs.run(&7));
        let sessions: Vec<_> = (0..64)
            .map(|_| {
                let reads = std::sync::Arc::clone(&reads);
                tokio::spawn(async move {
                    let mut threads = Vec::new();
                    for _ in 0..50 {
                        let read = |source: &u32| Some((*source, thread::current().id()));
                        threads.push(reads.read(read).await.unwrap().unwrap());
                    }
                    threads
                })
            })
            .collect();
        let only = (7, reader.thread().id());
        for session in sessions {
            assert!(session.await.unwrap().iter().all(|found| *found == only));
        }
        drop(reads);
        reader.join().unwrap();
    }

    #[test]
    fn what_waits_is_bounded_and_the_rest_is_refused() {
        let (reads, jobs) = queue::<()>();
        let mut waiting: Vec<_> = (0..CLIENT_READS)
            .map(|number| Box::pin(reads.read(move |()| Some(number))))
            .collect();
        for one in &mut waiting {
            assert!(poll(one.as_mut()).is_pending());
        }
        {
            let mut beyond = pin!(reads.read(|()| Some(0)));
            assert!(matches!(
                poll(beyond.as_mut()),
                Poll::Ready(Err(Refusal::Busy { .. }))
            ));
        }
        let reader = thread::spawn(move || jobs.run(&()));
        for (number, one) in waiting.into_iter().enumerate() {
            let found = tokio::runtime::Builder::new_current_thread().build();
            assert_eq!(found.unwrap().block_on(one), Ok(Some(number)));
        }
        drop(reads);
        reader.join().unwrap();
    }

    #[test]
    fn a_session_that_has_gone_is_not_read_for() {
        let (reads, jobs) = queue::<()>();
        {
            let mut gone = pin!(reads.read(|()| -> Option<()> { panic!("read for nobody") }));
            assert!(poll(gone.as_mut()).is_pending());
        }
        drop(reads);
        jobs.run(&());
    }

    #[test]
    fn without_the_thread_clients_are_told() {
        let (reads, jobs) = queue::<()>();
        drop(jobs);
        let mut asked = pin!(reads.read(|()| Some(1)));
        assert_eq!(poll(asked.as_mut()), Poll::Ready(Err(Refusal::Stopping)));
    }
}
