//! `cargo sim gate`.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use terminal::exit::Code;

use super::long::{self, Campaign};

/// What every change must pass: two minutes over every mode and several sizes, with all attacks and
/// twins.
///
/// The seeds are the same each time, as many as the machine gets through; `--from` takes others.
/// The last line sums up. Exit code 6: a rule was broken.
#[derive(Clone, Debug, Args)]
pub struct Gate {
    /// How long, in seconds.
    #[arg(long, default_value_t = 118, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// The first seed of every network.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Where failures go, as scenario files for `cargo sim play`.
    #[arg(long, value_name = "DIRECTORY", default_value = "failures")]
    failures: PathBuf,
    /// How many seeds at a time [default: one for each core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

impl Gate {
    /// Runs it and prints totals.
    ///
    /// # Errors
    /// What the system cannot do.
    pub fn run(&self) -> Result<Code, String> {
        let campaign = Campaign {
            name: "gate",
            limit: Duration::from_secs(self.seconds),
            from: self.from,
            failures: self.failures.clone(),
            most_files: 1,
            jobs: self.jobs.unwrap_or_else(long::cores),
            json: self.json,
        };
        campaign.run()
    }
}
