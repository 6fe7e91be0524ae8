//! What nodes that stop in order know when they start again (P11.3).

mod support;

use client::Wait;
use keys::{KeyPair, Mode};
use support::{TestNetwork, add};
use tokio::time::Duration;

const LONG: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_last_is_applied_again_without_a_leader() {
    for mode in [Mode::Raft, Mode::RaftSigned, Mode::Byzantine] {
        let nodes = if mode == Mode::Byzantine { 4 } else { 3 };
        let mut network = TestNetwork::start(mode, nodes).await;
        let client = network.client();
        let key = KeyPair::from_seed("alice");
        client
            .submit_and_wait(add(&key, 1, 7), Wait::Applied, LONG)
            .await
            .unwrap();
        drop(client);
        let mut applied = 0;
        let mut knows = 0;
        for node in 0..nodes {
            let status = network.node(node).status().await.unwrap();
            if status.applied > applied {
                (applied, knows) = (status.applied, node);
            }
        }
        for node in 0..nodes {
            network.stop(node).await;
        }
        network.restart(knows).await;
        let status = network.node(knows).status().await.unwrap();
        assert!(
            status.applied >= applied,
            "{mode}: {} of {applied}",
            status.applied
        );
        // In byzantine mode the term alone says who leads.
        if mode != Mode::Byzantine {
            assert_eq!(status.leader, None, "{mode}: nobody else runs");
        }
        network.shutdown().await;
    }
}
