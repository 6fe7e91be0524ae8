//! What may lie beyond the commit point is bounded in bytes, too, and nothing of it is empty (P3.2):
//! a leader change moves no more than a term has time for.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::{cell::RefCell, rc::Rc, sync::Arc};

use cluster::Cluster;
use consensus::{
    Entry, Index, Message, NodeId, Point, Term, limits, log::Log, message::Relay,
    mutation::Mutation,
};
use plot::{append, best_commit, entry_of, harms_only_under, sign};

/// So many requests of 24 KiB that a leader goes on making entries.
const REQUESTS: usize = 1_000;

fn large(number: u64, kibibytes: usize) -> Vec<u8> {
    let mut payload = plot::payload(1, number);
    payload.resize(kibibytes * 1024, 0);
    payload
}

/// Hands the leader more requests than a window has room for: through all others, since each has a
/// share of the leader's room (P6.3).
fn fill_window(cluster: &mut Cluster) {
    let c = Arc::clone(&cluster.setups[0].configuration);
    for number in 0..REQUESTS as u64 {
        let relay = Relay {
            epoch: c.epoch(),
            complained: false,
            requests: vec![Arc::from(large(number, 24))],
        };
        let by = 1 + usize::try_from(number % 3).unwrap();
        cluster.say(by, 0, sign(&c, by, relay));
    }
    cluster.settle();
}

/// Bytes of bodies that n0 sent and nobody committed.
fn sent_beyond(cluster: &Cluster, commit: Index) -> u64 {
    let mut entries: Vec<&Arc<Entry>> = Vec::new();
    for (_, to, message) in &cluster.sent {
        if let Message::AppendEntries(signed) = &**message
            && *to == 1
        {
            entries.extend(
                signed
                    .body
                    .entries
                    .iter()
                    .filter(|one| one.index() > commit),
            );
        }
    }
    entries.iter().map(|entry| entry.body_bytes() as u64).sum()
}

#[test]
fn a_leader_keeps_to_the_bytes_of_the_window() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    let commit = cluster.status(0).commit.index;
    cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Vote(_)));
    fill_window(&mut cluster);
    let entry = (limits::ENTRY_BYTES + limits::PAYLOAD_BYTES) as u64;
    let sent = sent_beyond(&cluster, commit);
    assert!(sent <= limits::WINDOW_BYTES, "{sent} bytes");
    assert!(sent + entry > limits::WINDOW_BYTES, "{sent} bytes");
    for node in 1..4 {
        assert_eq!(
            cluster.status(node).head,
            cluster.status(0).head,
            "n{node} accepted all"
        );
    }
    // Once votes arrive again, all of it is committed.
    cluster.filter = Box::new(|_, _, _| true);
    cluster.run_for(2_000);
    cluster.assert_all_applied(REQUESTS);
}

/// The leader is lost with a full window; what its successor moves to the others fits the longest term
/// timer over a link of 100 Mbit/s, of which each answer takes its share.
#[test]
fn a_leader_change_with_a_full_window_fits_a_term() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    // n2 and n3 get nothing of it; they must have it from n1.
    let bytes: Rc<RefCell<usize>> = Rc::default();
    let counted = Rc::clone(&bytes);
    cluster.filter = Box::new(|from, to, message| match message {
        Message::Vote(_) => false,
        Message::AppendEntries(_) => from != 0 || to == 1,
        Message::Fetch(_) => false,
        _ => true,
    });
    fill_window(&mut cluster);
    let full = cluster.status(1).head;
    assert!(full.index.0 > cluster.status(2).head.index.0 + 10);
    cluster.stop(0);
    cluster.sent.clear();
    cluster.filter = Box::new(move |_, _, message| {
        if let Message::FetchReply(reply) = message {
            let bodies = reply.body.entries.iter().map(|entry| entry.body_bytes());
            *counted.borrow_mut() += bodies.sum::<usize>();
        }
        true
    });
    cluster.run_for(5_000);
    assert_eq!(cluster.status(2).term, Term(1), "the first successor stays");
    assert!(cluster.status(2).commit.index > full.index);
    let bytes = *bytes.borrow();
    println!("{bytes} bytes of bodies were fetched");
    assert!(
        bytes > 2 * 7 * 1024 * 1024,
        "n2 and n3 fetched what they lacked"
    );
    let in_ten_seconds = 100_000_000 / 8 * 10;
    assert!(bytes < in_ten_seconds / 4, "{bytes} bytes");
}

