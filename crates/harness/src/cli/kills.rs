//! `harness kills`, and the process that it kills.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use terminal::{Output, exit::Code};
use testnet::{
    failure::{Failure, Outcome},
    interrupt::Interrupts,
};

use super::run::some_seed;
use crate::stream_kills::{Killed, kill, write};

/// Least and most bytes of a batch.
const BATCH_BYTES: std::ops::RangeInclusive<u64> = 4096..=15 << 20;

#[derive(Args)]
pub struct Arguments {
    /// Bytes of each batch; several sizes separated by commas
    #[arg(long, value_name = "BYTES", value_delimiter = ',', default_values_t = [512 << 10, 4 << 20],
          value_parser = clap::value_parser!(u64).range(BATCH_BYTES))]
    batch: Vec<u64>,
    /// How many processes are killed for each size
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// What everything is drawn from; by default another number each time
    #[arg(long)]
    seed: Option<u64>,
    /// Where the streams are written [default: harness in the testnet's usual folder]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Args)]
pub struct Writer {
    /// The stream's folder
    #[arg(long)]
    directory: PathBuf,
    /// Bytes of each batch
    #[arg(long, value_parser = clap::value_parser!(u64).range(BATCH_BYTES))]
    batch: u64,
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a bounded number")
}

pub fn run(arguments: &Arguments, output: &Output) -> Outcome<Code> {
    let seed = arguments.seed.unwrap_or_else(some_seed);
    let usual = || keys::data_directory(None).join("harness");
    let folder = arguments.folder.clone().unwrap_or_else(usual);
    let folder = folder.join(format!("kills-{seed}-{}", std::process::id()));
    let interrupts = Interrupts::count()?;
    let mut all = Vec::new();
    for &bytes in &arguments.batch {
        let found = kill(&folder, size(bytes), arguments.count, seed, &interrupts)?;
        let done = found.violations.is_empty();
        all.push(found);
        if !done {
            break;
        }
    }
    let held = all.iter().all(|found| found.violations.is_empty());
    if held {
        std::fs::remove_dir_all(&folder)
            .map_err(|error| Failure::system(format!("remove {}", folder.display()), error))?;
    }
    output.result(
        &json!({"seed": seed, "sizes": all}),
        &in_words(&all, output),
    );
    if held {
        Ok(Code::Ok)
    } else {
        output.aside(&format!("The stream is kept in {}.", folder.display()));
        Ok(Code::AssertionFailed)
    }
}

/// The process that is killed.
pub fn writer(arguments: &Writer) -> Outcome<Code> {
    write(&arguments.directory, size(arguments.batch)).map(|()| Code::Ok)
}

fn in_words(all: &[Killed], output: &Output) -> String {
    let mut text = String::new();
    for found in all {
        text.push_str(&format!(
            "Batches of {} bytes: {} writers killed, {} of them in the middle of a batch.\n",
            found.batch_bytes, found.kills, found.cut
        ));
        for violation in &found.violations {
            text.push_str(&format!("{}: {violation}\n", output.bad("violated")));
        }
    }
    if all.iter().all(|found| found.violations.is_empty()) {
        text.push_str(&output.good("Every stream opened again, with all that was synced."));
    }
    text
}
