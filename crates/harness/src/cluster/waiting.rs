//! Waiting until a network is well again.

use std::time::{Duration, Instant};

use testnet::{
    cli::wait_until_healthy,
    failure::{Failure, Outcome},
    network::Facts,
};

use super::Cluster;

/// How long a network may take until it is healthy.
const PATIENCE: Duration = Duration::from_secs(60);

impl Cluster {
    /// Waits until the nodes say that all is well.
    ///
    /// # Errors
    /// If they do not in a minute.
    pub fn wait_healthy(&self) -> Outcome {
        let (_, health) = wait_until_healthy(&self.network, PATIENCE)?;
        if health.healthy {
            return Ok(());
        }
        Err(Failure::state(format!(
            "the network is not healthy after {} s: {}",
            PATIENCE.as_secs(),
            health.problems.join("; ")
        )))
    }

    /// Waits until the correct nodes have applied the same entries, and returns the last index.
    ///
    /// # Errors
    /// If they do not come to one point, with what each says.
    pub fn settle(&self, patience: Duration) -> Outcome<u64> {
        let deadline = Instant::now() + patience;
        loop {
            let facts = Facts::gather(&self.network)?;
            let correct = self.correct();
            let reports: Vec<_> = correct
                .iter()
                .map(|&node| facts.nodes[node].report.as_ref())
                .collect();
            let points: Vec<(u64, [u8; 32])> = reports
                .iter()
                .flatten()
                .filter(|report| report.applied == report.commit)
                .map(|report| (report.applied, report.commit_hash))
                .collect();
            if points.len() == correct.len() && points.windows(2).all(|two| two[0] == two[1]) {
                return Ok(points.first().map_or(0, |(index, _)| *index));
            }
            if Instant::now() >= deadline {
                let said = correct
                    .iter()
                    .zip(&reports)
                    .map(|(&node, report)| match report {
                        Some(report) => format!("{} applied {}", self.name(node), report.applied),
                        None => format!("{} does not answer", self.name(node)),
                    });
                let said: Vec<String> = said.collect();
                return Err(Failure::state(said.join(", ")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
