//! One condition at a time (P2.7, P4.3, P4.7): a sound certificate in which a single thing is bent
//! proves nothing, and says what is wrong with it.

use super::network::{BASE, Network};
use consensus::{
    Ed25519, Epoch, Hash, Index, NodeId, Point, Term,
    certificate::{
        CertificateError, Counted, ElectionCertificate, LeaveCertificate, QuorumCertificate,
    },
    limits,
    message::Reason,
};

const TERM: u64 = 2;

fn too_few(found: usize, needed: usize) -> CertificateError {
    CertificateError::TooFew { found, needed }
}

fn check(network: &Network, certificate: &QuorumCertificate) -> Result<(), CertificateError> {
    certificate.check(&network.configuration, &Ed25519::default())
}

#[test]
fn a_quorum_certificate_is_bent_in_one_place() {
    type Bend = fn(&Network, &mut QuorumCertificate);
    use CertificateError::{Headers, Mismatch, Signature, Signers};
    let network = Network::new(4);
    let sound = network.certificate(Counted::Accepted, &network.headers(TERM, BASE, 4), 3);
    assert_eq!(check(&network, &sound), Ok(()));
    let bends: [(&str, Bend, CertificateError); 22] = [
        (
            "its own header is another",
            |_, it| it.header.timestamp += 1,
            Headers,
        ),
        (
            "its own header is of an older term",
            |_, it| it.header.term = Term(1),
            Headers,
        ),
        (
            "its own header is of another epoch",
            |_, it| it.header.epoch = Epoch(1),
            Headers,
        ),
        (
            "the next header hangs from another",
            |_, it| it.following[0].previous = Hash([9; 32]),
            Headers,
        ),
        (
            "a header in the middle hangs from another",
            |_, it| it.following[1].previous = Hash([9; 32]),
            Headers,
        ),
        (
            "the last header hangs from another",
            |_, it| it.following[2].previous = Hash([9; 32]),
            Headers,
        ),
        (
            "a header in the middle is another",
            |_, it| it.following[1].timestamp += 1,
            Headers,
        ),
        (
            "a header's index is left out",
            |_, it| it.following[2].index = Index(9),
            Headers,
        ),
        (
            "a header's index comes again",
            |_, it| it.following[2].index = it.following[1].index,
            Headers,
        ),
        (
            "the last header is of a later term",
            |_, it| it.following[2].term = Term(3),
            Headers,
        ),
        (
            "the last header is of an older term",
            |_, it| it.following[2].term = Term(1),
            Headers,
        ),
        (
            "the last header is of another epoch",
            |_, it| it.following[2].epoch = Epoch(1),
            Headers,
        ),
        (
            "a header is left out",
            |_, it| it.following = vec![it.following[0].clone(), it.following[2].clone()],
            Headers,
        ),
        // The last header is then not the one that was voted for.
        (
            "the last header is another",
            |_, it| it.following[2].timestamp += 1,
            Mismatch,
        ),
        (
            "the voted header is left out",
            |_, it| it.following.truncate(2),
            Mismatch,
        ),
        (
            "one vote is of a later term",
            |network, it| {
                it.votes[2] = network.vote(2, TERM + 1, it.votes[0].body.accepted);
            },
            Mismatch,
        ),
        (
            "one vote is of another epoch",
            |_, it| it.votes[2].body.epoch = Epoch(1),
            Mismatch,
        ),
        (
            "one vote is for nothing",
            |network, it| it.votes[2] = network.vote(2, TERM, None),
            Mismatch,
        ),
        (
            "one vote is for what lies below",
            |network, it| it.votes[2] = network.vote(2, TERM, Some(BASE)),
            Mismatch,
        ),
        (
            "one vote is for another entry at the same height",
            |network, it| {
                let voted = it.votes[0].body.accepted.unwrap();
                it.votes[2] = network.vote(
                    2,
                    TERM,
                    Some(Point {
                        hash: Hash([9; 32]),
                        ..voted
                    }),
                );
            },
            Mismatch,
        ),
        (
            "the last signature is another's",
            |_, it| it.votes[2].signature = it.votes[1].signature,
            Signature,
        ),
        (
            "a signer is unknown",
            |_, it| it.votes[2].signer = NodeId(4),
            Signers,
        ),
    ];
    for (what, bend, error) in bends {
        let mut bent = sound.clone();
        bend(&network, &mut bent);
        assert_eq!(check(&network, &bent), Err(error), "{what}");
    }
}

#[test]
fn a_certificate_of_another_epoch_proves_nothing() {
    let network = Network::new(4);
    let mut header = network.headers(TERM, BASE, 1).remove(0);
    header.epoch = Epoch(1);
    let mut certificate = network.certificate(Counted::Accepted, &[header], 3);
    for vote in &mut certificate.votes {
        vote.body.epoch = Epoch(1);
        *vote = network.sign(vote.signer.0, vote.body.clone());
    }
    assert_eq!(
        check(&network, &certificate),
        Err(CertificateError::Headers)
    );
}

#[test]
fn locks_are_counted_where_locks_are_meant() {
    let network = Network::new(7);
    let headers = network.headers(TERM, BASE, 2);
    let locked = network.certificate(Counted::Locked, &headers, 5);
    assert_eq!(check(&network, &locked), Ok(()));
    // Who locked it accepted it, as these votes say too.
    let mut as_accepted = locked;
    as_accepted.counted = Counted::Accepted;
    assert_eq!(check(&network, &as_accepted), Ok(()));
    let mut as_locked = network.certificate(Counted::Accepted, &headers, 5);
    as_locked.counted = Counted::Locked;
    assert_eq!(check(&network, &as_locked), Err(CertificateError::Mismatch));
}

