//! Two payloads of a client under one nonce, the first of which is rejected without using it: it has
//! expired (P6.5). Committing it ends nothing for the other one (P6.2).

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::{cell::Cell, rc::Rc, sync::Arc};

use cluster::Cluster;
use consensus::{Message, Term, message::Relay};
use plot::{payload, sign};

/// The account and nonce of what the client waits for.
const ACCOUNT: u8 = 9;
const NONCE: u64 = 500;

fn expired(nonce: u64) -> Vec<u8> {
    let mut twin = payload(ACCOUNT, nonce);
    twin.push(cluster::EXPIRED);
    twin
}

/// Another one under the same nonce, which settles it.
fn rival() -> Vec<u8> {
    let mut rival = payload(ACCOUNT, NONCE);
    rival.push(0);
    rival
}

fn relay(cluster: &mut Cluster, from: usize, to: usize, request: &[u8]) {
    let configuration = Arc::clone(&cluster.setups[0].configuration);
    let relay = Relay {
        epoch: configuration.epoch(),
        complained: false,
        requests: vec![Arc::from(request)],
    };
    cluster.say(from, to, sign(&configuration, from, relay));
}

fn committed(cluster: &Cluster, node: usize, request: &[u8]) -> usize {
    let chain = cluster.chain(node);
    let payloads = chain.iter().flat_map(|entry| &entry.payloads);
    payloads.filter(|one| ***one == *request).count()
}

/// n0 leads and takes nothing in but `committed_again`, which it commits every 400 ms, while a client
/// complains at all others about its request every `every` milliseconds. Whether that is committed
/// within ten seconds.
fn served_in_spite_of(committed_again: &[u8], every: u64) -> bool {
    let mut cluster = Cluster::trusting(4);
    cluster.run_for(100);
    let victim = payload(ACCOUNT, NONCE);
    let open = Rc::new(Cell::new(false));
    let takes = Rc::clone(&open);
    let only = committed_again.to_vec();
    cluster.filter = Box::new(move |_, to, message| match message {
        Message::Relay(relay) if to == 0 => {
            takes.get() && relay.body.requests.iter().all(|one| **one == only[..])
        }
        _ => true,
    });
    for milli in 0..10_000 {
        if milli % every == 300 {
            for node in 1..4 {
                cluster.complain(node, victim.clone());
            }
            cluster.settle();
        }
        if milli % 400 == 0 && cluster.status(1).term == Term::ZERO {
            open.set(true);
            relay(&mut cluster, 3, 0, committed_again);
            cluster.settle();
            open.set(false);
        }
        cluster.run_for(1);
        cluster.sent.clear();
        if committed(&cluster, 1, &victim) > 0 {
            assert!(cluster.status(1).term > Term::ZERO, "n0 never commits it");
            return true;
        }
    }
    assert_eq!(cluster.status(1).term, Term::ZERO, "nobody took it in");
    false
}

#[test]
fn a_leader_that_commits_an_expired_twin_again_and_again_is_deposed() {
    for every in [1000, 310] {
        assert!(
            served_in_spite_of(&expired(NONCE), every),
            "every {every} ms"
        );
    }
}

/// The same with a nonce that is not the client's.
#[test]
fn so_is_one_that_commits_something_else() {
    assert!(served_in_spite_of(&expired(NONCE - 1), 1000));
}

/// The counterpart: what settles the nonce ends the other's wait, and nobody is suspected.
#[test]
fn a_twin_that_settles_the_nonce_ends_the_wait() {
    assert!(!served_in_spite_of(&rival(), 1000));
}

/// An honest leader commits the one that settles nothing, and then the other, once; where the first
/// one settles the nonce, it does not commit the other.
#[test]
fn an_honest_leader_commits_the_other_once_the_first_is_applied() {
    for (first, times) in [(expired(NONCE), 1), (rival(), 0)] {
        let mut cluster = Cluster::new(4);
        cluster.run_for(100);
        let victim = payload(ACCOUNT, NONCE);
        cluster.stuck = true;
        cluster.submit_payload(0, first.clone());
        cluster.run_for(50);
        assert_eq!(committed(&cluster, 0, &first), 1);
        for node in 0..4 {
            cluster.complain(node, victim.clone());
        }
        // Longer than any timer: nobody knows yet whether the nonce is settled.
        cluster.run_for(3_000);
        assert_eq!(committed(&cluster, 0, &victim), 0);
        cluster.unstick();
        cluster.run_for(1_000);
        for node in 0..4 {
            assert_eq!(committed(&cluster, node, &victim), times);
            let status = cluster.status(node);
            assert_eq!((status.term, status.pending), (Term::ZERO, 0), "{status:?}");
            assert_eq!(status.suspicion, None);
        }
    }
}
