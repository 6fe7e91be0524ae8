//! A leader that serves everybody late is deposed (P6.4); one that works is not.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;

use std::{cell::RefCell, rc::Rc};

use cluster::Cluster;
use consensus::{Message, Term, message::Reason};

/// Gives each follower a request every so often; n0 takes them up only that much later.
fn with_delay(delay: u64, pause: u64, rounds: u64) -> Cluster {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    let held: Rc<RefCell<Vec<(usize, Message)>>> = Rc::default();
    for number in 0..rounds {
        let holding = Rc::clone(&held);
        if delay > 0 {
            cluster.filter = Box::new(move |from, to, message| {
                let holds = to == 0 && matches!(message, Message::Relay(_));
                if holds {
                    holding.borrow_mut().push((from, message.clone()));
                }
                !holds
            });
        }
        for node in 1..4 {
            cluster.submit(node, number * 4 + node as u64);
        }
        cluster.run_for(pause.max(delay));
        if cluster.status(1).term > Term::ZERO {
            break;
        }
        cluster.filter = Box::new(|_, _, _| true);
        for (from, message) in held.borrow_mut().drain(..) {
            cluster.say(from, 0, message);
        }
        cluster.settle();
    }
    cluster
}

#[test]
fn a_crawling_leader_is_deposed() {
    let cluster = with_delay(300, 300, 40);
    let status = cluster.status(1);
    let deposed = status.deposed.expect("the crawler was deposed");
    assert_eq!(deposed.term, Term::ZERO);
    assert!(
        deposed
            .reasons
            .iter()
            .all(|leaver| leaver.reason == Reason::Crawling),
        "{:?}",
        deposed.reasons
    );
}

#[test]
fn a_leader_that_works_stays() {
    for pause in [5, 20, 200] {
        let cluster = with_delay(0, pause, 3_000 / pause);
        assert_eq!(cluster.status(1).term, Term::ZERO, "every {pause} ms");
        assert_eq!(cluster.status(1).suspicion, None);
    }
}

/// A relay that was lost does not make the leader a crawler: the request is relayed again.
#[test]
fn a_lost_relay_is_repeated() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    let mut lost = false;
    cluster.filter = Box::new(move |from, _, message| {
        let first = from == 2 && matches!(message, Message::Relay(_)) && !lost;
        lost |= first;
        !first
    });
    cluster.submit(2, 7);
    cluster.run_for(200);
    cluster.assert_all_applied(1);
    assert_eq!(cluster.status(1).term, Term::ZERO);
}
