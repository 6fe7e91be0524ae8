//! What clients ask for costs a node no threads: their stacks count towards its memory (P12.1).

#![cfg(target_os = "linux")]

mod support;

use client::{Client, ClientOptions, Wait};
use keys::{KeyPair, Mode};
use support::{TestNetwork, add};
use tokio::{task::JoinSet, time::Duration};

const LONG: Duration = Duration::from_secs(60);

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_do_not_make_a_node_grow() {
    let network = TestNetwork::start(Mode::Byzantine, 4).await;
    let client = network.client();
    let request = add(&KeyPair::from_seed("alice"), 1, 1);
    let done = client
        .submit_and_wait(request.clone(), Wait::Applied, LONG)
        .await
        .unwrap();
    let before = threads();
    let addresses: Vec<_> = (0..4)
        .map(|node| network.node(node).local_addr().unwrap())
        .collect();
    let mut readers = JoinSet::new();
    for reader in 0..32 {
        let options = ClientOptions {
            addresses: Some(addresses.clone()),
            ..ClientOptions::default()
        };
        let key = KeyPair::from_seed(&format!("reader {reader}"));
        let client = Client::connect_with(&network.genesis, &key, options).unwrap();
        readers.spawn(async move {
            for _ in 0..10 {
                let block = client.block(done.index, LONG).await.unwrap();
                assert!(block.is_some());
                let receipt = client.receipt(request.transaction, LONG, |_| true).await;
                assert_eq!(receipt.unwrap().payload.len(), 112);
            }
        });
    }
    let mut most = before;
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
        most = most.max(threads());
    }
    // Threads that started the nodes may have ended meanwhile.
    assert!(most <= before, "{before} threads became {most}");
    network.shutdown().await;
}
