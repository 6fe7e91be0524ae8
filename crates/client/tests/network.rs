//! Whole networks in one process: clients, nodes, real disks and sockets.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use client::{Client, ClientError, Consistency, LoadOptions, TransactionState, Wait};
use consensus::NodeId;
use keys::{KeyPair, Mode};
use node::LinkPolicy;
use support::{TestNetwork, add};
use tokio::time::Duration;

const LONG: Duration = Duration::from_secs(30);

fn total(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[bytes.len() - 8..].try_into().unwrap())
}

/// Waits until every node's state is that one: what one node says is as old as that node's state.
async fn applied_everywhere(client: &Client, nodes: usize, sum: u64) {
    for node in (0..nodes).map(|node| NodeId(u16::try_from(node).unwrap())) {
        let ask = || client.query(b"", Consistency::Local(Some(node)), LONG);
        let mut answer = ask().await;
        while answer.as_ref().map_or(0, |answer| total(&answer.bytes)) < sum {
            tokio::task::yield_now().await;
            answer = ask().await;
        }
        assert_eq!(total(&answer.unwrap().bytes), sum);
    }
}

async fn orders_and_answers(mode: Mode, nodes: usize) {
    let network = TestNetwork::start(mode, nodes).await;
    let client = network.client();
    let key = KeyPair::from_seed("alice");
    let first = add(&key, 1, 40);
    let outcome = client
        .submit_and_wait(first.clone(), Wait::Applied, LONG)
        .await
        .unwrap();
    assert_eq!(total(&outcome.result), 40);
    let second = client
        .submit_and_wait(add(&key, 2, 2), Wait::Applied, LONG)
        .await
        .unwrap();
    assert!(second.index > outcome.index);

    let repeated = client
        .submit_and_wait(first.clone(), Wait::Applied, LONG)
        .await
        .unwrap();
    assert_eq!(repeated, outcome, "a repeat gets the first outcome");
    let rival = client
        .submit_and_wait(add(&key, 1, 99), Wait::Applied, LONG)
        .await;
    assert!(
        matches!(rival, Err(ClientError::NotAdmitted { settled: true, .. })),
        "{rival:?}"
    );
    let mut forged = add(&key, 3, 1);
    forged.payload[45] ^= 1;
    let forged = client.submit_and_wait(forged, Wait::Applied, LONG).await;
    assert!(matches!(forged, Err(ClientError::Invalid(_))), "{forged:?}");

    applied_everywhere(&client, nodes, 42).await;
    for consistency in [
        Consistency::Local(None),
        Consistency::Matching,
        Consistency::Linearizable,
    ] {
        let answer = client.query(b"sum", consistency, LONG).await.unwrap();
        assert!(answer.bytes.starts_with(b"sum"));
        assert_eq!(total(&answer.bytes), 42, "{consistency:?}");
    }
    let found = client.transaction(first.transaction, LONG).await.unwrap();
    let TransactionState::Applied { index, .. } = found else {
        panic!("{found:?}")
    };
    assert_eq!(index, outcome.index);
    let unknown = client.transaction([7; 32], LONG).await.unwrap();
    assert!(matches!(unknown, TransactionState::Unknown { .. }));
    let block = client.block(outcome.index, LONG).await.unwrap().unwrap();
    assert_eq!(block.payloads.unwrap()[0].0, first.payload);
    assert!(client.evidence(LONG).await.unwrap().is_empty());
    let receipt = client.receipt(first.transaction, LONG, |parts| {
        mode != Mode::Byzantine || (parts.commit.is_some() && !parts.result_votes.is_empty())
    });
    let receipt = receipt.await.unwrap();
    assert_eq!(receipt.payload, first.payload);
    assert_eq!(receipt.commit.is_some(), mode == Mode::Byzantine);

    let statuses = client.statuses(LONG).await;
    assert_eq!(statuses.len(), nodes);
    for status in statuses {
        let report = status.report.unwrap();
        assert!(report.commit >= outcome.index && report.peers.iter().all(|peer| peer.up));
    }
    network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raft_orders_and_answers() {
    orders_and_answers(Mode::Raft, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_raft_orders_and_answers() {
    orders_and_answers(Mode::RaftSigned, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn byzantine_mode_orders_and_answers() {
    orders_and_answers(Mode::Byzantine, 4).await;
}

async fn survives_restarts(mode: Mode, nodes: usize) {
    let mut network = TestNetwork::start(mode, nodes).await;
    let client = network.client();
    let key = KeyPair::from_seed("alice");
    let mut nonce = 0;
    for victim in 0..nodes {
        network.stop(victim).await;
        nonce += 1;
        client
            .submit_and_wait(add(&key, nonce, 1), Wait::Applied, LONG)
            .await
            .unwrap();
        network.restart(victim).await;
    }
    for node in 0..nodes {
        network.stop(node).await;
    }
    for node in 0..nodes {
        network.restart(node).await;
    }
    nonce += 1;
    let last = client
        .submit_and_wait(add(&key, nonce, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    assert_eq!(total(&last.result), nonce, "nothing acknowledged is lost");
    // A node that was away catches up.
    applied_everywhere(&client, nodes, nonce).await;
    network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raft_survives_restarts() {
    survives_restarts(Mode::Raft, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn byzantine_mode_survives_restarts() {
    survives_restarts(Mode::Byzantine, 4).await;
}

/// Two nodes take a request, which does not reach the leader; meanwhile another one settles its nonce.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_lost_its_nonce_is_not_said_to_be_pending() {
    let patient = consensus::Time::from_millis(600_000);
    let network = TestNetwork::start_with(Mode::Byzantine, 4, |_, options| {
        // The leader is not left for the request that does not reach it.
        options.timers.starvation = patient;
        options.timers.silence_shortest = patient;
        options.timers.silence_longest = patient;
    })
    .await;
    let key = KeyPair::from_seed("alice");
    let client = network.client();
    client
        .submit_and_wait(add(&key, 1, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    let loser = add(&key, 2, 5);
    let mut losers = Vec::new();
    for node in [1, 2] {
        let control = network.node(node).control();
        control.set_link_policy(NodeId(0), LinkPolicy::CUT).unwrap();
        let client = network.client_of(node);
        let loser = loser.clone();
        losers.push(tokio::spawn(async move {
            let _ = client.submit_and_wait(loser, Wait::Applied, LONG).await;
        }));
    }
    for node in [1, 2] {
        while network.node(node).status().await.unwrap().pending == 0 {
            tokio::task::yield_now().await;
        }
    }
    let waits = client.transaction(loser.transaction, LONG).await.unwrap();
    assert_eq!(waits, TransactionState::Pending);
    client
        .submit_and_wait(add(&key, 2, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    let told = async {
        loop {
            match client.transaction(loser.transaction, LONG).await.unwrap() {
                // Nodes execute at their own pace.
                TransactionState::Pending | TransactionState::Unknown { .. } => {}
                found => break found,
            }
        }
    };
    let found = tokio::time::timeout(LONG, told)
        .await
        .expect("told at last");
    assert!(
        matches!(found, TransactionState::Superseded { applied } if applied >= 3),
        "{found:?}"
    );
    for loser in losers {
        loser.abort();
    }
    network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_is_applied_exactly_once() {
    let network = TestNetwork::start(Mode::Raft, 3).await;
    let client = network.client();
    let key = KeyPair::from_seed("alice");
    client.watch(&[*key.public_key().as_bytes()]);
    assert_eq!(client.wait_connected(3, LONG).await, 3);
    let done = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&done);
    let options = LoadOptions {
        outstanding: 200,
        ..LoadOptions::default()
    };
    let load = client.load(options, move |completion| {
        completion.outcome.unwrap();
        counted.fetch_add(1, Relaxed);
    });
    for nonce in 0..2000 {
        load.submit(add(&key, nonce, 1)).await;
    }
    load.drained().await;
    assert_eq!(done.load(Relaxed), 2000);
    let sum = client
        .query(b"", Consistency::Linearizable, LONG)
        .await
        .unwrap();
    assert_eq!(total(&sum.bytes), 2000);
    network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_quorum_the_error_says_so_and_the_network_resumes() {
    let mut network = TestNetwork::start(Mode::Raft, 3).await;
    let client = network.client();
    let key = KeyPair::from_seed("alice");
    client
        .submit_and_wait(add(&key, 1, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    network.stop(0).await;
    network.stop(1).await;
    let stranded = add(&key, 2, 1);
    let failed = client
        .submit_and_wait(stranded.clone(), Wait::Applied, Duration::from_secs(3))
        .await;
    let Err(ClientError::NoQuorum {
        needed: 2,
        unreachable,
        ..
    }) = failed
    else {
        panic!("{failed:?}")
    };
    assert_eq!(unreachable.len(), 2);
    network.restart(0).await;
    network.restart(1).await;
    let outcome = client
        .submit_and_wait(stranded, Wait::Applied, LONG)
        .await
        .unwrap();
    assert_eq!(total(&outcome.result), 2);
    network.shutdown().await;
}
