//! Requests under traitors and clients who want a leader deposed, or a client censored (P6.2, P6.3).

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::{cell::RefCell, rc::Rc, sync::Arc};

use cluster::Cluster;
use consensus::{
    Configuration, EntryKind, Message, Term, limits,
    message::{Reason, Relay, Suspect},
    mutation::Mutation,
};
use plot::{payload, sign};

fn configuration(cluster: &Cluster) -> Arc<Configuration> {
    Arc::clone(&cluster.setups[0].configuration)
}

/// `from` relays requests to `to`.
fn relay(cluster: &mut Cluster, from: usize, to: usize, complained: bool, payloads: &[Vec<u8>]) {
    let configuration = configuration(cluster);
    let relay = Relay {
        epoch: configuration.epoch(),
        complained,
        requests: payloads
            .iter()
            .map(|payload| Arc::from(payload.as_slice()))
            .collect(),
    };
    cluster.say(from, to, sign(&configuration, from, relay));
}

/// Plays a scene with the rule whole and, where the build can break it, broken.
fn bites(mutation: Mutation, scene: fn()) {
    scene();
    #[cfg(feature = "mutations")]
    {
        let _broken = consensus::mutation::activate(Some(mutation));
        assert!(
            std::panic::catch_unwind(scene).is_err(),
            "nothing depends on the rule"
        );
    }
    #[cfg(not(feature = "mutations"))]
    let _ = mutation;
}

/// How often the chain of a node holds a payload.
fn committed(cluster: &Cluster, node: usize, payload: &[u8]) -> usize {
    let chain = cluster.chain(node);
    let payloads = chain.iter().flat_map(|entry| &entry.payloads);
    payloads.filter(|one| ***one == *payload).count()
}

fn payloads_committed(cluster: &Cluster) -> usize {
    let chain = cluster.chain(0);
    let requests = chain
        .iter()
        .filter(|entry| entry.header().kind == EntryKind::Transactions);
    requests.map(|entry| entry.payloads.len()).sum()
}

type Held = Rc<RefCell<Vec<(usize, usize, Message)>>>;

/// From now on votes are kept on their way.
fn hold_votes(cluster: &mut Cluster) -> Held {
    let held = Held::default();
    let holding = Rc::clone(&held);
    cluster.filter = Box::new(move |from, to, message| {
        let is_vote = matches!(message, Message::Vote(_));
        if is_vote {
            holding.borrow_mut().push((from, to, message.clone()));
        }
        !is_vote
    });
    held
}

/// Votes that were kept arrive.
fn release(cluster: &mut Cluster, held: &Held) {
    for (from, to, vote) in std::mem::take(&mut *held.borrow_mut()) {
        cluster.say(from, to, vote);
    }
    cluster.settle();
}

/// The traitor n3 says again and again that it suspects n0 without a cause, so that n1 and n2 are
/// enough to depose it.
fn suspect_along(cluster: &mut Cluster, millis: u64) {
    for _ in 0..millis / 100 {
        cluster.run_for(100);
        let configuration = configuration(cluster);
        let suspect = Suspect {
            epoch: configuration.epoch(),
            term: Term::ZERO,
            commit: cluster.status(1).commit,
            uncommitted: None,
            reason: Reason::Silent,
        };
        for to in 0..3 {
            cluster.say(3, to, sign(&configuration, 3, suspect.clone()));
        }
        cluster.settle();
    }
}

