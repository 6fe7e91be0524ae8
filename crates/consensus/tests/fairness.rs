//! Progress and fairness (P4.6, P6.2, P6.3): timers that grow until a slow network is served, watches
//! that nobody takes for himself, and complaints that reach the leader whoever was told.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::{cell::RefCell, rc::Rc, sync::Arc};

use cluster::Cluster;
use consensus::{Message, Term, Timers, limits, message::Relay};
use plot::{payload, sign};

/// Nothing is ever committed: each leader is deposed, each time after longer.
#[test]
fn a_timer_level_rises_with_each_leader_that_commits_nothing() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(50);
    cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Vote(_)));
    cluster.submit(0, 1);
    let mut spans = Vec::new();
    for term in 1..=7 {
        let begun = cluster.now.monotonic;
        let before = cluster.status(1).timer_level;
        while cluster.status(1).term < Term(term) {
            cluster.run_for(10);
        }
        spans.push(cluster.now.monotonic.since(begun));
        let level = cluster.status(1).timer_level;
        let highest = Timers::DEFAULT.highest_level();
        assert_eq!(level, (before + 1).min(highest), "in term {term}");
    }
    assert!(spans.is_sorted(), "{spans:?}");
    assert!(spans[5].0 > 2 * spans[1].0, "{spans:?}");
    assert!((1..4).all(|node| cluster.status(node).timer_level == cluster.status(0).timer_level));
}

/// What a node told the leader that it watches over.
fn handed_on(cluster: &Cluster, from: usize, leader: usize) -> Vec<Arc<[u8]>> {
    let relays = cluster.sent.iter().filter_map(|(by, to, message)| {
        let Message::Relay(relay) = &**message else {
            return None;
        };
        (*by == from && *to == leader && relay.body.complained).then_some(relay)
    });
    relays
        .flat_map(|relay| relay.body.requests.clone())
        .collect()
}

fn complained(
    cluster: &Cluster,
    node: usize,
    requests: Vec<Arc<[u8]>>,
) -> consensus::Signed<Relay> {
    let configuration = &cluster.setups[0].configuration;
    let relay = Relay {
        epoch: configuration.epoch(),
        complained: true,
        requests,
    };
    sign(configuration, node, relay)
}

#[test]
fn a_complaint_told_to_all_but_the_leader_reaches_it_and_deposes_nobody() {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    let request: Arc<[u8]> = payload(7, 1).into();
    let relay = complained(&cluster, 3, vec![Arc::clone(&request)]);
    cluster.sent.clear();
    for to in [1, 2] {
        cluster.say(3, to, relay.clone());
    }
    cluster.settle();
    for told in [1, 2] {
        assert_eq!(handed_on(&cluster, told, 0), [Arc::clone(&request)]);
    }
    cluster.filter = Box::new(|from, _, _| from != 3);
    let suspected = Rc::new(RefCell::new(0));
    let seen = Rc::clone(&suspected);
    cluster.hook = Box::new(move |_, _, message| {
        *seen.borrow_mut() += u32::from(matches!(message, Message::Suspect(_)));
        Vec::new()
    });
    cluster.run_for(3_000);
    cluster.assert_applied(&[0, 1, 2], 1);
    assert_eq!(cluster.status(1).term, Term::ZERO);
    assert_eq!(*suspected.borrow(), 0);
}

#[test]
fn a_validator_has_no_more_than_its_share_of_the_watches() {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    // Nothing is committed for a moment.
    cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Vote(_)));
    cluster.sent.clear();
    let requests: Vec<Arc<[u8]>> = (1..=200)
        .map(|account| payload(account, 1).into())
        .collect();
    let relay = complained(&cluster, 3, requests);
    cluster.say(3, 1, relay);
    cluster.settle();
    let share = limits::watched_requests(4) / 4;
    assert_eq!(handed_on(&cluster, 1, 0).len(), share);
    // A client of the node itself still finds a place.
    cluster.sent.clear();
    cluster.complain(1, payload(201, 1));
    cluster.settle();
    assert_eq!(handed_on(&cluster, 1, 0), [Arc::from(payload(201, 1))]);
}
