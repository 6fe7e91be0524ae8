//! However many branches the leader of a term signed, and however large, the next leader needs room
//! only for what it may choose (P4.5, P12.1).

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::Arc};

use cluster::Cluster;
use consensus::{
    Entry, Message, Point, Term, limits,
    message::{FetchReply, Justification, PairReport, Report},
    mutation::Mutation,
};
use plot::{append, best_commit, entry, entry_of, harms_only_under, serves_within, sign};

/// n nodes, of which n0 and `silent` are traitors: n0 shows each correct node a branch of its own.
/// Whether a request is served all the same.
fn serves(n: usize, silent: &[usize], length: u64, payloads: &[usize], millis: u64) -> bool {
    let mut cluster = Cluster::hostile(u8::try_from(n).unwrap());
    cluster.run_for(100);
    let c = Arc::clone(&cluster.setups[0].configuration);
    let last = best_commit(&cluster).point(&c);
    cluster.stop(0);
    silent.iter().for_each(|&node| cluster.stop(node));
    let now = cluster.now.wall;
    let correct: Vec<usize> = (1..n).filter(|to| !silent.contains(to)).collect();
    for &to in &correct {
        let mut at = last;
        for nonce in 0..length {
            let body = payloads.iter().zip(0..).map(|(&size, place)| {
                let number = 1_000_000 * to as u64 + 100 * nonce + place;
                let mut payload = plot::payload(1, number);
                payload.resize(size, 0);
                Arc::from(payload)
            });
            let next = entry_of(&c, Term::ZERO, at, now, body.collect());
            at = next.point();
            cluster.say(0, to, append(&c, Term::ZERO, vec![next]));
        }
    }
    cluster.settle();
    cluster.submit(correct[0], 7);
    let served = serves_within(&mut cluster, correct[0], 7, millis);
    println!("{:?}", cluster.status(correct[0]));
    served
}

#[test]
fn short_branches_at_sixteen_nodes() {
    assert!(serves(16, &[12, 13, 14, 15], 40, &[9], 10_000));
}

#[test]
fn a_whole_window_each_at_sixteen_nodes() {
    assert!(serves(16, &[12, 13, 14, 15], 64, &[9], 10_000));
}

#[test]
fn branches_of_middling_entries_at_four_nodes() {
    assert!(serves(4, &[], 64, &[58 * 1024; 8], 30_000));
}

#[test]
fn branches_of_the_largest_entries_at_four_nodes() {
    let mut sizes = vec![64 * 1024; 8];
    sizes.push(60 * 1024);
    assert!(serves(4, &[], 64, &sizes, 30_000));
}

/// What n1 asked for and got while it collected.
#[derive(Default)]
struct Asked {
    targets: BTreeSet<Point>,
    bytes: usize,
}

/// n = 4: n0, a traitor, is deposed, and reports each of these branches in turn to n1, which needs its
/// report because n3's is late. It serves what it is asked for. What n1 asked for until it led, or for a
/// second.
fn reported(branches: impl FnOnce(&Cluster, Point) -> Vec<Vec<Arc<Entry>>>) -> Asked {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    let c = Arc::clone(&cluster.setups[0].configuration);
    let commit = best_commit(&cluster);
    let branches = branches(&cluster, commit.point(&c));
    // n0's own replica runs, but nobody hears it.
    cluster.filter = Box::new(|from, _, message| {
        from != 0 && (from != 3 || !matches!(message, Message::Report(_)))
    });
    let asked: Rc<RefCell<Asked>> = Rc::default();
    let counted = Rc::clone(&asked);
    let mut reported = false;
    cluster.hook = Box::new(move |from, to, message| match message {
        Message::Report(seen) if seen.body.term == Term(1) && to == 1 && !reported => {
            reported = true;
            let lie = |branch: &Vec<Arc<Entry>>| Report {
                epoch: c.epoch(),
                term: Term(1),
                pair: PairReport {
                    term: Term::ZERO,
                    point: branch[branch.len() - 1].point(),
                    headers: branch.iter().map(|entry| entry.signed.clone()).collect(),
                    justification: Justification::Opening,
                },
                accept: None,
                commit: Some(commit.clone()),
                leave: seen.body.leave.clone(),
            };
            let lies = branches.iter().map(lie);
            lies.map(|lie| (2, 1, sign(&c, 0, lie).into())).collect()
        }
        // Whoever n1 asks, n0 answers: it sees every question.
        Message::Fetch(fetch) if from == 1 => {
            let mut all = branches.iter().flatten();
            let Some(target) = fetch.body.target else {
                return Vec::new();
            };
            if all.clone().any(|entry| entry.point() == target) {
                counted.borrow_mut().targets.insert(target);
            }
            let last = |entry: &&Arc<Entry>| entry.point() == target;
            let Some(last) = all.find(last) else {
                return Vec::new();
            };
            counted.borrow_mut().bytes += last.body_bytes();
            let reply = FetchReply {
                epoch: c.epoch(),
                from: fetch.body.from,
                target: fetch.body.target,
                entries: vec![Arc::clone(last)],
                commit: None,
            };
            vec![(2, 1, sign(&c, 0, reply).into())]
        }
        _ => Vec::new(),
    });
    cluster.submit(1, 7);
    while cluster.status(1).term < Term(1) {
        cluster.run_for(10);
    }
    for _ in 0..100 {
        if cluster.status(1).leader.is_some() || cluster.status(1).term > Term(1) {
            break;
        }
        cluster.run_for(10);
    }
    drop(cluster);
    Rc::into_inner(asked)
        .expect("the hook is gone")
        .into_inner()
}

/// Sound by its headers, and four times what a correct node could have accepted.
#[test]
fn a_base_larger_than_any_correct_node_accepted_is_not_fetched() {
    harms_only_under(Mutation::BaseWithoutLimit, || {
        let asked = reported(|cluster, last| {
            let c = &cluster.setups[0].configuration;
            let mut at = last;
            let branch = (0..64).map(|nonce| {
                let body = (0..9).map(|place| {
                    let mut payload = plot::payload(1, 100 + 10 * nonce + place);
                    payload.resize(62 * 1024, 0);
                    Arc::from(payload)
                });
                let next = entry_of(c, Term::ZERO, at, cluster.now.wall, body.collect());
                at = next.point();
                next
            });
            vec![branch.collect()]
        });
        println!("{} bytes", asked.bytes);
        assert!(asked.bytes > limits::BASE_BYTES, "it was looked at");
        asked.bytes > limits::BASE_BYTES + 3 * limits::MESSAGE_BYTES
    });
}

#[test]
fn a_reporter_that_changes_its_report_gets_no_more_room() {
    harms_only_under(Mutation::NewestReportStands, || {
        let asked = reported(|cluster, last| {
            let c = &cluster.setups[0].configuration;
            let now = cluster.now.wall;
            (0..20)
                .map(|number| vec![entry(c, Term::ZERO, last, now, number + 100)])
                .collect()
        });
        println!("{} targets", asked.targets.len());
        assert!(!asked.targets.is_empty(), "it was looked at");
        asked.targets.len() > 1
    });
}
