//! Telling tasks to finish and waiting until they have.

use std::sync::Arc;

use tokio::sync::watch;

use crate::close::CloseCode;

/// Shared by an endpoint and its tasks.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    requested: Arc<watch::Sender<bool>>,
    working: Arc<watch::Sender<usize>>,
}

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self {
            requested: Arc::new(watch::Sender::new(false)),
            working: Arc::default(),
        }
    }

    pub(crate) fn request(&self) {
        self.requested.send_replace(true);
    }

    pub(crate) async fn requested(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self
            .requested
            .subscribe()
            .wait_for(|requested| *requested)
            .await;
    }

    /// What to say when a connection ends now without any fault.
    pub(crate) fn close_code(&self) -> CloseCode {
        if *self.requested.borrow() {
            CloseCode::ShuttingDown
        } else {
            CloseCode::Done
        }
    }

    /// Counts the caller as working until the guard is dropped.
    pub(crate) fn working(&self) -> WorkingGuard {
        self.working.send_modify(|count| *count += 1);
        WorkingGuard(self.working.clone())
    }

    pub(crate) async fn all_finished(&self) {
        let _ = self.working.subscribe().wait_for(|count| *count == 0).await;
    }
}

#[derive(Debug)]
pub(crate) struct WorkingGuard(Arc<watch::Sender<usize>>);

impl Drop for WorkingGuard {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
