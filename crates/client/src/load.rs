//! Many requests under way over the same connections, for generating load.

use std::sync::Arc;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Duration, Instant},
};

use crate::{
    client::Client,
    error::ClientError,
    requests::{Outcome, Pace, SignedRequest, Teller, Wait},
};

/// How a load is kept up.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// Most requests under way.
    pub outstanding: usize,
    /// What a request waits for.
    pub wait: Wait,
    /// After this a request counts as failed.
    pub timeout: Duration,
    /// After this without an outcome a request is sent to all nodes, and again each time.
    pub resend: Duration,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            outstanding: 1024,
            wait: Wait::Applied,
            timeout: Duration::from_secs(30),
            resend: Duration::from_secs(5),
        }
    }
}

/// The end of one request of a load.
#[derive(Debug)]
pub struct Completion {
    /// The request.
    pub request: Arc<SignedRequest>,
    /// From when it was wanted until enough nodes had answered.
    pub latency: Duration,
    /// What became of it.
    pub outcome: Result<Outcome, ClientError>,
}

pub(crate) type OnCompletion = Arc<dyn Fn(Completion) + Send + Sync>;

/// Keeps many requests under way. Cheap to clone.
#[derive(Clone)]
pub struct Load {
    client: Client,
    options: LoadOptions,
    places: Arc<Semaphore>,
    on_completion: OnCompletion,
}

impl Load {
    pub(crate) fn new(client: Client, options: LoadOptions, on_completion: OnCompletion) -> Self {
        let places = Arc::new(Semaphore::new(options.outstanding));
        Self {
            client,
            options,
            places,
            on_completion,
        }
    }

    /// Sends a request once there is a place. Its latency counts from when it got one.
    pub async fn submit(&self, request: SignedRequest) {
        // The semaphore is never closed.
        if let Ok(permit) = Arc::clone(&self.places).acquire_owned().await {
            self.begin(request, Instant::now(), permit);
        }
    }

    /// Sends a request at once, or gives it back if there is no place. Its latency counts from
    /// `wanted`, so that a load at a fixed rate sees the waits that it causes.
    ///
    /// # Errors
    /// The request, if as many as allowed are under way.
    pub fn try_submit(&self, request: SignedRequest, wanted: Instant) -> Result<(), SignedRequest> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => {
                self.begin(request, wanted, permit);
                Ok(())
            }
            Err(_) => Err(request),
        }
    }

    /// How many requests are under way.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.options.outstanding - self.places.available_permits()
    }

    /// Waits until none is under way.
    pub async fn drained(&self) {
        let all = u32::try_from(self.options.outstanding).unwrap_or(u32::MAX);
        drop(self.places.acquire_many(all).await);
    }

    fn begin(&self, request: SignedRequest, since: Instant, permit: OwnedSemaphorePermit) {
        let pace = Pace {
            wait: self.options.wait,
            needed: self.client.shared.matching(),
            resend: self.options.resend,
            complain: false,
            eager: false,
            timeout: self.options.timeout,
        };
        let on_completion = Arc::clone(&self.on_completion);
        let teller = Teller::Load {
            on_completion,
            since,
            _permit: permit,
        };
        self.client.begin(Arc::new(request), pace, teller);
    }
}
