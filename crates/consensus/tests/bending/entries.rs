//! What an entry must be on its own and after the one before it (P3.2): one thing bent at a time,
//! under its author's good signature.

use std::sync::Arc;

use super::network::{BASE, FORGED, Network};
use consensus::{
    ClientChecks, Entry, EntryHeader, EntryKind, Epoch, Hash, InvalidPayload, Mode, NodeId, Point,
    Signature, Term,
    encoding::Canonical,
    message::{Justification, PairReport, Report, TermRecord, hash_of_reports},
    verification::InvalidEntry,
};

const TERM: u64 = 2;

fn judge(network: &Network, mut entries: Vec<Arc<Entry>>) -> Result<(), InvalidEntry> {
    network.verification().entries(&mut entries)
}

/// A sound header of leader(TERM) for `payload`.
fn header(network: &Network) -> EntryHeader {
    network.header(EntryKind::Transactions, TERM, BASE, &[b"payload"])
}

#[test]
fn one_bent_field_of_a_header_makes_its_entry_invalid() {
    type Bend = fn(&mut EntryHeader);
    let network = Network::new(4);
    let bends: [(&str, Bend, InvalidEntry); 6] = [
        (
            "another author",
            |it| it.author = NodeId(0),
            InvalidEntry::Author,
        ),
        (
            "unknown author",
            |it| it.author = NodeId(6),
            InvalidEntry::Author,
        ),
        ("another term", |it| it.term = Term(3), InvalidEntry::Author),
        (
            "another epoch",
            |it| it.epoch = Epoch(1),
            InvalidEntry::Author,
        ),
        (
            "another root",
            |it| it.body_root = Hash([1; 32]),
            InvalidEntry::Body,
        ),
        ("another count", |it| it.count = 2, InvalidEntry::Body),
    ];
    let entry = |header| vec![network.entry(header, &[b"payload"])];
    assert_eq!(judge(&network, entry(header(&network))), Ok(()));
    for (what, bend, invalid) in bends {
        let mut bent = header(&network);
        bend(&mut bent);
        assert_eq!(judge(&network, entry(bent)), Err(invalid), "{what}");
    }
}

#[test]
fn a_body_is_the_one_that_its_header_names() {
    let network = Network::new(4);
    let bodies: [&[&[u8]]; 4] = [
        &[],
        &[b"another"],
        &[b"payload", b"payload"],
        &[b"payloa", b"d"],
    ];
    for body in bodies {
        let entry = network.entry(header(&network), body);
        assert_eq!(
            judge(&network, vec![entry]),
            Err(InvalidEntry::Body),
            "{body:?}"
        );
    }
}

#[test]
fn an_entry_carries_its_authors_signature_over_its_own_header() {
    let network = Network::new(4);
    let sound = network.entry(header(&network), &[b"payload"]);
    let mut other = header(&network);
    other.timestamp += 1;
    for signature in [Signature::NONE, network.signed_header(other).signature] {
        let mut bent = (*sound).clone();
        bent.signed.signature = signature;
        assert_eq!(
            judge(&network, vec![Arc::new(bent)]),
            Err(InvalidEntry::Signature)
        );
    }
}

#[test]
fn entries_of_one_message_follow_each_other() {
    type Bend = fn(&mut EntryHeader);
    let network = Network::new(4);
    let first = header(&network);
    let second = network.header(
        EntryKind::Transactions,
        TERM,
        network.point(&first),
        &[b"payload"],
    );
    let entries = |second| {
        vec![
            network.entry(first.clone(), &[b"payload"]),
            network.entry(second, &[b"payload"]),
        ]
    };
    assert_eq!(judge(&network, entries(second.clone())), Ok(()));
    let mut of_later_term = second.clone();
    (of_later_term.term, of_later_term.author) = (Term(3), NodeId(network.leader(3)));
    assert_eq!(judge(&network, entries(of_later_term)), Ok(()));
    let bends: [(&str, Bend); 5] = [
        ("another entry before it", |it| it.previous = BASE.hash),
        ("its index again", |it| it.index = it.index.previous()),
        ("an index left out", |it| it.index = it.index.next()),
        ("an older term", |it| {
            (it.term, it.author) = (Term(1), NodeId(1))
        }),
        ("an older timestamp", |it| it.timestamp -= 1),
    ];
    for (what, bend) in bends {
        let mut bent = second.clone();
        bend(&mut bent);
        assert_eq!(
            judge(&network, entries(bent)),
            Err(InvalidEntry::Unlinked),
            "{what}"
        );
    }
}

#[test]
fn payloads_are_checked_by_everybody_or_where_the_mode_allows_by_the_leader_alone() {
    let refused = || Err(InvalidEntry::Payload(InvalidPayload("forged".to_owned())));
    for (mode, checks, expected) in [
        (Mode::Byzantine, ClientChecks::All, refused()),
        (Mode::Byzantine, ClientChecks::Leader, refused()),
        (Mode::RaftSigned, ClientChecks::All, refused()),
        (Mode::RaftSigned, ClientChecks::Leader, Ok(())),
    ] {
        let network = Network::of(4, 1, mode, checks);
        let judged = |payloads: &[&[u8]]| {
            let header = network.header(EntryKind::Transactions, TERM, BASE, payloads);
            let mut entries = vec![network.entry(header, payloads)];
            let judged = network.verification().entries(&mut entries);
            judged.map(|()| entries[0].keys().len())
        };
        assert_eq!(judged(&[b"payload", FORGED]), expected.map(|()| 2));
        assert_eq!(judged(&[b"payload"]), Ok(1), "what it settles is noted");
    }
}

