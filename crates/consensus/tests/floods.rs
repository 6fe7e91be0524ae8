//! What one traitor says in quantity costs others a bounded amount each (P12.1), and hides nothing.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;

use std::sync::Arc;

use cluster::Cluster;
use consensus::{
    Configuration, Hash, Index, Message, NodeId, Point, Signed, Term, limits,
    message::{Grant, Relay, Report, RequestVote, Testimony, Vote},
};
use ed25519_dalek::SigningKey;

fn key(node: usize) -> SigningKey {
    SigningKey::from_bytes(&[u8::try_from(node).unwrap() + 1; 32])
}

fn signed<T: consensus::signed::Body>(cluster: &Cluster, node: usize, body: T) -> Signed<T> {
    let signer = NodeId(u16::try_from(node).unwrap());
    Signed::new(&configuration(cluster), signer, &key(node), body)
}

fn configuration(cluster: &Cluster) -> Arc<Configuration> {
    Arc::clone(&cluster.setups[0].configuration)
}

/// Eight of twenty-five say that they have accepted what nobody has. A node that the leader leaves
/// out still gets from the others what it lacks (P3.7).
#[test]
fn questions_about_what_nobody_has_leave_room_for_others() {
    let left_out = 24;
    let mut cluster = Cluster::new(25);
    cluster.run_for(60);
    for traitor in 0..8 {
        let nowhere = Point {
            index: Index(60 + traitor as u64),
            hash: Hash([traitor as u8; 32]),
        };
        let vote = Vote {
            epoch: configuration(&cluster).epoch(),
            term: Term::ZERO,
            accepted: Some(nowhere),
            locked: None,
            applied: None,
        };
        let vote = signed(&cluster, traitor, vote);
        cluster.say(traitor, left_out, vote);
    }
    cluster.filter = Box::new(move |from, to, message| {
        to != left_out && !(from == left_out && to < 8)
            || (from >= 8 && matches!(message, Message::Vote(_) | Message::FetchReply(_)))
            || (from < 8 && matches!(message, Message::Vote(vote) if vote.body.applied.is_none()))
    });
    cluster.submit(0, 7);
    cluster.run_for(400);
    cluster.assert_applied(&[left_out], 1);
}

/// The reports that a leader shows, by the node that it shows them to.
fn requested(cluster: &Cluster) -> Option<RequestVote> {
    cluster
        .sent
        .iter()
        .find_map(|(_, _, message)| match &**message {
            Message::RequestVote(request) => Some(request.body.clone()),
            _ => None,
        })
}

/// One with a leader that fell silent, and what the next one asked its voters.
fn deposed() -> (Cluster, RequestVote) {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    cluster.stop(0);
    cluster.submit(1, 7);
    cluster.run_for(3_000);
    let request = requested(&cluster).expect("n1 asked for grants");
    (cluster, request)
}

/// Reports of one validator many times over are refused before their signatures are checked.
#[test]
fn a_request_holds_one_report_of_each_validator() {
    let (mut cluster, request) = deposed();
    let leader = configuration(&cluster).leader(request.term).position();
    let mut repeated = request.clone();
    repeated.reports = vec![request.reports[0].clone(); 64];
    let mut other_term = request.clone();
    other_term.term = Term(request.term.0 + 4);
    for body in [repeated, other_term] {
        cluster.refused.clear();
        let request = signed(&cluster, leader, body);
        cluster.say(leader, 2, request);
        cluster.settle();
        assert!(
            matches!(&cluster.refused[..], [(_, 2, why)] if why.contains("counted twice")),
            "{:?}",
            cluster.refused
        );
    }
}

/// A report that denies its signer's votes is not forgotten for reports of terms that nobody
/// entered: a node that tells what it got still tells of it.
#[test]
fn a_false_report_is_not_pushed_out_by_reports_of_terms_to_come() {
    let (mut cluster, request) = deposed();
    let mut honest = request
        .reports
        .iter()
        .find(|report| report.signer == NodeId(3))
        .expect("n3 reported")
        .body
        .clone();
    // Its certificates hold its own votes.
    (honest.accept, honest.commit) = (None, None);
    let mut low: Report = honest.clone();
    low.pair.point = configuration(&cluster).opening();
    low.pair.headers.clear();
    cluster.filter = Box::new(|_, _, _| true);
    let lie = signed(&cluster, 3, low.clone());
    // n2 never hears n3's votes again; n1 has heard them.
    cluster.restart(2);
    cluster.filter =
        Box::new(|from, to, message| !matches!(message, Message::Vote(_)) || from != 3 || to != 2);
    // What n2 tells next it tells only after a while.
    let truth = signed(&cluster, 3, honest.clone());
    cluster.say(3, 2, truth);
    cluster.settle();
    cluster.say(3, 2, lie);
    for number in 1..=limits::HEARD_REPORTS as u64 {
        let mut later = honest.clone();
        later.term = Term(honest.term.0 + number);
        later.pair.term = later.term;
        let later = signed(&cluster, 3, later);
        cluster.say(3, 2, later);
    }
    cluster.settle();
    assert_eq!(cluster.status(2).evidence, 0);
    cluster.run_for(4_000);
    assert!(cluster.status(2).evidence > 0, "n3 denied its vote");
}

