//! Which reports count (P4.5): each sound report is taken, and void once a single thing in it is
//! bent. Signatures are not this function's business; what they cover is re-signed where it matters.

use super::{
    network::{BASE, Network},
    reports::{NEXT, W, committed, elected, rehang, verdict},
};
use consensus::{
    Hash, Point, Term,
    byzantine::void::Void,
    certificate::Counted,
    message::{Justification, PairReport, Report},
};

#[test]
fn sound_reports_count_and_show_their_path() {
    let network = Network::new(7);
    let headers = network.headers(W, BASE, 3);
    let points: Vec<Point> = headers.iter().map(|header| network.point(header)).collect();
    let path = verdict(&network, &elected(&network)).unwrap();
    assert_eq!(path.points, [&[BASE][..], &points].concat());
    assert_eq!(
        (path.term, path.base, path.certified),
        (Term(W), Some(BASE), None)
    );
    assert_eq!((path.head(), path.anchor()), (points[2], BASE));

    let path = verdict(&network, &committed(&network)).unwrap();
    assert_eq!(path.points, points);
    assert_eq!((path.base, path.certified), (None, Some(points[0])));
}

#[test]
fn term_zero_is_justified_by_what_opened_the_epoch() {
    let network = Network::new(4);
    let opening = network.configuration.opening();
    let mut report = elected(&network);
    report.pair = PairReport {
        term: Term::ZERO,
        point: opening,
        headers: Vec::new(),
        justification: Justification::Opening,
    };
    let path = verdict(&network, &report).unwrap();
    assert_eq!((path.points, path.base), (vec![opening], Some(opening)));
    // A certificate of term 0 justifies a pair there, and everybody knows what the term builds on.
    let headers = network.headers(0, opening, 2);
    let commit = network.certificate(Counted::Accepted, &headers[..1], 3);
    report.pair.point = network.point(&headers[1]);
    report.pair.headers = vec![network.signed_header(headers[1].clone())];
    report.pair.justification = Justification::Commit(commit);
    let path = verdict(&network, &report).unwrap();
    assert_eq!(
        (path.base, path.anchor()),
        (Some(opening), network.point(&headers[0]))
    );
    // It justifies a pair of no other term.
    report = elected(&network);
    report.pair.justification = Justification::Opening;
    assert_eq!(verdict(&network, &report), Err(Void::Unjustified));
}

#[test]
fn a_report_with_one_wrong_term_is_void() {
    type Bend = fn(&Network, &mut Report);
    let network = Network::new(4);
    let sound = elected(&network);
    let bends: [(&str, Bend); 10] = [
        ("a pair of the report's own term", |_, it| {
            it.pair.term = Term(NEXT)
        }),
        ("a pair of a later term", |_, it| {
            it.pair.term = Term(NEXT + 1)
        }),
        ("a leave certificate of an older term", |network, it| {
            it.leave = network.leave(NEXT - 2)
        }),
        (
            "a leave certificate of the report's own term",
            |network, it| it.leave = network.leave(NEXT),
        ),
        ("an accept certificate of an older term", |network, it| {
            let headers = network.headers(W - 1, BASE, 1);
            it.accept = Some(network.certificate(Counted::Accepted, &headers, 3));
        }),
        ("an accept certificate of a later term", |network, it| {
            let headers = network.headers(W + 1, BASE, 1);
            it.accept = Some(network.certificate(Counted::Accepted, &headers, 3));
        }),
        ("a commit certificate of a later term", |network, it| {
            let headers = network.headers(W + 1, BASE, 1);
            it.commit = Some(network.certificate(Counted::Accepted, &headers, 3));
        }),
        (
            "a commit certificate of the report's own term",
            |network, it| {
                let headers = network.headers(NEXT, BASE, 1);
                it.commit = Some(network.certificate(Counted::Accepted, &headers, 3));
            },
        ),
        ("a commit certificate of too few", |network, it| {
            let headers = network.headers(W, BASE, 1);
            it.commit = Some(network.certificate(Counted::Accepted, &headers, 2));
        }),
        (
            "a leave certificate of the last term of all",
            |network, it| it.leave = network.leave(u64::MAX),
        ),
    ];
    for (what, bend) in bends {
        let mut bent = sound.clone();
        bend(&network, &mut bent);
        assert_eq!(verdict(&network, &bent), Err(Void::Terms), "{what}");
    }
    // What may be older: the best commit certificate.
    let mut older = sound;
    let headers = network.headers(W - 1, Point::default(), 1);
    older.commit = Some(network.certificate(Counted::Accepted, &headers, 3));
    let path = verdict(&network, &older).unwrap();
    assert_eq!(
        path.certified, None,
        "it says nothing about the pair's term"
    );
}

