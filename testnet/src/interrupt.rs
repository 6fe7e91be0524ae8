//! Ctrl-C, counted instead of deadly, for commands that have something to put right before they
//! end.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{Failure, Outcome};

/// How often the user asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupts(Arc<AtomicU32>);

impl Interrupts {
    /// Counts SIGINT, SIGTERM and SIGHUP from now on.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn count() -> Outcome<Self> {
        let fail = |error| Failure::system("listen for signals", error);
        let counter = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(fail)?;
        let (mut interrupt, mut terminate, mut hangup) = {
            let _entered = runtime.enter();
            (
                signal(SignalKind::interrupt()).map_err(fail)?,
                signal(SignalKind::terminate()).map_err(fail)?,
                signal(SignalKind::hangup()).map_err(fail)?,
            )
        };
        let counted = counter.clone();
        std::thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hangup.recv() => {}
                    }
                    counted.0.fetch_add(1, Relaxed);
                }
            });
        });
        Ok(counter)
    }

    /// How often so far.
    #[must_use]
    pub fn so_far(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Whether at all.
    #[must_use]
    pub fn any(&self) -> bool {
        self.so_far() > 0
    }
}
