//! `cargo sim bounds`.

use clap::Args;
use serde_json::json;
use simulator::bounds::{self, Measuring, Row};
use terminal::exit::Code;

use super::long;

/// How long a request takes at most under every adversary, in a timely network, beside the bound.
///
/// The Byzantine nodes have the worst places: they lead the first f terms. Exit code 6: a request took
/// longer than the bound, or another rule was broken.
#[derive(Clone, Debug, Args)]
pub struct Bounds {
    /// How many nodes.
    #[arg(long, value_delimiter = ',', default_values_t = [4, 7, 10, 16])]
    nodes: Vec<usize>,
    /// Every pair of adversaries too.
    #[arg(long)]
    pairs: bool,
    /// Seeds of each.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Simulated seconds a seed.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How many at a time [default: one for each core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "simulated times are far below 2^52"
)]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1_000_000.0
}

fn tell(row: &Row) {
    println!(
        "{:<36} {:>5} {:>9.1} {:>9.1} {:>8}{}",
        row.adversary,
        row.nodes,
        seconds(row.longest_micros),
        seconds(row.bound_micros),
        row.leader_changes,
        match &row.violation {
            Some(violation) => format!("  {violation}"),
            None if !row.holds() => "  LATE".to_owned(),
            None => String::new(),
        }
    );
}

impl Bounds {
    /// Measures them.
    ///
    /// # Errors
    /// A size that is none.
    pub fn run(&self) -> Result<Code, String> {
        let measuring = Measuring {
            seeds: self.seeds,
            from: self.from,
            seconds: self.seconds,
            jobs: self.jobs.unwrap_or_else(long::cores),
        };
        let mut cases = Vec::new();
        for &nodes in &self.nodes {
            cases.extend(bounds::cases(nodes, self.pairs).map_err(|error| error.to_string())?);
        }
        let as_json = self.json;
        if !as_json {
            println!(
                "{:<36} {:>5} {:>9} {:>9} {:>8}",
                "adversary", "nodes", "slowest s", "bound s", "leaders"
            );
        }
        let rows = bounds::measure(&measuring, &cases, &|| false, &|row| {
            if !as_json {
                tell(row);
            }
        });
        let failed = rows.iter().filter(|row| !row.holds()).count();
        if as_json {
            println!("{}", json!({ "failed": failed, "bounds": rows }));
        } else {
            println!(
                "{} cases, {failed} beyond their bound or broken",
                rows.len()
            );
        }
        Ok(long::code(failed == 0))
    }
}