#[test]
fn a_pair_that_nothing_entitles_to_is_void() {
    let network = Network::new(7);
    let quorum = u16::try_from(network.configuration.sizes().quorum()).unwrap();
    let headers = network.headers(W, BASE, 1);
    let of_term = |term| {
        let headers = network.headers(term, BASE, 1);
        Justification::Commit(network.certificate(Counted::Accepted, &headers, 7))
    };
    for (what, justification) in [
        ("the opening", Justification::Opening),
        (
            "an election of an older term",
            Justification::Election(network.election(W - 1, BASE, Hash::default())),
        ),
        (
            "an election of a later term",
            Justification::Election(network.election(W + 1, BASE, Hash::default())),
        ),
        ("a commit certificate of an older term", of_term(W - 1)),
        ("a commit certificate of a later term", of_term(W + 1)),
        // With seven nodes a quorum that accepted commits nothing.
        (
            "an accept certificate",
            Justification::Commit(network.certificate(Counted::Accepted, &headers, quorum)),
        ),
    ] {
        for mut bent in [elected(&network), committed(&network)] {
            bent.pair.justification = justification.clone();
            assert_eq!(verdict(&network, &bent), Err(Void::Unjustified), "{what}");
        }
    }
    let mut by_locks = committed(&network);
    by_locks.pair.justification =
        Justification::Commit(network.certificate(Counted::Locked, &headers, quorum));
    assert!(verdict(&network, &by_locks).is_ok());
    // Nor is it a commit certificate beside the pair.
    let mut bent = elected(&network);
    bent.commit = Some(network.certificate(Counted::Accepted, &headers, quorum));
    assert_eq!(verdict(&network, &bent), Err(Void::Terms));
}

#[test]
fn a_pair_hangs_from_base_or_from_a_certified_point_of_its_term() {
    let network = Network::new(4);
    let headers = network.headers(W, BASE, 3);
    // Without its first header it hangs from an entry of its term that nothing certifies.
    let mut hanging = elected(&network);
    hanging.pair.headers.remove(0);
    assert_eq!(verdict(&network, &hanging), Err(Void::Unlinked));
    for certified in [Counted::Accepted, Counted::Locked] {
        let mut accept = hanging.clone();
        accept.accept = Some(network.certificate(certified, &headers[..1], 3));
        assert!(verdict(&network, &accept).is_ok());
    }
    let mut commit = hanging.clone();
    commit.commit = Some(network.certificate(Counted::Accepted, &headers[..1], 3));
    assert!(verdict(&network, &commit).is_ok());
    // A certificate of an older term does not help, though it names the very entry.
    let mut older = hanging;
    let mut of_older = headers[0].clone();
    of_older.term = Term(W - 1);
    older.commit = Some(network.certificate(Counted::Accepted, &[of_older.clone()], 3));
    let next = older.pair.headers[0].header.clone();
    assert_ne!(next.previous, network.point(&of_older).hash);
    rehang(&network, &mut older, 0, |header| {
        header.previous = network.point(&of_older).hash
    });
    assert_eq!(verdict(&network, &older), Err(Void::Unlinked));
    // From another base than the elected one.
    let mut elsewhere = elected(&network);
    let other = Point {
        hash: Hash([8; 32]),
        ..BASE
    };
    elsewhere.pair.justification =
        Justification::Election(network.election(W, other, Hash::default()));
    assert_eq!(verdict(&network, &elsewhere), Err(Void::Unlinked));
    // A point alone, without headers, is the anchor itself.
    let mut alone = elected(&network);
    alone.pair.headers.clear();
    assert_eq!(verdict(&network, &alone), Err(Void::Unlinked));
    alone.pair.point = BASE;
    assert!(verdict(&network, &alone).is_ok());
}

/// The other half of the test above: what takes the report in is that rule's absence alone.
#[cfg(feature = "mutations")]
#[test]
fn a_report_that_nothing_justifies_counts_once_the_rule_is_gone() {
    use consensus::mutation::{Mutation, activate};
    let network = Network::new(7);
    let mut bent = committed(&network);
    bent.pair.justification = Justification::Opening;
    assert_eq!(verdict(&network, &bent), Err(Void::Unjustified));
    let _broken = activate(Some(Mutation::UnjustifiedReportCounts));
    assert!(verdict(&network, &bent).is_ok());
}