/// n0 signs 60 entries of 512 KiB. How many bytes of them n1 accepts beyond its commit point.
fn accepted_of_a_flood() -> u64 {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    let c = Arc::clone(&cluster.setups[0].configuration);
    let last = best_commit(&cluster).point(&c);
    cluster.stop(0);
    let mut at: Point = last;
    for number in 0..60 {
        let payloads = (0..8).map(|place| Arc::from(large(8 * number + place, 60)));
        let next = entry_of(&c, Term::ZERO, at, cluster.now.wall, payloads.collect());
        at = next.point();
        cluster.say(0, 1, append(&c, Term::ZERO, vec![next]));
    }
    cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Vote(_)));
    cluster.settle();
    (cluster.status(1).head.index.0 - last.index.0) * 8 * 60 * 1024
}

#[test]
fn a_follower_keeps_to_the_bytes_of_the_window() {
    harms_only_under(Mutation::WindowBytesIgnored, || {
        let accepted = accepted_of_a_flood();
        assert!(accepted > limits::WINDOW_BYTES / 2, "{accepted} bytes");
        accepted > limits::WINDOW_BYTES
    });
}

/// The sum that the window is held against follows the chain as it grows, is cut and is forgotten.
#[test]
fn a_chain_knows_the_bytes_after_an_index() {
    let cluster = Cluster::new(4);
    let c = Arc::clone(&cluster.setups[0].configuration);
    let mut log = Log::new(c.opening(), Term::ZERO);
    let grow = |log: &mut Log, sizes: &[usize]| {
        for &size in sizes {
            let body = vec![Arc::from(vec![0; size])];
            log.append(entry_of(&c, Term::ZERO, log.last(), 1, body));
        }
    };
    let after = |log: &Log| -> Vec<u64> { (0..=6).map(|at| log.bytes_after(Index(at))).collect() };
    assert_eq!(log.bytes_after(Index(0)), 0);
    grow(&mut log, &[1, 10, 100, 1_000, 10_000]);
    assert_eq!(after(&log), [11_111, 11_110, 11_100, 11_000, 10_000, 0, 0]);
    log.truncate(Index(3));
    assert_eq!(after(&log), [111, 110, 100, 0, 0, 0, 0]);
    log.forget(Index(2));
    assert_eq!(after(&log), [100, 100, 100, 0, 0, 0, 0]);
    grow(&mut log, &[7]);
    assert_eq!(after(&log), [107, 107, 107, 7, 0, 0, 0]);
    log.forget(Index(4));
    assert_eq!(after(&log), [0; 7]);
    grow(&mut log, &[5, 6]);
    assert_eq!(after(&log), [11, 11, 11, 11, 11, 6, 0]);
}

/// An entry without a payload is refused with whatever brings it.
#[test]
fn an_empty_entry_is_refused() {
    harms_only_under(Mutation::EmptyEntryValid, || {
        let mut cluster = Cluster::hostile(4);
        cluster.run_for(100);
        let c = Arc::clone(&cluster.setups[0].configuration);
        let last = best_commit(&cluster).point(&c);
        cluster.stop(0);
        let empty = entry_of(&c, Term::ZERO, last, cluster.now.wall, Vec::new());
        cluster.say(0, 1, append(&c, Term::ZERO, vec![Arc::clone(&empty)]));
        cluster.settle();
        let bytes = Message::from(append(&c, Term::ZERO, vec![empty])).to_bytes();
        let valid = cluster.verification.message(NodeId(0), &bytes).is_ok();
        assert_eq!(valid, cluster.status(1).head.index > last.index);
        valid
    });
}
