//! What a node promised and keeps, whatever its leader does and across a restart: the window (P3.2), its
//! grant as a candidate (P4.7), and the branch that it voted for and that lost (P3.3).

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::Arc};

use cluster::Cluster;
use consensus::{
    Message, Term, limits,
    message::{Grant, Justification, Report},
};
use plot::{append, best_commit, chain_of, entry};

/// A leader that goes on without commits fills nobody's memory, and no report gets longer than it may.
#[test]
fn a_follower_accepts_no_further_than_the_window_beyond_what_is_committed() {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    let configuration = Arc::clone(&cluster.setups[0].configuration);
    let commit = best_commit(&cluster).point(&configuration);
    assert_eq!(cluster.status(3).head, commit);
    cluster.stop(0);
    cluster.filter = Box::new(|from, to, _| from == 0 && to == 3);
    let count = limits::WINDOW + 20;
    let chain = chain_of(&configuration, Term::ZERO, commit, 1_000_000, 1, count);
    for part in chain.chunks(limits::MESSAGE_ENTRIES) {
        let said = append(&configuration, Term::ZERO, part.to_vec());
        cluster.say(0, 3, said);
        cluster.settle();
    }
    assert_eq!(cluster.refused, []);
    let status = cluster.status(3);
    assert_eq!(status.commit, commit);
    assert_eq!(status.head.index.beyond(commit.index), limits::WINDOW);
}

/// n1 asked for votes and crashed. Whatever reports it then has, it asks for nothing else in that term:
/// what it granted itself may be part of a certificate.
#[test]
fn a_candidate_that_starts_again_asks_for_no_other_base() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    let asked: Rc<RefCell<BTreeSet<(Term, String)>>> = Rc::default();
    let seen = Rc::clone(&asked);
    let note = move |message: &Message| {
        if let Message::RequestVote(request) = message
            && request.signer.0 == 1
        {
            let Grant { term, reports, .. } = request.body.grant();
            seen.borrow_mut().insert((term, reports.to_string()));
        }
    };
    // First n0 is away, and nobody is heard who grants.
    let grants = |message: &Message| matches!(message, Message::VoteGranted(_));
    let first = note.clone();
    cluster.filter = Box::new(move |from, to, message| {
        first(message);
        from != 0 && to != 0 && !grants(message)
    });
    while asked.borrow().is_empty() {
        cluster.run_for(10);
    }
    assert_eq!(cluster.status(1).term, Term(1));
    cluster.stop(1);
    // Then n3 is away, and n0 reports in its place.
    cluster.filter = Box::new(move |from, to, message| {
        note(message);
        from != 3 && to != 3 && !grants(message)
    });
    let of_n2 = cluster
        .sent
        .iter()
        .find_map(|(from, _, message)| match &**message {
            Message::Report(report) if *from == 2 => Some(report.clone()),
            _ => None,
        });
    cluster.start(1);
    cluster.run_for(100);
    cluster.say(2, 1, of_n2.expect("n2 reported"));
    cluster.run_for(100);
    let of_n0 = |(from, to, message): &(usize, usize, Arc<Message>)| {
        (*from, *to) == (0, 1) && matches!(**message, Message::Report(_))
    };
    assert!(cluster.sent.iter().any(of_n0));
    assert_eq!(cluster.status(1).term, Term(1));
    assert_eq!(cluster.status(0).term, Term(1));
    assert_eq!(asked.borrow().len(), 1, "{:?}", asked.borrow());
}

/// n0 shows n3 another entry than everybody else. n3 voted for it, sees it lose, and starts again.
#[test]
fn a_losing_branch_is_reported_after_a_restart_too() {
    for restarts in [false, true] {
        let mut cluster = Cluster::hostile(4);
        cluster.run_for(100);
        let configuration = Arc::clone(&cluster.setups[0].configuration);
        let commit = best_commit(&cluster).point(&configuration);
        let losing = entry(&configuration, Term::ZERO, commit, 1_000_000, 7);
        let said = append(&configuration, Term::ZERO, vec![Arc::clone(&losing)]);
        cluster.say(0, 3, said);
        cluster.settle();
        assert_eq!(cluster.status(3).head, losing.point());
        // The others commit another one. Nobody is suspected yet.
        cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Suspect(_)));
        cluster.submit(0, 1);
        cluster.run_for(200);
        assert_eq!(cluster.status(3).commit, cluster.status(1).commit);
        assert!(cluster.status(3).commit.index >= losing.index());
        assert_eq!(cluster.status(3).term, Term::ZERO);
        if restarts {
            cluster.restart(3);
        }
        cluster.filter = Box::new(|_, _, _| true);
        let reports: Rc<RefCell<Vec<Report>>> = Rc::default();
        let seen = Rc::clone(&reports);
        cluster.hook = Box::new(move |_, _, message| {
            if let Message::Report(report) = message
                && report.signer.0 == 3
                && report.body.term == Term(1)
            {
                seen.borrow_mut().push(report.body.clone());
            }
            Vec::new()
        });
        cluster.stop(0);
        cluster.submit(1, 2);
        cluster.run_for(3_000);
        let reports = reports.borrow();
        let pair = &reports.first().expect("n3 reports").pair;
        assert_eq!((pair.term, pair.point), (Term::ZERO, losing.point()));
        assert_eq!(pair.headers.last(), Some(&losing.signed));
        assert!(!matches!(pair.justification, Justification::Election(_)));
        cluster.assert_applied(&[1, 2, 3], 2);
        // It is nobody's offence to have been lied to.
        let accused = cluster.status(1).evidence;
        assert!(accused <= 1, "{accused} pieces of evidence");
    }
}
