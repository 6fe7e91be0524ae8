//! Nodes that misbehave, and the network that goes on: what the hook of a node and the complaints
//! of a client are for. The traitors themselves live in the testnet.

mod support;

use std::sync::Arc;

use client::{Client, Wait};
use consensus::{Message, NodeId, Recipient, Request};
use keys::{KeyPair, Mode};
use node::{Behaviour, Context, LinkPolicy, Verdict};
use support::{TestNetwork, add};
use tokio::time::Duration;

const LONG: Duration = Duration::from_secs(30);

/// Pretends not to have heard of one account.
struct Deaf([u8; 32]);

impl Behaviour for Deaf {
    fn name(&self) -> &'static str {
        "deaf"
    }
    fn request(&mut self, _: &Context<'_>, request: &Request) -> Verdict {
        if request.key().account == self.0 {
            Verdict::Drop
        } else {
            Verdict::Allow
        }
    }
}

/// Says nothing.
struct Mute;

impl Behaviour for Mute {
    fn name(&self) -> &'static str {
        "mute"
    }
    fn outgoing(
        &mut self,
        _: &Context<'_>,
        _: Recipient,
        _: &Arc<Message>,
    ) -> Option<Vec<(Recipient, Arc<Message>)>> {
        Some(Vec::new())
    }
}

/// The node that leads, once one does and has committed something.
async fn leader(client: &Client, key: &KeyPair, nonce: u64) -> NodeId {
    client
        .submit_and_wait(add(key, nonce, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    client.leader().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_censoring_leader_is_deposed_by_its_victims_complaint() {
    let network = TestNetwork::start(Mode::Byzantine, 4).await;
    let client = network.client();
    let (victim, other) = (KeyPair::from_seed("alice"), KeyPair::from_seed("bob"));
    let censor = leader(&client, &other, 1).await;
    let deaf = Deaf(*victim.public_key().as_bytes());
    network
        .node(censor.position())
        .control()
        .set_behaviour(Some(Box::new(deaf)));
    // The leader serves everybody else, so that it is not merely silent.
    let served = client.clone();
    let background = tokio::spawn(async move {
        for nonce in 2.. {
            let request = add(&other, nonce, 1);
            served
                .submit_and_wait(request, Wait::Applied, LONG)
                .await
                .unwrap();
        }
    });
    client
        .submit_and_wait(add(&victim, 1, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    background.abort();
    let witnesses = client.statuses(LONG).await.into_iter().filter(|status| {
        let deposed = status.report.as_ref().unwrap().deposed.as_ref();
        deposed.is_some_and(|deposed| {
            deposed.leader == censor.0
                && deposed
                    .reasons
                    .iter()
                    .any(|reason| reason.reason == "starved")
        })
    });
    assert!(witnesses.count() >= 2, "who was deposed and why is known");
    let report = network.node(censor.position()).status().await.unwrap();
    assert_eq!(report.behaviour.as_deref(), Some("deaf"));
    network.shutdown().await;
}

async fn goes_on_without(mode: Mode, nodes: usize) {
    let network = TestNetwork::start(mode, nodes).await;
    let client = network.client();
    let key = KeyPair::from_seed("alice");
    let mute = leader(&client, &key, 1).await;
    let control = network.node(mute.position()).control();
    control.set_behaviour(Some(Box::new(Mute)));
    client
        .submit_and_wait(add(&key, 2, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    control.set_behaviour(None);
    client
        .submit_and_wait(add(&key, 3, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn byzantine_mode_goes_on_without_a_mute_leader() {
    goes_on_without(Mode::Byzantine, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raft_goes_on_without_a_mute_leader() {
    goes_on_without(Mode::Raft, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_cut_off_is_replaced_and_comes_back() {
    let network = TestNetwork::start(Mode::Raft, 3).await;
    let client = network.client();
    let key = KeyPair::from_seed("alice");
    let alone = leader(&client, &key, 1).await;
    let others = || (0..3).map(NodeId).filter(|&node| node != alone);
    let cut = |policy| {
        for node in others() {
            let ahead = network.node(alone.position()).control();
            ahead.set_link_policy(node, policy).unwrap();
            network
                .node(node.position())
                .control()
                .set_link_policy(alone, policy)
                .unwrap();
        }
    };
    cut(LinkPolicy::CUT);
    client
        .submit_and_wait(add(&key, 2, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    cut(LinkPolicy::PASS);
    let last = client
        .submit_and_wait(add(&key, 3, 1), Wait::Applied, LONG)
        .await
        .unwrap();
    while network
        .node(alone.position())
        .status()
        .await
        .unwrap()
        .applied
        < last.index
    {
        tokio::task::yield_now().await;
    }
    network.shutdown().await;
}
