//! Looks after the requests under way: repeats, complaints, the end of their time.

use std::{sync::Weak, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{error::ClientError, requests::Done, shared::Shared};

/// How often requests are looked at.
const TICK: Duration = Duration::from_millis(20);

/// Runs until the client is dropped.
pub(crate) async fn run(shared: Weak<Shared>) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let (steps, done) = shared.requests().due(Instant::now());
        for step in &steps {
            shared.step(step);
        }
        for done in done {
            explain(&shared, done).tell();
        }
    }
}

/// Too few nodes explain an unknown outcome better than the time that passed.
fn explain(shared: &Shared, done: Done) -> Done {
    let quorum = shared.configuration.sizes().quorum();
    done.map_error(|error| match error {
        ClientError::OutcomeUnknown { .. } if shared.reachable() < quorum => {
            shared.no_quorum(quorum)
        }
        error => error,
    })
}
