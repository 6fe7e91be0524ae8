//! Measures the modes beside each other: real processes, real disks, real signatures, and no figure
//! without an audit that passed.

pub mod audit;
pub mod book;
pub mod conclusion;
pub mod environment;
pub mod load;
pub mod plan;
pub mod result;
pub mod run;
#[cfg(test)]
pub mod sample;
pub mod statistics;

use std::{path::Path, time::Instant};

use serde::{Deserialize, Serialize};
use terminal::{Output, exit::Code};

use crate::{
    failure::{Failure, Outcome},
    interrupt::Interrupts,
};
use conclusion::rounded;
use environment::Environment;
use plan::Plan;
use result::Row;
use run::Figures;

/// Everything that a comparison gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What it was measured on.
    pub environment: Environment,
    /// How it was measured.
    pub method: Method,
    /// The rows.
    pub results: Vec<Row>,
    /// What they mean.
    pub conclusion: String,
    /// Why not to rely on them, if there is a reason.
    pub caution: Option<String>,
}

/// How it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// Runs of each row.
    pub repeats: usize,
    /// Seconds that the network is saturated in each.
    pub saturated_seconds: f64,
    /// Seconds that it is under low load.
    pub low_load_seconds: f64,
    /// Transfers a second then.
    pub rate: u32,
    /// Clients.
    pub clients: usize,
    /// Transfers under way when saturated.
    pub outstanding: usize,
}

/// Runs the plan, with the nodes' files under `directory`, which is removed.
///
/// # Errors
/// The first failure of a run: then there are no figures at all.
pub fn compare(
    plan: &Plan,
    directory: &Path,
    environment: Environment,
    interrupts: &Interrupts,
    output: &Output,
) -> Outcome<Comparison> {
    let mut runs: Vec<Vec<Figures>> = vec![Vec::new(); plan.configurations.len()];
    let start = Instant::now();
    let order = plan.order();
    for (done, &row) in order.iter().enumerate() {
        if interrupts.any() {
            return Err(interrupted());
        }
        let configuration = &plan.configurations[row];
        let figures = run::measure(
            configuration,
            plan,
            &directory.join(format!("run-{done}")),
            interrupts,
        )?;
        let left =
            start.elapsed().as_secs_f64() / (done + 1) as f64 * (order.len() - done - 1) as f64;
        output.aside(&format!(
            "  {:>2}/{}  {:<34} {:>8} transfers/s   p50 {:>6} ms   audit passed{}",
            done + 1,
            order.len(),
            configuration.name(),
            rounded(figures.throughput),
            rounded(figures.low_load.percentile_ms(0.5)),
            if left > 0.0 {
                format!("   about {left:.0} s left")
            } else {
                String::new()
            },
        ));
        runs[row].push(figures);
    }
    let results: Vec<Row> = plan
        .configurations
        .iter()
        .zip(&runs)
        .filter_map(|(configuration, runs)| Row::of(*configuration, runs))
        .collect();
    Ok(Comparison {
        environment,
        method: Method {
            repeats: plan.repeats,
            saturated_seconds: plan.duration.as_secs_f64(),
            low_load_seconds: plan.low_load().as_secs_f64(),
            rate: plan.rate,
            clients: plan.clients,
            outstanding: plan.outstanding,
        },
        conclusion: conclusion::sentence(&results),
        caution: conclusion::caution(&results),
        results,
    })
}

fn interrupted() -> Failure {
    Failure::new(
        Code::Interrupted,
        "stopped before all was measured; there are no figures",
    )
}
