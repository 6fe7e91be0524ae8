//! Measures durable appends: `cargo run --release -p storage --example append -- [DIRECTORY]`.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use storage::{Batch, DirectoryDisk, Identity, Options, Record, Storage};

const DURATION: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn Error>> {
    let directory = match std::env::args_os().nth(1) {
        Some(path) => path.into(),
        None => std::env::current_dir()?,
    };
    let directory = tempfile::tempdir_in(directory)?;
    println!("batches of records of 512 bytes, one sync each");
    println!("records  batches/s  records/s    p50 us    p99 us    max us");
    for records in [1, 16, 128, 1024] {
        measure(&directory.path().join(records.to_string()), records)?;
    }
    Ok(())
}

fn measure(path: &std::path::Path, count: usize) -> Result<(), Box<dyn Error>> {
    let identity = Identity {
        network: [1; 32],
        node: [2; 32],
    };
    let disk = Arc::new(DirectoryDisk::new(path)?);
    let (mut storage, _) = Storage::open(disk, identity, Options::default(), |_| {})?;
    let bytes = [7; 512];
    let records = vec![
        Record {
            kind: 1,
            bytes: &bytes,
        };
        count
    ];
    let batch = Batch {
        vote_state: &[3; 200],
        records: &records,
    };
    let mut latencies = Vec::new();
    let start = Instant::now();
    while start.elapsed() < DURATION {
        let before = Instant::now();
        storage.append(&batch)?;
        storage.sync()?;
        latencies.push(before.elapsed());
    }
    let seconds = start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = ((latencies.len() - 1) as f64 * share) as usize;
        latencies[index].as_micros()
    };
    let batches = latencies.len() as f64 / seconds;
    println!(
        "{count:>7}  {batches:>9.0}  {:>9.0}  {:>8}  {:>8}  {:>8}",
        batches * count as f64,
        at(0.5),
        at(0.99),
        at(1.0)
    );
    Ok(())
}
