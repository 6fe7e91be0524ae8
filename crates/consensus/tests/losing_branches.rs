//! A node that voted for a losing branch (P3.3) keeps counting, and keeps what it voted for.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::{cell::RefCell, rc::Rc, sync::Arc};

use cluster::Cluster;
use consensus::{
    Entry, Message, Point, Term,
    message::{Fetch, Vote},
    mutation::Mutation,
};
use plot::{append, best_commit, chain_of, harms_only_under, serves_within, sign};

/// n = 4: n0 equivocates in term 0. It shows n1 a branch of 5 entries, and n2 and n3 one of 7, of
/// which it votes for the first: committed. n1 learns that certificate and puts its branch aside; n0 is
/// silent for ever. Answers with the losing branch.
fn put_aside() -> (Cluster, Vec<Arc<Entry>>) {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    let c = Arc::clone(&cluster.setups[0].configuration);
    let last = best_commit(&cluster).point(&c);
    cluster.stop(0);
    let now = cluster.now.wall;
    let losing = chain_of(&c, Term::ZERO, last, now, 100, 5);
    // n2 and n3 accept more than n0 votes for: they need not ask for n1's branch.
    let winning = chain_of(&c, Term::ZERO, last, now, 200, 7);
    let committed = winning[0].point();
    let vote = Vote {
        epoch: c.epoch(),
        term: Term::ZERO,
        accepted: Some(committed),
        locked: None,
        applied: None,
    };
    // The election is delayed until n1 knows.
    cluster.filter = Box::new(|_, _, message| !matches!(message, Message::RequestVote(_)));
    cluster.say(0, 1, append(&c, Term::ZERO, losing.clone()));
    for to in 2..4 {
        cluster.say(0, to, append(&c, Term::ZERO, winning.clone()));
        cluster.say(0, to, sign(&c, 0, vote.clone()));
    }
    for _ in 0..3_000 {
        cluster.run_for(1);
        if cluster.status(1).commit.index >= committed.index {
            break;
        }
    }
    assert_eq!(cluster.status(1).commit, committed);
    (cluster, losing)
}

/// Whether the three correct nodes serve a request, all of whose reports are needed.
fn recovers(mut cluster: Cluster) -> bool {
    cluster.filter = Box::new(|_, _, _| true);
    cluster.submit(2, 7);
    let served = serves_within(&mut cluster, 2, 7, 60_000);
    println!("{:?}", cluster.status(2));
    served
}

#[test]
fn a_node_with_a_losing_branch_counts() {
    assert!(recovers(put_aside().0));
}

#[test]
fn a_node_with_a_losing_branch_counts_after_a_restart() {
    let (mut cluster, _) = put_aside();
    cluster.restart(1);
    assert!(recovers(cluster));
}

/// Without a restart: the leader of the term floods the victim with entries beside the chain, more
/// than it keeps of those.
#[test]
fn a_node_with_a_losing_branch_counts_after_a_flood() {
    let (mut cluster, _) = put_aside();
    let c = Arc::clone(&cluster.setups[0].configuration);
    let now = cluster.now.wall;
    let commit = cluster.status(1).commit;
    for branch in 0..20 {
        let flood = chain_of(&c, Term::ZERO, commit, now, 10_000 + 100 * branch, 60);
        cluster.say(0, 1, append(&c, Term::ZERO, flood));
    }
    cluster.settle();
    assert!(recovers(cluster));
}

/// Whether n1, asked for its losing branch after a restart, has nothing to show.
fn hidden() -> bool {
    let (mut cluster, losing) = put_aside();
    cluster.restart(1);
    let c = Arc::clone(&cluster.setups[0].configuration);
    let shown: Rc<RefCell<Vec<Point>>> = Rc::default();
    let seen = Rc::clone(&shown);
    cluster.filter = Box::new(move |from, to, message| {
        if let Message::FetchReply(reply) = message
            && (from, to) == (1, 0)
        {
            let points = reply.body.entries.iter().map(|entry| entry.point());
            seen.borrow_mut().extend(points);
        }
        true
    });
    // n0 listens again.
    cluster.start(0);
    let head = losing[4].point();
    let fetch = Fetch {
        epoch: c.epoch(),
        from: losing[0].previous(),
        target: Some(head),
    };
    cluster.say(0, 1, sign(&c, 0, fetch));
    cluster.settle();
    let shown = shown.borrow();
    !losing.iter().all(|entry| shown.contains(&entry.point()))
}

#[test]
fn a_losing_branch_is_shown_to_whoever_asks_after_a_restart() {
    harms_only_under(Mutation::LosingBranchHidden, hidden);
}