/// A grant that somebody else should count is shown to others; what its signer makes up for terms
/// far away does not take its place.
#[test]
fn grants_of_terms_far_away_leave_room_for_those_of_this_one() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    let grant = |term: u64, number: u8| Grant {
        epoch: configuration(&cluster).epoch(),
        term: Term(term),
        base: configuration(&cluster).opening(),
        reports: Hash([number; 32]),
    };
    let far: Vec<_> = (0..64).map(|number| grant(1_001 + 4 * number, 0)).collect();
    // n1 leads term 1: it gets one grant, n2 another.
    let (one, other) = (grant(1, 1), grant(1, 2));
    for body in far {
        let grant = signed(&cluster, 3, body);
        cluster.say(3, 2, grant);
    }
    let (one, other) = (signed(&cluster, 3, one), signed(&cluster, 3, other));
    cluster.say(3, 1, one);
    for _ in 0..8 {
        cluster.say(3, 2, other.clone());
    }
    cluster.run_for(3_000);
    assert!(cluster.status(1).evidence > 0, "n3 granted twice");
}

/// A client has filled its account's room at the leader, which nothing is committed at for a moment.
/// A traitor hands one request more on as complained about, to everybody but the leader, to which it
/// shows another of that account. The others watch over the request, so the leader finds room for it.
#[test]
fn a_leader_has_room_for_what_others_watch_over() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Vote(_)));
    let room = limits::PENDING_PER_ACCOUNT as u64;
    for nonce in 0..room {
        cluster.submit(0, nonce);
    }
    let relay = |nonce: u64| Relay {
        epoch: configuration(&cluster).epoch(),
        complained: true,
        requests: vec![Arc::from(nonce.to_le_bytes())],
    };
    let (shown, watched) = (relay(0), relay(room));
    let shown = signed(&cluster, 3, shown);
    cluster.say(3, 0, shown);
    cluster.settle();
    let watched = signed(&cluster, 3, watched);
    cluster.say(3, 1, watched.clone());
    cluster.say(3, 2, watched);
    cluster.settle();
    assert_eq!(cluster.status(0).pending, limits::PENDING_PER_ACCOUNT + 1);
}

/// Two nodes that tell each other at the same time each get the other's answer right after.
#[test]
fn an_answer_is_heard_right_after_what_its_sender_tells_by_itself() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    let grant = |number: u8| Grant {
        epoch: configuration(&cluster).epoch(),
        term: Term(1),
        base: configuration(&cluster).opening(),
        reports: Hash([number; 32]),
    };
    let grants = vec![signed(&cluster, 3, grant(1)), signed(&cluster, 3, grant(2))];
    let told = Testimony {
        epoch: configuration(&cluster).epoch(),
        known: Vec::new(),
        headers: Vec::new(),
        votes: Vec::new(),
        grants: Vec::new(),
        admissions: Vec::new(),
    };
    let answer = Testimony {
        grants,
        ..told.clone()
    };
    let (told, answer) = (signed(&cluster, 2, told), signed(&cluster, 2, answer));
    cluster.say(2, 1, told.clone());
    cluster.say(2, 1, answer);
    cluster.settle();
    assert_eq!(cluster.status(1).evidence, 1);
    // A flood is not looked at: what comes with it is told again.
    let (mut flooded, answer) = (Cluster::new(4), cluster.sent.clone());
    for _ in 0..64 {
        flooded.say(2, 1, told.clone());
    }
    let (_, _, answer) = answer
        .iter()
        .rfind(|(from, to, message)| {
            (*from, *to) == (2, 1)
                && matches!(&**message, Message::Testimony(shown) if !shown.body.grants.is_empty())
        })
        .expect("it was sent");
    flooded.say(2, 1, (**answer).clone());
    flooded.settle();
    assert_eq!(flooded.status(1).evidence, 0);
}
