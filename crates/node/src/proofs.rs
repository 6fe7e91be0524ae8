//! Who waits for the proofs of a receipt: votes and certificates come a moment after the outcome, and
//! nobody should have to ask again for them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::limits::WAITING_RECEIPTS;

/// Tells those who wait that something came. Costs nothing while nobody does.
#[derive(Debug)]
pub(crate) struct Proofs {
    waiting: AtomicUsize,
    notify: Notify,
    places: Arc<Semaphore>,
}

impl Default for Proofs {
    fn default() -> Self {
        Self {
            waiting: AtomicUsize::new(0),
            notify: Notify::new(),
            places: Arc::new(Semaphore::new(WAITING_RECEIPTS)),
        }
    }
}

/// A place among those who wait.
pub(crate) struct Waiter<'a> {
    proofs: &'a Proofs,
    _place: OwnedSemaphorePermit,
}

impl Proofs {
    /// A vote or a certificate came.
    pub(crate) fn changed(&self) {
        if self.waiting.load(Relaxed) > 0 {
            self.notify.notify_waiters();
        }
    }

    /// Begins to wait, unless too many do. What comes after this is noticed if
    /// [`Waiter::notified`] was called before.
    pub(crate) fn waiter(&self) -> Option<Waiter<'_>> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        self.waiting.fetch_add(1, Relaxed);
        Some(Waiter {
            proofs: self,
            _place: place,
        })
    }
}

impl Waiter<'_> {
    /// Ends when something came after this call.
    pub(crate) fn notified(&self) -> tokio::sync::futures::Notified<'_> {
        self.proofs.notify.notified()
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.proofs.waiting.fetch_sub(1, Relaxed);
    }
}