#[test]
fn a_request_that_is_not_valid_is_left_out_of_a_relay_alone() {
    let network = Network::new(4);
    let payloads: Vec<Arc<[u8]>> = vec![
        Arc::from(&b"one"[..]),
        Arc::from(FORGED),
        Arc::from(&b"other"[..]),
    ];
    let relayed = network.verification().relayed(&payloads);
    let relayed: Vec<&[u8]> = relayed.iter().map(|request| &**request.payload()).collect();
    assert_eq!(relayed, [&b"one"[..], b"other"]);
}

/// A term record of leader(TERM) after this point, with whatever payloads.
fn record_entry(
    network: &Network,
    term: u64,
    previous: Point,
    payloads: &[&[u8]],
) -> Vec<Arc<Entry>> {
    let header = network.header(EntryKind::TermRecord, term, previous, payloads);
    vec![network.entry(header, payloads)]
}

fn report(network: &Network, node: u16) -> consensus::Signed<Report> {
    let pair = PairReport {
        term: Term::ZERO,
        point: network.configuration.opening(),
        headers: Vec::new(),
        justification: Justification::Opening,
    };
    let report = Report {
        epoch: Epoch::ZERO,
        term: Term(TERM),
        pair,
        accept: None,
        commit: None,
        leave: network.leave(TERM - 1),
    };
    network.sign(node, report)
}

#[test]
fn a_term_record_proves_its_term_its_base_and_its_reports() {
    type Bend = fn(&Network, &mut TermRecord);
    let network = Network::new(4);
    let reports: Vec<_> = (0..3).map(|node| report(&network, node)).collect();
    let sound = TermRecord {
        election: Some(network.election(TERM, BASE, hash_of_reports(&reports))),
        reports,
    };
    let judged = |record: &TermRecord| {
        judge(
            &network,
            record_entry(&network, TERM, BASE, &[&record.to_bytes()]),
        )
    };
    assert_eq!(judged(&sound), Ok(()));
    let bends: [(&str, Bend); 8] = [
        ("no election", |_, it| it.election = None),
        ("no election and no reports", |_, it| {
            *it = TermRecord::default()
        }),
        ("no grants", |_, it| {
            it.election.as_mut().unwrap().grants.clear()
        }),
        ("a grant less", |_, it| {
            it.election.as_mut().unwrap().grants.truncate(2);
        }),
        ("an election of another term", |network, it| {
            it.election = Some(network.election(TERM + 1, BASE, hash_of_reports(&it.reports)));
        }),
        ("another base", |network, it| {
            let base = network.configuration.opening();
            it.election = Some(network.election(TERM, base, hash_of_reports(&it.reports)));
        }),
        ("a report less", |_, it| drop(it.reports.pop())),
        ("reports in another order", |_, it| it.reports.reverse()),
    ];
    for (what, bend) in bends {
        let mut bent = sound.clone();
        bend(&network, &mut bent);
        assert_eq!(judged(&bent), Err(InvalidEntry::TermRecord), "{what}");
    }
    let bytes = sound.to_bytes();
    for payloads in [&[][..], &[&bytes[..], &bytes], &[&bytes[1..]], &[b""]] {
        let entry = record_entry(&network, TERM, BASE, payloads);
        assert_eq!(
            judge(&network, entry),
            Err(InvalidEntry::TermRecord),
            "{} payloads",
            payloads.len()
        );
    }
}

#[test]
fn the_record_of_term_zero_holds_nothing() {
    let network = Network::new(4);
    let opening = network.configuration.opening();
    let judged = |record: &TermRecord| {
        judge(
            &network,
            record_entry(&network, 0, opening, &[&record.to_bytes()]),
        )
    };
    assert_eq!(judged(&TermRecord::default()), Ok(()));
    let with_reports = TermRecord {
        election: None,
        reports: vec![report(&network, 0)],
    };
    assert_eq!(judged(&with_reports), Err(InvalidEntry::TermRecord));
}

#[test]
fn in_the_raft_modes_any_validator_may_be_the_author_and_a_term_record_is_empty() {
    for mode in [Mode::Raft, Mode::RaftSigned] {
        let network = Network::of(4, 1, mode, ClientChecks::All);
        let by = |author, signed: bool| {
            let mut header = header(&network);
            header.author = NodeId(author);
            let mut entry = (*network.entry(header, &[b"payload"])).clone();
            if !signed {
                entry.signed.signature = Signature::NONE;
            }
            judge(&network, vec![Arc::new(entry)])
        };
        let signs = mode == Mode::RaftSigned;
        for author in 0..4 {
            assert_eq!(by(author, signs), Ok(()));
        }
        assert_eq!(
            by(0, !signs),
            Err(InvalidEntry::Signature),
            "one entry has one encoding"
        );
        assert_eq!(by(4, signs), Err(InvalidEntry::Author));

        let record = |payloads: &[&[u8]]| {
            let mut entry = (*record_entry(&network, TERM, BASE, payloads)[0]).clone();
            if !signs {
                entry.signed.signature = Signature::NONE;
            }
            judge(&network, vec![Arc::new(entry)])
        };
        assert_eq!(record(&[]), Ok(()));
        assert_eq!(record(&[b""]), Err(InvalidEntry::TermRecord));
    }
}
