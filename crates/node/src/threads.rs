//! The threads of a node: one that panics ends the node.

use std::{sync::Arc, thread::JoinHandle};

use rayon::ThreadPool;

use crate::error::{Fatal, NodeError, PanicGuard, StartError};

/// The pool that verifies, on all cores.
pub(crate) fn pool(fatal: &Fatal) -> Result<Arc<ThreadPool>, StartError> {
    let fatal = fatal.clone();
    rayon::ThreadPoolBuilder::new()
        .thread_name(|number| format!("verify-{number}"))
        .panic_handler(move |_| fatal.set(NodeError::Panicked("verification")))
        .build()
        .map(Arc::new)
        .map_err(|error| StartError::System {
            what: "threads",
            reason: error.to_string(),
        })
}

/// Starts a thread of that name.
pub(crate) fn spawn(
    thread: &'static str,
    fatal: &Fatal,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StartError> {
    let guard = PanicGuard {
        thread,
        fatal: fatal.clone(),
    };
    let run = move || {
        let _guard = guard;
        run();
    };
    std::thread::Builder::new()
        .name(thread.to_owned())
        .spawn(run)
        .map_err(|error| StartError::System {
            what: "a thread",
            reason: error.to_string(),
        })
}
