//! Damaged entries come back from the other nodes before their node votes again (P11.2).

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use client::Wait;
use keys::{KeyPair, Mode};
use support::{TestNetwork, add};
use tokio::time::Duration;

const LONG: Duration = Duration::from_secs(30);

/// The files of the stream. The index is a folder of its own, and made anew at every start.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect()
}

/// Flips a bit of each place in the files of `directory` where `bytes` stand, and says in how many.
fn flip(directory: &Path, bytes: &[u8]) -> usize {
    let mut flipped = 0;
    for path in files(directory) {
        let mut contents = fs::read(&path).unwrap();
        let places: Vec<usize> = contents
            .windows(bytes.len())
            .enumerate()
            .filter(|(_, window)| *window == bytes)
            .map(|(place, _)| place)
            .collect();
        if places.is_empty() {
            continue;
        }
        for place in &places {
            contents[place + bytes.len() / 2] ^= 0x10;
        }
        flipped += places.len();
        fs::write(path, contents).unwrap();
    }
    flipped
}

async fn comes_back(mode: Mode, nodes: usize) {
    let mut network = TestNetwork::start(mode, nodes).await;
    let client = network.client();
    let key = KeyPair::from_seed("alice");
    let mut payloads = Vec::new();
    let victim = nodes - 1;
    for nonce in 1..=12 {
        let request = add(&key, nonce, 1);
        payloads.push(request.payload.clone());
        let done = client.submit_and_wait(request, Wait::Applied, LONG);
        done.await.unwrap();
        if nonce == 8 {
            network.stop(victim).await;
            network.restart(victim).await;
            // From here on there is no quorum without the victim, so what follows is on its disk,
            // in other writes than what came before.
            network.stop(0).await;
        }
    }
    // Neighbours among them, so that one tells the hash of the other only once it is back.
    network.stop(victim).await;
    let directory = network.data(victim);
    for payload in [&payloads[2], &payloads[5], &payloads[6], &payloads[7]] {
        assert!(flip(&directory, payload) > 0, "an entry is on disk");
    }
    network.restart(victim).await;
    for payload in &payloads {
        // The node may still be writing elsewhere in the file, but these places are whole again.
        let found: usize = files(&directory)
            .into_iter()
            .map(|path| fs::read(path).unwrap())
            .map(|contents| {
                contents
                    .windows(payload.len())
                    .filter(|window| window == payload)
                    .count()
            })
            .sum();
        assert!(found > 0, "put back where it was");
    }
    // It takes part: with another node gone there is a quorum only with it.
    let after = client.submit_and_wait(add(&key, 13, 1), Wait::Applied, LONG);
    after.await.unwrap();
    network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn byzantine_mode_gets_damaged_entries_back() {
    comes_back(Mode::Byzantine, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raft_gets_damaged_entries_back() {
    comes_back(Mode::Raft, 3).await;
}