#[test]
fn a_certificate_needs_a_quorum_and_commits_by_the_sizes_of_its_network() {
    // n, Q, F as in P1.2.
    for (nodes, quorum, fast) in [
        (4, 3, 3),
        (5, 4, 4),
        (6, 4, 4),
        (7, 5, 6),
        (9, 6, 7),
        (10, 7, 9),
    ] {
        let network = Network::new(nodes);
        let sizes = network.configuration.sizes();
        let headers = network.headers(TERM, BASE, 1);
        for votes in 1..=u16::from(nodes) {
            let count = usize::from(votes);
            for (counted, committing) in [(Counted::Accepted, fast), (Counted::Locked, quorum)] {
                let certificate = network.certificate(counted, &headers, votes);
                let expected = match count < quorum {
                    true => Err(too_few(count, quorum)),
                    false => Ok(()),
                };
                assert_eq!(
                    check(&network, &certificate),
                    expected,
                    "{votes} of {nodes}"
                );
                assert_eq!(
                    certificate.commits(sizes),
                    count >= committing,
                    "{votes} of {nodes} votes {counted:?}"
                );
            }
        }
    }
}

#[test]
fn a_certificate_reaches_as_far_as_the_window() {
    let network = Network::new(4);
    let window = usize::try_from(limits::WINDOW).unwrap();
    for (headers, expected) in [
        (window + 1, Ok(())),
        (window + 2, Err(CertificateError::Headers)),
    ] {
        let headers = network.headers(TERM, BASE, headers);
        let certificate = network.certificate(Counted::Accepted, &headers, 3);
        assert_eq!(check(&network, &certificate), expected);
    }
}

#[test]
fn an_election_certificate_is_bent_in_one_place() {
    type Bend = fn(&mut ElectionCertificate);
    use CertificateError::{Mismatch, Signature, Signers};
    let network = Network::new(4);
    let sound = network.election(TERM, BASE, Hash([3; 32]));
    let check = |it: &ElectionCertificate| it.check(&network.configuration, &Ed25519::default());
    assert_eq!(check(&sound), Ok(()));
    let bends: [(&str, Bend, CertificateError); 9] = [
        ("another term", |it| it.grant.term = Term(3), Signature),
        (
            "another base",
            |it| it.grant.base = Point::default(),
            Signature,
        ),
        (
            "other reports",
            |it| it.grant.reports = Hash([4; 32]),
            Signature,
        ),
        ("another epoch", |it| it.grant.epoch = Epoch(1), Mismatch),
        (
            "the last signature is another's",
            |it| it.grants[2].1 = it.grants[1].1,
            Signature,
        ),
        (
            "one grants twice",
            |it| it.grants[2] = it.grants[1],
            Signers,
        ),
        (
            "an unknown signer",
            |it| it.grants[2].0 = NodeId(4),
            Signers,
        ),
        ("one grant less", |it| it.grants.truncate(2), too_few(2, 3)),
        ("no grants", |it| it.grants.clear(), too_few(0, 3)),
    ];
    for (what, bend, error) in bends {
        let mut bent = sound.clone();
        bend(&mut bent);
        assert_eq!(check(&bent), Err(error), "{what}");
    }
}

#[test]
fn a_leave_certificate_is_bent_in_one_place() {
    type Bend = fn(&Network, &mut LeaveCertificate);
    use CertificateError::{Mismatch, Signature, Signers};
    let network = Network::new(4);
    let sound = network.leave(TERM);
    let check = |it: &LeaveCertificate| it.check(&network.configuration, &Ed25519::default());
    assert_eq!(check(&sound), Ok(()));
    let bends: [(&str, Bend, CertificateError); 11] = [
        ("another term", |_, it| it.term = Term(3), Mismatch),
        ("another epoch", |_, it| it.epoch = Epoch(1), Mismatch),
        (
            "one Leave of an older term",
            |network, it| it.leaves[2] = network.would_leave(2, 1),
            Mismatch,
        ),
        (
            "one Leave of another epoch",
            |_, it| it.leaves[2].body.epoch = Epoch(1),
            Mismatch,
        ),
        (
            "one Leave of a later term",
            |network, it| it.leaves[2] = network.would_leave(2, 3),
            Mismatch,
        ),
        (
            "the last signature is another's",
            |_, it| it.leaves[2].signature = it.leaves[1].signature,
            Signature,
        ),
        (
            "one signs twice",
            |_, it| it.leaves[2] = it.leaves[1].clone(),
            Signers,
        ),
        (
            "an unknown signer",
            |_, it| it.leaves[2].signer = NodeId(4),
            Signers,
        ),
        (
            "one Leave less",
            |_, it| it.leaves.truncate(2),
            too_few(2, 3),
        ),
        (
            "another reason",
            |_, it| it.leaves[2].body.reason = Reason::Crawling,
            Signature,
        ),
        (
            "one is said to have followed",
            |_, it| it.leaves[2].body.followed = true,
            Signature,
        ),
    ];
    for (what, bend, error) in bends {
        let mut bent = sound.clone();
        bend(&network, &mut bent);
        assert_eq!(check(&bent), Err(error), "{what}");
    }
}