/// The leader serves everybody. A client of it has filled its account's room, clients complain at n1
/// for more accounts than it watches over at once, and the traitor n3 hands a complaint on to n1 and
/// n2 alone.
#[test]
fn complaints_beyond_a_share_depose_nobody() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    // For some milliseconds votes are on their way.
    let held = hold_votes(&mut cluster);
    for nonce in 0..limits::PENDING_PER_ACCOUNT as u64 {
        cluster.submit(0, nonce);
    }
    for account in 2..66 {
        cluster.complain(1, payload(account, 1));
    }
    cluster.settle();
    for to in 1..3 {
        relay(&mut cluster, 3, to, true, &[payload(1, 5000)]);
    }
    cluster.settle();
    cluster.run_for(5);
    cluster.filter = Box::new(|from, to, message| {
        !(from == 3 && to == 0 && matches!(message, Message::Relay(_)))
    });
    release(&mut cluster, &held);
    suspect_along(&mut cluster, 3_000);
    let status = cluster.status(1);
    assert_eq!(status.term, Term::ZERO, "{:?}", status.deposed);
    for account in 2..66 {
        assert_eq!(committed(&cluster, 2, &payload(account, 1)), 1);
    }
    assert_eq!(committed(&cluster, 2, &payload(1, 5000)), 1);
}

/// What was executed is not committed again for whoever sends it, and takes no room from others.
#[test]
fn executed_requests_are_not_taken_in_again() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    let accounts = 1..=20;
    let of_account = |account| (0..1000).map(move |nonce| payload(account, nonce));
    let old: Vec<Vec<u8>> = accounts.flat_map(of_account).collect();
    for chunk in old.chunks(1000) {
        relay(&mut cluster, 2, 0, false, chunk);
        cluster.run_for(20);
    }
    cluster.run_for(200);
    assert_eq!(payloads_committed(&cluster), old.len());
    cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Vote(_)));
    for chunk in old.chunks(1000) {
        relay(&mut cluster, 3, 0, false, chunk);
        relay(&mut cluster, 3, 0, true, chunk);
        cluster.settle();
    }
    assert_eq!(cluster.status(0).pending, 0);
    relay(&mut cluster, 1, 0, false, &[payload(77, 1)]);
    cluster.settle();
    assert_eq!(cluster.status(0).pending, 1);
    cluster.filter = Box::new(|_, _, _| true);
    cluster.run_for(1000);
    assert_eq!(payloads_committed(&cluster), old.len() + 1);
}

/// n3 fills its share with new requests; those of another validator still find room.
#[test]
fn a_relaying_validator_takes_nobody_elses_room() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Vote(_)));
    for account in 1..=20 {
        let requests: Vec<Vec<u8>> = (0..1000).map(|nonce| payload(account, nonce)).collect();
        relay(&mut cluster, 3, 0, false, &requests);
    }
    cluster.settle();
    let share = limits::PENDING_REQUESTS / 4;
    assert_eq!(cluster.status(0).pending, share);
    relay(&mut cluster, 1, 0, false, &[payload(77, 1)]);
    cluster.submit(0, 5000);
    cluster.settle();
    assert_eq!(cluster.status(0).pending, share + 2);
}

/// Whether n0, leader of term 0, can censor a request of account 9 for ever, though its client
/// complains every second. With `masked` it has the account's timers run for old requests.
fn censored(masked: bool, seconds: u64) {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    let old: Vec<Vec<u8>> = (0..100).map(|nonce| payload(9, nonce)).collect();
    let others: Vec<Vec<u8>> = (0..1000).map(|nonce| payload(10, nonce)).collect();
    for requests in [&old, &others] {
        relay(&mut cluster, 1, 0, false, requests);
    }
    cluster.run_for(50);
    let deaf = || -> cluster::Filter {
        Box::new(|_, to, message| !(to == 0 && matches!(message, Message::Relay(_))))
    };
    let victim = payload(9, 500);
    let mut again = old.iter().cycle();
    for milli in 0..seconds * 1000 {
        if masked && milli % 800 == 0 {
            let one = std::slice::from_ref(again.next().unwrap());
            for to in 1..4 {
                relay(&mut cluster, 0, to, true, one);
            }
            cluster.settle();
            // n0 puts it into an entry before the timer ends.
            cluster.filter = Box::new(|_, _, _| true);
            relay(&mut cluster, 3, 0, true, one);
            cluster.settle();
        }
        cluster.filter = deaf();
        if milli % 40 == 20 {
            // Something is committed for everybody all the time.
            let busy = [payload(11, milli)];
            for to in 1..4 {
                relay(&mut cluster, 0, to, true, &busy);
            }
            cluster.settle();
            cluster.filter = Box::new(|_, _, _| true);
            relay(&mut cluster, 3, 0, false, &busy);
            cluster.settle();
            cluster.filter = deaf();
        }
        if milli % 1000 == 300 {
            for node in 1..4 {
                cluster.complain(node, victim.clone());
            }
        }
        cluster.run_for(1);
        cluster.sent.clear();
        if committed(&cluster, 1, &victim) > 0 {
            return;
        }
    }
    panic!(
        "the victim is not served in {seconds} s: {:?}",
        cluster.status(1)
    );
}

