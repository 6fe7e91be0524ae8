//! A real process, killed by the real kernel in the middle of a large write.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use storage::{Batch, DirectoryDisk, Identity, Options, Record, Storage};

const DIRECTORY: &str = "HAWSER_TEST_KILLED_PROCESS";
const IDENTITY: Identity = Identity {
    network: [1; 32],
    node: [2; 32],
};
/// As large as batches can be, so that a kill hits one of them.
const RECORD_BYTES: usize = 15 << 20;
const RECORDS: usize = 4;
/// Somewhere in the second batch, well before its end.
const INSIDE: u64 = ((RECORDS + 1) * RECORD_BYTES) as u64;
const ROUNDS: u64 = 5;
const OPTIONS: Options = Options {
    // Room for two batches: no segment is made while one is written.
    segment_bytes: 128 << 20,
    prepare_ahead: false,
};

#[test]
#[ignore = "the process that the test below kills"]
fn a_process_that_writes_until_it_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let disk = Arc::new(DirectoryDisk::new(directory).expect("directory"));
    let (mut storage, _) = Storage::open(disk, IDENTITY, OPTIONS, |_| {}).expect("open");
    let body = vec![7; RECORD_BYTES];
    let record = Record {
        kind: 1,
        bytes: &body,
    };
    for number in 1_u64.. {
        // Whoever reads this kills while the batch is being written.
        println!("writing {number} after {}", storage.synced_sequence());
        std::io::stdout().flush().expect("the parent listens");
        let batch = Batch {
            vote_state: &number.to_le_bytes(),
            records: &[record; RECORDS],
        };
        storage.append(&batch).expect("append");
        storage.sync().expect("sync");
    }
}

#[test]
fn killed_in_the_middle_of_a_large_write_a_node_starts_again() {
    for round in 0..ROUNDS {
        let directory = tempfile::tempdir().expect("directory");
        let mut writer = Command::new(std::env::current_exe().expect("this test"))
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("a_process_that_writes_until_it_is_killed")
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawn");
        let said = BufReader::new(writer.stdout.take().expect("piped")).lines();
        let mut synced = 0;
        for line in said {
            let line = line.expect("a line");
            // The first of them stands behind the name of the test.
            let said = line.split_once("writing ");
            let Some((_, after)) = said.and_then(|(_, rest)| rest.split_once(" after ")) else {
                continue;
            };
            synced = after.parse().expect("a number");
            if synced >= 1 {
                break;
            }
        }
        // The write itself is what is waited for: it goes from the front to the back.
        let segment = directory.path().join("0000000001.segment");
        let segment = File::open(segment).expect("the segment");
        let mut seen = [0];
        while seen == [0] {
            segment.read_exact_at(&mut seen, INSIDE).expect("read");
        }
        writer.kill().expect("kill");
        writer.wait().expect("gone");
        let disk = Arc::new(DirectoryDisk::new(directory.path()).expect("directory"));
        let (storage, recovery) = Storage::open(disk, IDENTITY, OPTIONS, |_| {}).expect("open");
        assert_eq!(
            recovery.damage, None,
            "round {round}: {:?}",
            recovery.findings
        );
        assert!(storage.last_sequence() >= synced, "round {round}");
        let vote = recovery.vote_state.map_or(0, |state| {
            u64::from_le_bytes(state.try_into().expect("eight bytes"))
        });
        assert_eq!(vote, storage.last_sequence(), "round {round}");
    }
}
