//! What a certificate must be to prove anything (P2.7, P4.3, P4.7): each way of bending one is
//! refused with its own reason.

use std::sync::Arc;

use consensus::{
    ClientChecks, Configuration, Domain, Ed25519, EntryHeader, EntryKind, Epoch, Hash, Index, Mode,
    NodeId, Point, Signed, Term,
    certificate::{
        CertificateError, Counted, ElectionCertificate, LeaveCertificate, QuorumCertificate,
    },
    message::{Grant, Leave, Reason, Vote},
    signature::public_key,
};
use ed25519_dalek::SigningKey;

struct Network {
    configuration: Configuration,
    keys: Vec<SigningKey>,
}

impl Network {
    fn new(nodes: u8, network: u8, mode: Mode) -> Self {
        let keys: Vec<SigningKey> = (1..=nodes)
            .map(|number| SigningKey::from_bytes(&[number; 32]))
            .collect();
        let domain = Domain {
            network: Hash([network; 32]),
            mode,
        };
        let configuration = Configuration::genesis(
            domain,
            keys.iter().map(public_key).collect(),
            ClientChecks::All,
        )
        .unwrap();
        Self {
            configuration,
            keys,
        }
    }

    fn sign<T: consensus::signed::Body>(&self, node: u16, body: T) -> Signed<T> {
        let key = &self.keys[usize::from(node)];
        Signed::new(&self.configuration, NodeId(node), key, body)
    }

    /// Linked headers of term 2, from index 5.
    fn headers(&self, count: u64) -> Vec<EntryHeader> {
        let mut previous = Hash([7; 32]);
        (0..count)
            .map(|offset| {
                let header = EntryHeader {
                    kind: EntryKind::Transactions,
                    epoch: Epoch(0),
                    term: Term(2),
                    index: Index(5 + offset),
                    author: self.configuration.leader(Term(2)),
                    previous,
                    body_root: Hash([8; 32]),
                    count: 1,
                    timestamp: 9,
                };
                previous = header.hash(&self.configuration);
                header
            })
            .collect()
    }

    fn vote(&self, node: u16, term: u64, accepted: Point) -> Signed<Vote> {
        let vote = Vote {
            epoch: Epoch(0),
            term: Term(term),
            accepted: Some(accepted),
            locked: None,
            applied: None,
        };
        self.sign(node, vote)
    }

    /// A good certificate: three votes for the last of three headers.
    fn quorum(&self) -> QuorumCertificate {
        let headers = self.headers(3);
        let last = headers[2].point(&self.configuration);
        QuorumCertificate {
            counted: Counted::Accepted,
            header: headers[0].clone(),
            following: headers[1..].to_vec(),
            votes: (0..3).map(|node| self.vote(node, 2, last)).collect(),
        }
    }

    fn check(&self, certificate: &QuorumCertificate) -> Result<(), CertificateError> {
        certificate.check(&self.configuration, &Ed25519::default())
    }
}

fn four() -> Network {
    Network::new(4, 1, Mode::Byzantine)
}

#[test]
fn votes_further_along_the_chain_count_for_the_point() {
    let network = four();
    let certificate = network.quorum();
    assert_eq!(network.check(&certificate), Ok(()));
    assert!(certificate.commits(network.configuration.sizes()));
}

#[test]
fn a_signer_counts_once() {
    let network = four();
    let mut certificate = network.quorum();
    certificate.votes[2] = certificate.votes[1].clone();
    assert_eq!(network.check(&certificate), Err(CertificateError::Signers));
    certificate.votes[2].signer = NodeId(9);
    assert_eq!(network.check(&certificate), Err(CertificateError::Signers));
    certificate.votes.pop();
    assert_eq!(
        network.check(&certificate),
        Err(CertificateError::TooFew {
            found: 2,
            needed: 3
        })
    );
}

#[test]
fn a_vote_of_another_term_or_point_does_not_count() {
    let network = four();
    let mut certificate = network.quorum();
    let last = certificate.following[1].point(&network.configuration);
    certificate.votes[0] = network.vote(0, 1, last);
    assert_eq!(network.check(&certificate), Err(CertificateError::Mismatch));
    let before = Point {
        index: Index(4),
        hash: Hash([7; 32]),
    };
    certificate.votes[0] = network.vote(0, 2, before);
    assert_eq!(network.check(&certificate), Err(CertificateError::Mismatch));
    // Accepted votes are no locks.
    let mut certificate = network.quorum();
    certificate.counted = Counted::Locked;
    assert_eq!(network.check(&certificate), Err(CertificateError::Mismatch));
}

#[test]
fn headers_link_the_point_to_the_votes_and_are_of_its_term() {
    let network = four();
    let mut gap = network.quorum();
    gap.following.remove(0);
    assert_eq!(network.check(&gap), Err(CertificateError::Headers));
    // A real certificate cut down to a point of an older term proves nothing about that point.
    let mut older = network.quorum();
    older.header.term = Term(1);
    assert_eq!(network.check(&older), Err(CertificateError::Headers));
    let mut long = network.quorum();
    let headers = network.headers(66);
    long.header = headers[0].clone();
    long.following = headers[1..].to_vec();
    assert_eq!(network.check(&long), Err(CertificateError::Headers));
}

