//! The headers of a report (P4.5): linked, of the pair's term and leader, of the right kinds, in time.

use consensus::{
    EntryKind, Hash, Index, NodeId, Point, Term,
    byzantine::void::Void,
    certificate::Counted,
    limits,
    message::{Justification, Report},
};

use super::{
    network::{BASE, Network},
    reports::{W, committed, elected, rehang, verdict},
};

#[test]
fn the_headers_lead_from_the_anchor_to_the_point() {
    type Bend = fn(&mut Report);
    let network = Network::new(4);
    let sound = elected(&network);
    let bends: [(&str, Bend); 8] = [
        ("the first hangs from elsewhere", |it| {
            it.pair.headers[0].header.previous = Hash([1; 32])
        }),
        ("one in the middle hangs from elsewhere", |it| {
            it.pair.headers[1].header.previous = Hash([1; 32])
        }),
        ("the last hangs from elsewhere", |it| {
            it.pair.headers[2].header.previous = Hash([1; 32])
        }),
        ("one is missing", |it| {
            it.pair.headers[1] = it.pair.headers[2].clone()
        }),
        ("the last is left out", |it| it.pair.headers.truncate(2)),
        ("the point is another's hash", |it| {
            it.pair.point.hash = Hash([1; 32])
        }),
        ("the point is at another height", |it| {
            it.pair.point.index = Index(9)
        }),
        ("the point is below", |it| it.pair.point = BASE),
    ];
    for (what, bend) in bends {
        let mut bent = sound.clone();
        bend(&mut bent);
        assert_eq!(verdict(&network, &bent), Err(Void::Unlinked), "{what}");
    }
    // Indexes that jump, though everything hangs together by its hashes.
    let mut jumping = sound;
    rehang(&network, &mut jumping, 2, |header| header.index = Index(20));
    assert_eq!(verdict(&network, &jumping), Err(Void::Unlinked));
}

#[test]
fn every_header_is_of_the_pairs_term_and_its_leader() {
    type Bend = fn(&Network, &mut consensus::EntryHeader);
    let network = Network::new(4);
    let nodes = 4;
    let bends: [(&str, Bend); 4] = [
        ("an older term", |_, it| it.term = Term(W - 1)),
        // leader(w + n) is leader(w).
        ("a term of the same leader", |_, it| it.term = Term(W + 4)),
        ("a later term with its own leader", |network, it| {
            it.term = Term(W + 1);
            it.author = NodeId(network.leader(W + 1));
        }),
        ("another author", |network, it| {
            it.author = NodeId(network.leader(W + 1))
        }),
    ];
    assert_eq!(network.leader(W), network.leader(W + nodes));
    for (what, bend) in bends {
        for position in 0..3 {
            let mut bent = elected(&network);
            rehang(&network, &mut bent, position, |header| {
                bend(&network, header)
            });
            assert_eq!(
                verdict(&network, &bent),
                Err(Void::Author),
                "{what}, header {position}"
            );
        }
    }
}

#[test]
fn a_term_record_stands_after_base_and_nowhere_else() {
    let network = Network::new(4);
    for position in 0..3 {
        let mut bent = elected(&network);
        rehang(&network, &mut bent, position, |header| {
            header.kind = match header.kind {
                EntryKind::TermRecord => EntryKind::Transactions,
                EntryKind::Transactions => EntryKind::TermRecord,
            };
        });
        assert_eq!(
            verdict(&network, &bent),
            Err(Void::Header),
            "header {position}"
        );
    }
    // After a certified point of the term no record may follow either.
    let mut second = committed(&network);
    rehang(&network, &mut second, 0, |header| {
        header.kind = EntryKind::TermRecord
    });
    assert_eq!(verdict(&network, &second), Err(Void::Header));
}

#[test]
fn timestamps_do_not_go_back() {
    let network = Network::new(4);
    for position in 1..3 {
        let mut bent = elected(&network);
        rehang(&network, &mut bent, position, |header| {
            header.timestamp -= 1
        });
        let expected = Err(Void::Header);
        assert_eq!(verdict(&network, &bent), expected, "header {position}");
    }
    let mut later = elected(&network);
    rehang(&network, &mut later, 2, |header| header.timestamp += 1);
    assert!(verdict(&network, &later).is_ok());
}

#[test]
fn a_path_is_no_longer_than_the_window() {
    let network = Network::new(4);
    let window = usize::try_from(limits::WINDOW).unwrap();
    for (count, expected) in [(window, None), (window + 1, Some(Void::Unlinked))] {
        let headers = network.headers(W, BASE, count);
        let mut report = elected(&network);
        report.pair.point = network.point(&headers[count - 1]);
        report.pair.headers = headers
            .into_iter()
            .map(|header| network.signed_header(header))
            .collect();
        assert_eq!(
            verdict(&network, &report).err(),
            expected,
            "{count} headers"
        );
    }
}

#[test]
fn the_furthest_certificate_of_the_pairs_term_is_what_is_certified() {
    let network = Network::new(4);
    let headers = network.headers(W, BASE, 3);
    let points: Vec<Point> = headers.iter().map(|header| network.point(header)).collect();
    let at = |position: usize| {
        Some(network.certificate(Counted::Accepted, &headers[position..=position], 3))
    };
    for (accept, commit, justified, expected) in [
        (at(0), None, None, 0),
        (None, at(1), None, 1),
        (at(0), at(2), None, 2),
        (at(2), at(0), None, 2),
        (at(1), at(0), at(2), 2),
        (at(0), at(1), at(0), 1),
    ] {
        let mut report = elected(&network);
        (report.accept, report.commit) = (accept, commit);
        if let Some(certificate) = justified {
            report.pair.justification = Justification::Commit(certificate);
            report.pair.headers.clear();
            report.pair.point = points[2];
            // It hangs from the certified point itself.
            if report.accept.as_ref().map(|it| it.header.index) == Some(headers[0].index) {
                report.pair.headers = headers[1..]
                    .iter()
                    .cloned()
                    .map(|header| network.signed_header(header))
                    .collect();
            }
        }
        let path = verdict(&network, &report).unwrap();
        assert_eq!(path.certified, Some(points[expected]));
    }
}
