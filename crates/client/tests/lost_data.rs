//! A directory that is lost does not vote again (P9.4).

mod support;

use std::fs;

use client::Wait;
use consensus::NodeId;
use keys::{FileError, Incarnation, KeyPair, Mode};
use node::{LinkPolicy, Node, StartError};
use support::{TestNetwork, add, incarnation, node_key, options};
use tokio::time::Duration;

const LONG: Duration = Duration::from_secs(60);

async fn refused(network: &TestNetwork, node: usize) -> StartError {
    let options = options(&network.genesis, node_key(node), &network.data(node));
    match Node::start(options).await {
        Ok(_) => panic!("the node started"),
        Err(error) => error,
    }
}

/// What Raft lost: two of three nodes acknowledge while the third is cut off, one of the two loses its
/// disk, and with the third one it would elect a leader who never heard of the payments.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_directory_does_not_outvote_a_hundred_acknowledged_payments() {
    const PAYMENTS: u64 = 100;
    let mut network = TestNetwork::start(Mode::Raft, 3).await;
    let key = KeyPair::from_seed("alice");
    let client = network.client();
    client
        .submit_and_wait(add(&key, 1, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    for node in [0_u16, 1] {
        let cut = |from: usize, to: u16| {
            let control = network.node(from).control();
            control.set_link_policy(NodeId(to), LinkPolicy::CUT)
        };
        cut(usize::from(node), 2).unwrap();
        cut(2, node).unwrap();
    }
    for nonce in 2..=PAYMENTS {
        client
            .submit_and_wait(add(&key, nonce, 1), Wait::Applied, LONG)
            .await
            .unwrap();
    }
    drop(client);
    for node in 0..3 {
        network.stop(node).await;
    }

    fs::remove_dir_all(network.data(1)).unwrap();
    let gone = refused(&network, 1).await;
    assert!(matches!(gone, StartError::NotMade { .. }), "{gone}");
    assert!(!network.data(1).exists(), "nothing was made");
    fs::create_dir(network.data(1)).unwrap();
    let empty = refused(&network, 1).await;
    assert!(matches!(empty, StartError::NotMade { .. }), "{empty}");
    Incarnation::generate()
        .unwrap()
        .create(&network.data(1))
        .unwrap();
    let made_again = refused(&network, 1).await;
    assert!(
        matches!(made_again, StartError::OtherIncarnation { .. }),
        "{made_again}"
    );

    // With the two disks that were kept, everything that was acknowledged is there.
    network.restart(2).await;
    network.restart(0).await;
    let client = network.client();
    let total = client
        .submit_and_wait(add(&key, PAYMENTS + 1, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    assert_eq!(total.result, (PAYMENTS + 1).to_le_bytes());
    network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_gone_is_missed_whatever_else_is_kept() {
    for mode in [Mode::Raft, Mode::RaftSigned, Mode::Byzantine] {
        let nodes = if mode == Mode::Byzantine { 4 } else { 3 };
        let mut network = TestNetwork::start(mode, nodes).await;
        network.stop(1).await;
        // It may start again as long as its stream is there, voted or not.
        network.restart(1).await;
        network.stop(1).await;
        for file in fs::read_dir(network.data(1)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "segment") {
                fs::remove_file(path).unwrap();
            }
        }
        for _ in 0..2 {
            let lost = refused(&network, 1).await;
            assert!(
                matches!(lost, StartError::StreamLost { .. }),
                "{mode}: {lost}"
            );
        }
        let kept = incarnation(1).create(&network.data(1));
        assert!(matches!(kept, Err(FileError::Exists(_))));
        network.shutdown().await;
    }
}

/// Makes the directory of a stopped node again as genesis lists it, with nothing in it: only a traitor
/// can, for the number was in the directory that is lost.
fn forget(network: &TestNetwork, node: usize) {
    fs::remove_dir_all(network.data(node)).unwrap();
    incarnation(node).create(&network.data(node)).unwrap();
}

/// Payments that n0, n1 and n2 committed while n3 was cut off; all are stopped.
async fn committed_without_the_last(payments: u64) -> (TestNetwork, KeyPair) {
    let mut network = TestNetwork::start(Mode::Byzantine, 4).await;
    for node in 0..3_u16 {
        let cut = |from: usize, to: u16| {
            let control = network.node(from).control();
            control.set_link_policy(NodeId(to), LinkPolicy::CUT)
        };
        cut(usize::from(node), 3).unwrap();
        cut(3, node).unwrap();
    }
    let key = KeyPair::from_seed("alice");
    let client = network.client();
    for nonce in 1..=payments {
        client
            .submit_and_wait(add(&key, nonce, 1), Wait::Applied, LONG)
            .await
            .unwrap();
    }
    drop(client);
    for node in 0..4 {
        network.stop(node).await;
    }
    (network, key)
}

/// One node that lost its directory and one traitor that forgets on purpose are a quorum with a node
/// that never heard of what was committed: n = 4 forks, unless the first does not vote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_traitor_finds_no_second_node_that_forgets() {
    const PAYMENTS: u64 = 20;
    let (mut network, key) = committed_without_the_last(PAYMENTS).await;
    forget(&network, 0);
    fs::remove_dir_all(network.data(1)).unwrap();
    Incarnation::generate()
        .unwrap()
        .create(&network.data(1))
        .unwrap();
    let made_again = refused(&network, 1).await;
    assert!(
        matches!(made_again, StartError::OtherIncarnation { .. }),
        "{made_again}"
    );
    for node in [0, 3, 2] {
        network.restart(node).await;
    }
    // No quorum is without n2, which knows.
    let client = network.client();
    let total = client
        .submit_and_wait(add(&key, PAYMENTS + 1, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    assert_eq!(total.result, (PAYMENTS + 1).to_le_bytes());
    network.shutdown().await;
}

/// What the test above keeps from happening: were the lost directory taken for the old one, another
/// first payment would be committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_forget_fork_a_network_of_four() {
    let (mut network, key) = committed_without_the_last(3).await;
    for node in [0, 1] {
        forget(&network, node);
    }
    for node in [0, 1, 3] {
        network.restart(node).await;
    }
    let client = network.client();
    let total = client
        .submit_and_wait(add(&key, 4, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    assert_eq!(total.result, 1_u64.to_le_bytes());
    network.shutdown().await;
}