#[test]
fn a_censoring_leader_is_deposed() {
    censored(false, 10);
}

#[test]
fn old_requests_do_not_mask_a_new_one() {
    censored(true, 10);
}

/// The leader shows a client's newer requests, one after the other, to have its account's slots
/// taken, and commits each just before its timer ends. They are served in order: the victim gets its
/// turn.
#[test]
fn newer_requests_of_the_victim_do_not_keep_it_waiting_for_ever() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    let deaf = || -> cluster::Filter {
        Box::new(|_, to, message| !(to == 0 && matches!(message, Message::Relay(_))))
    };
    let victim = payload(9, 0);
    for milli in 0..20_000_u64 {
        cluster.filter = deaf();
        if milli % 100 == 0 {
            // A client that the leader is in league with complains about them at a correct node.
            cluster.complain(1, payload(9, 1 + milli / 100));
        }
        if milli % 1000 == 300 {
            for node in 1..4 {
                cluster.complain(node, victim.clone());
            }
        }
        if milli % 900 == 0 {
            cluster.filter = Box::new(|_, _, _| true);
            for nonce in 0..=milli / 100 {
                relay(&mut cluster, 3, 0, false, &[payload(9, 1 + nonce)]);
            }
            cluster.settle();
        }
        cluster.run_for(1);
        cluster.sent.clear();
        if committed(&cluster, 1, &victim) > 0 {
            return;
        }
    }
    panic!("the victim is not served: {:?}", cluster.status(1));
}

/// A complained request that is handed on again and again while its entry is under way, or committed
/// and not applied, is committed once.
#[test]
fn what_is_handed_on_again_is_committed_once() {
    bites(Mutation::UnappliedForgotten, || {
        let mut cluster = Cluster::new(4);
        cluster.run_for(100);
        let request = payload(5, 1);
        // Votes are on their way for a while, and so is the entry.
        let held = hold_votes(&mut cluster);
        for node in 1..4 {
            cluster.complain(node, request.clone());
        }
        cluster.run_for(400);
        for from in 1..4 {
            relay(&mut cluster, from, 0, true, std::slice::from_ref(&request));
        }
        cluster.settle();
        // It is committed, and the applications stand still.
        cluster.stuck = true;
        cluster.filter = Box::new(|_, _, _| true);
        release(&mut cluster, &held);
        cluster.run_for(100);
        for _ in 0..20 {
            for from in 1..4 {
                relay(&mut cluster, from, 0, true, std::slice::from_ref(&request));
                relay(&mut cluster, from, 0, false, std::slice::from_ref(&request));
            }
            cluster.run_for(10);
        }
        assert_eq!(cluster.status(0).pending, 0, "it is settled");
        cluster.unstick();
        cluster.run_for(2_000);
        assert_eq!(committed(&cluster, 0, &request), 1);
        let status = cluster.status(1);
        assert_eq!(status.term, Term::ZERO, "{:?}", status.deposed);
    });
}

