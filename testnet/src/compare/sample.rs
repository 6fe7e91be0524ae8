//! Made-up rows for tests.

use keys::{ClientChecks, Mode};

use super::{
    plan::Configuration,
    result::{PerTransfer, Percentiles, Row},
    statistics::Spread,
};

/// The usual four.
pub fn rows() -> Vec<Row> {
    [
        (Mode::Raft, ClientChecks::Leader, 12_000.0, 2.5),
        (Mode::Raft, ClientChecks::All, 8_000.0, 2.5),
        (Mode::RaftSigned, ClientChecks::All, 7_000.0, 2.8),
        (Mode::Byzantine, ClientChecks::All, 6_400.0, 3.0),
    ]
    .map(|(mode, client_checks, rate, p50)| Row {
        configuration: Configuration {
            mode,
            client_checks,
            nodes: 4,
        },
        throughput: Spread {
            median: rate,
            low: rate * 0.95,
            high: rate * 1.02,
        },
        latency_ms: Percentiles {
            p50,
            p99: p50 * 3.0,
        },
        saturated_latency_ms: Percentiles {
            p50: 90.0,
            p99: 200.0,
        },
        per_transfer: PerTransfer {
            node_cpu_micros: 180.0,
            client_cpu_micros: 60.0,
            bytes: 2_400.0,
            node_signature_checks: 0.05,
            client_signature_checks: 4.0,
            syncs: 0.02,
            transfers_per_entry: 120.0,
        },
        audit: "pass".to_owned(),
        repeats: vec![rate * 0.95, rate, rate * 1.02],
        latency_curve: vec![(0.1, p50 * 0.8), (0.5, p50), (0.99, p50 * 3.0)],
        over_time: (0..8).map(|step| (f64::from(step) * 0.25, rate)).collect(),
    })
    .to_vec()
}
