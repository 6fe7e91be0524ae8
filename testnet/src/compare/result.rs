//! What the repeats of a row come to.

use serde::{Deserialize, Serialize};

use super::{
    plan::Configuration,
    run::Figures,
    statistics::{Latencies, Spread},
};

/// One row of the comparison. There is none without an audit that passed in every run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was measured.
    #[serde(flatten)]
    pub configuration: Configuration,
    /// Transfers a second, saturated.
    pub throughput: Spread,
    /// Latency at low load, of all repeats together.
    pub latency_ms: Percentiles,
    /// Latency while saturated, of all repeats together.
    pub saturated_latency_ms: Percentiles,
    /// Per transfer, the median of the repeats.
    pub per_transfer: PerTransfer,
    /// `pass`.
    pub audit: String,
    /// Transfers a second of every repeat.
    pub repeats: Vec<f64>,
    /// Latency at low load at these percentiles, for the plot.
    pub latency_curve: Vec<(f64, f64)>,
    /// Seconds, and transfers a second around then, of the median repeat.
    pub over_time: Vec<(f64, f64)>,
}

/// Of a latency, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The middle.
    pub p50: f64,
    /// What one in a hundred exceeds.
    pub p99: f64,
}

/// What a transfer costs all nodes together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerTransfer {
    /// Microseconds of processor time of the nodes.
    pub node_cpu_micros: f64,
    /// Microseconds of processor time of the clients.
    pub client_cpu_micros: f64,
    /// Bytes sent by nodes.
    pub bytes: f64,
    /// Checks of nodes' signatures.
    pub node_signature_checks: f64,
    /// Checks of clients' signatures.
    pub client_signature_checks: f64,
    /// Syncs.
    pub syncs: f64,
    /// Transfers in an entry.
    pub transfers_per_entry: f64,
}

/// The percentiles of the latency curve.
const CURVE: [f64; 14] = [
    0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99,
];

impl Row {
    /// Of the runs of a row; `None` if there are none.
    #[must_use]
    pub fn of(configuration: Configuration, runs: &[Figures]) -> Option<Self> {
        let throughput = Spread::of(runs.iter().map(|run| run.throughput));
        let distance = |run: &&Figures| (run.throughput - throughput.median).abs();
        let typical = runs
            .iter()
            .min_by(|one, other| distance(one).total_cmp(&distance(other)))?;
        let low_load = Latencies::merged(runs.iter().map(|run| &run.low_load));
        let saturated = Latencies::merged(runs.iter().map(|run| &run.saturated));
        let median = |of: fn(&Figures) -> f64| Spread::of(runs.iter().map(of)).median;
        Some(Self {
            configuration,
            throughput,
            latency_ms: Percentiles::of(&low_load),
            saturated_latency_ms: Percentiles::of(&saturated),
            per_transfer: PerTransfer {
                node_cpu_micros: median(|run| run.costs.node_cpu_micros),
                client_cpu_micros: median(|run| run.costs.client_cpu_micros),
                bytes: median(|run| run.costs.bytes),
                node_signature_checks: median(|run| run.costs.node_signatures),
                client_signature_checks: median(|run| run.costs.client_signatures),
                syncs: median(|run| run.costs.syncs),
                transfers_per_entry: median(|run| run.costs.batch),
            },
            audit: "pass".to_owned(),
            repeats: runs.iter().map(|run| run.throughput).collect(),
            latency_curve: CURVE
                .iter()
                .map(|&share| (share, low_load.percentile_ms(share)))
                .collect(),
            over_time: (0_u32..)
                .zip(&typical.over_time.rates)
                .map(|(step, &rate)| {
                    let middle = f64::from(step) + 0.5;
                    (middle * typical.over_time.step.as_secs_f64(), rate)
                })
                .collect(),
        })
    }
}

impl Percentiles {
    fn of(latencies: &Latencies) -> Self {
        Self {
            p50: latencies.percentile_ms(0.5),
            p99: latencies.percentile_ms(0.99),
        }
    }
}