/// A relay to the leader is lost, again and again. As it is repeated while the request is watched
/// over, nobody suspects a leader that did not hear of it.
#[test]
fn a_lost_hand_on_is_repeated_before_the_timer_ends() {
    bites(Mutation::HandedOnOnce, || {
        let mut cluster = Cluster::new(4);
        cluster.run_for(100);
        let lost: Rc<RefCell<usize>> = Rc::default();
        let count = Rc::clone(&lost);
        cluster.filter = Box::new(move |_, to, message| {
            let relay = to == 0 && matches!(message, Message::Relay(_));
            *count.borrow_mut() += usize::from(relay);
            // Those of the first moments.
            !relay || *count.borrow() > 3
        });
        cluster.complain(1, payload(5, 1));
        cluster.run_for(3_000);
        assert!(*lost.borrow() > 3);
        assert_eq!(committed(&cluster, 2, &payload(5, 1)), 1);
        let status = cluster.status(1);
        assert_eq!(status.term, Term::ZERO, "{:?}", status.deposed);
    });
}

/// The application of n1 comes to refuse what it admitted, as one does whose account changed: nobody
/// is suspected for it, though no leader takes it in.
#[test]
fn what_is_no_longer_admitted_deposes_nobody() {
    bites(Mutation::RefusedWatched, || {
        let mut cluster = Cluster::new(4);
        cluster.run_for(100);
        let request = payload(5, 1);
        // The leader knows already, the others do not.
        cluster.refuse(0, &request);
        for node in 1..4 {
            cluster.complain(node, request.clone());
        }
        cluster.run_for(300);
        for node in 1..4 {
            cluster.refuse(node, &request);
        }
        cluster.run_for(5_000);
        for node in 0..4 {
            let status = cluster.status(node);
            assert_eq!((status.term, status.pending), (Term::ZERO, 0), "{status:?}");
            assert_eq!(status.suspicion, None);
        }
        // The counterpart: as long as they admit it, a leader that does not take it in is suspected.
        let request = payload(5, 2);
        cluster.refuse(0, &request);
        for node in 1..4 {
            cluster.complain(node, request.clone());
        }
        cluster.run_for(3_000);
        assert!(cluster.status(1).term > Term::ZERO);
        assert_eq!(committed(&cluster, 1, &request), 1);
    });
}

/// Clients of all followers send far more than a leader can take in at once. Nobody is refused
/// silently for ever, and nobody is suspected.
#[test]
fn a_flood_through_followers_deposes_nobody() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    let (mut sent, mut nonce) = (0, 0);
    for milli in 0..3_000_u64 {
        if milli < 2_000 && milli % 10 == 0 {
            nonce += 1;
            for node in 1..4 {
                for account in 1..=14_u8 {
                    let account = account + 20 * u8::try_from(node).unwrap();
                    cluster.submit_payload(node, payload(account, nonce));
                    sent += 1;
                }
            }
        }
        cluster.run_for(1);
        cluster.sent.clear();
    }
    let status = cluster.status(1);
    assert_eq!(status.term, Term::ZERO, "{:?}", status.deposed);
    assert_eq!(payloads_committed(&cluster), sent);
}

/// Clients have filled an account's room at n1, all of it is handed on, and nothing is committed for a
/// moment; clients complain there for other accounts. A traitor shows n1 alone one more complained request of that account: the leader has room
/// for what n1 watches over.
#[test]
fn what_is_watched_over_finds_room_beside_a_full_account() {
    bites(Mutation::NoReserve, || {
        let mut cluster = Cluster::new(4);
        cluster.run_for(100);
        cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Vote(_)));
        for nonce in 0..limits::PENDING_PER_ACCOUNT as u64 {
            cluster.submit_payload(1, payload(1, nonce));
        }
        cluster.settle();
        assert_eq!(cluster.status(0).pending, limits::PENDING_PER_ACCOUNT);
        // As many complaints as the leader itself watches over for n1.
        let slots = u8::try_from(limits::watched_requests(4) / 4).unwrap();
        for account in 0..slots {
            cluster.complain(1, payload(2 + account, 1));
        }
        cluster.settle();
        relay(&mut cluster, 3, 1, true, &[payload(1, 5000)]);
        cluster.settle();
        let complained = usize::from(slots) + 1;
        let expected = limits::PENDING_PER_ACCOUNT + complained;
        assert_eq!(cluster.status(0).pending, expected);
    });
}