#[test]
fn a_certificate_of_another_network_or_mode_proves_nothing() {
    let ours = four();
    for other in [
        Network::new(4, 2, Mode::Byzantine),
        Network::new(4, 1, Mode::RaftSigned),
    ] {
        let certificate = other.quorum();
        assert_eq!(other.check(&certificate), Ok(()));
        assert!(ours.check(&certificate).is_err());
    }
    let mut moved = ours.quorum();
    moved.votes[0].signer = NodeId(3);
    assert_eq!(ours.check(&moved), Err(CertificateError::Signature));
}

#[test]
fn with_seven_nodes_a_quorum_of_accepted_votes_does_not_commit() {
    let network = Network::new(7, 1, Mode::Byzantine);
    let sizes = network.configuration.sizes();
    let mut certificate = network.quorum();
    let last = certificate.following[1].point(&network.configuration);
    certificate.votes = (0..5).map(|node| network.vote(node, 2, last)).collect();
    assert_eq!(network.check(&certificate), Ok(()));
    assert!(!certificate.commits(sizes));
    certificate.votes.push(network.vote(5, 2, last));
    assert!(certificate.commits(sizes));
}

#[test]
fn grants_are_counted_once_and_only_for_what_they_grant() {
    let network = four();
    let grant = Grant {
        epoch: Epoch(0),
        term: Term(3),
        base: Point::default(),
        reports: Hash([3; 32]),
    };
    let good = ElectionCertificate {
        grants: (0..3)
            .map(|node| (NodeId(node), network.sign(node, grant.clone()).signature))
            .collect(),
        grant,
    };
    let check = |certificate: &ElectionCertificate| {
        certificate.check(&network.configuration, &Ed25519::default())
    };
    assert_eq!(check(&good), Ok(()));
    let mut twice = good.clone();
    twice.grants[2] = twice.grants[1];
    assert_eq!(check(&twice), Err(CertificateError::Signers));
    let mut other_base = good.clone();
    other_base.grant.base.index = Index(1);
    assert_eq!(check(&other_base), Err(CertificateError::Signature));
    let mut later = good;
    later.grant.term = Term(7);
    assert_eq!(check(&later), Err(CertificateError::Signature));
}

#[test]
fn a_term_is_left_only_on_a_quorum_that_would_leave_it() {
    let network = four();
    let leave = |node: u16, term: u64| {
        let body = Leave {
            epoch: Epoch(0),
            term: Term(term),
            reason: Reason::Silent,
            followed: node == 2,
        };
        network.sign(node, body)
    };
    let check = |leaves: Vec<Signed<Leave>>| {
        LeaveCertificate {
            epoch: Epoch(0),
            term: Term(4),
            leaves,
        }
        .check(&network.configuration, &Ed25519::default())
    };
    let good = || vec![leave(0, 4), leave(1, 4), leave(2, 4)];
    assert_eq!(check(good()), Ok(()));
    assert_eq!(
        check(good()[..2].to_vec()),
        Err(CertificateError::TooFew {
            found: 2,
            needed: 3
        })
    );
    let mut of_other_terms = good();
    of_other_terms[0] = leave(0, 3);
    assert_eq!(check(of_other_terms), Err(CertificateError::Mismatch));
}

#[test]
fn f_plus_one_leaves_are_no_certificate() {
    let network = four();
    let leave = |node: u16| {
        let body = Leave {
            epoch: Epoch(0),
            term: Term(4),
            reason: Reason::Silent,
            followed: false,
        };
        network.sign(node, body)
    };
    let certificate = LeaveCertificate {
        epoch: Epoch(0),
        term: Term(4),
        leaves: vec![leave(0), leave(3)],
    };
    let check = || certificate.check(&network.configuration, &Ed25519::default());
    assert!(check().is_err());
    #[cfg(feature = "mutations")]
    {
        use consensus::mutation::{Mutation, activate};
        let _broken = activate(Some(Mutation::LeaveByFewLeaves));
        assert_eq!(check(), Ok(()), "nothing depends on the rule");
    }
}

#[test]
fn the_shared_configuration_is_what_decides() {
    // The same votes under a configuration with other keys prove nothing.
    let ours = four();
    let certificate = ours.quorum();
    let mut keys: Vec<_> = ours.configuration.keys().to_vec();
    keys.reverse();
    let swapped = Arc::new(
        Configuration::genesis(*ours.configuration.domain(), keys, ClientChecks::All).unwrap(),
    );
    assert_eq!(
        certificate.check(&swapped, &Ed25519::default()),
        Err(CertificateError::Signature)
    );
}
