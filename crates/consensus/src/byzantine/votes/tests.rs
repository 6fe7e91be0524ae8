//! What votes add up to (P2.7, P3.1): never more than a receiver takes.

use std::sync::Arc;

use ed25519_dalek::SigningKey;

use super::*;
use crate::{
    ClientChecks, Configuration, Domain, Ed25519, Entry, EntryHeader, EntryKind, Hash, Mode,
    Signature, SignedHeader, merkle, signature::public_key, types::Epoch,
};

const TERM: Term = Term(2);

/// A network, and a chain of one term after its opening.
struct Bench {
    configuration: Configuration,
    keys: Vec<SigningKey>,
    log: Log,
    votes: Votes,
}

impl Bench {
    fn new(nodes: u8, entries: u64) -> Self {
        let keys: Vec<_> = (1..=nodes)
            .map(|node| SigningKey::from_bytes(&[node; 32]))
            .collect();
        let domain = Domain {
            network: Hash([9; 32]),
            mode: Mode::Byzantine,
        };
        let validators = keys.iter().map(public_key).collect();
        let configuration = Configuration::genesis(domain, validators, ClientChecks::All).unwrap();
        let mut log = Log::new(configuration.opening(), Term::ZERO);
        for _ in 0..entries {
            let last = log.last();
            log.append(Arc::new(entry(&configuration, TERM, last)));
        }
        Self {
            configuration,
            keys,
            log,
            votes: Votes::default(),
        }
    }

    /// A node's vote for what the chain holds at these indexes.
    fn vote(&mut self, node: u16, accepted: u64, locked: Option<u64>) {
        let at = |index| self.log.point_at(Index(index)).expect("on the chain");
        self.vote_for(node, TERM, at(accepted), locked.map(at));
    }

    fn vote_for(&mut self, node: u16, term: Term, accepted: Point, locked: Option<Point>) {
        let vote = Vote {
            epoch: Epoch::ZERO,
            term,
            accepted: Some(accepted),
            locked,
            applied: None,
        };
        let key = &self.keys[usize::from(node)];
        self.votes
            .insert(Signed::new(&self.configuration, NodeId(node), key, vote));
    }

    /// The index that so many votes certify beyond another, by a certificate that holds.
    fn certified(&self, counted: Counted, needed: usize, above: u64) -> Option<u64> {
        let certificate = self
            .votes
            .certificate(&self.log, TERM, counted, needed, Index(above))?;
        let holds = certificate.check(&self.configuration, &Ed25519::default());
        assert_eq!(holds, Ok(()), "{} headers", certificate.following.len());
        assert_eq!(certificate.votes.len(), needed);
        Some(certificate.header.index.0)
    }
}

fn entry(configuration: &Configuration, term: Term, previous: Point) -> Entry {
    let header = EntryHeader {
        kind: EntryKind::Transactions,
        epoch: Epoch::ZERO,
        term,
        index: previous.index.next(),
        author: configuration.leader(term),
        previous: previous.hash,
        body_root: merkle::root::<Vec<u8>>(&[]),
        count: 0,
        timestamp: 0,
    };
    let signature = Signature::NONE;
    Entry::new(
        configuration,
        SignedHeader { header, signature },
        Vec::new(),
    )
}

/// However far the votes lie apart, and however many they are, a certificate that is made holds.
#[test]
fn a_certificate_is_never_wider_than_the_window() {
    let width = limits::WINDOW;
    let last = 3 * width;
    for spread in [0, 1, width - 1, width, width + 1, 2 * width] {
        let mut bench = Bench::new(4, last);
        bench.vote(0, last, None);
        bench.vote(1, last, None);
        bench.vote(2, last - spread, None);
        let expected = (spread <= width).then_some(last - spread);
        assert_eq!(
            bench.certified(Counted::Accepted, 3, 0),
            expected,
            "{spread}"
        );
        // A fourth near the third makes another three; the furthest is passed over.
        bench.vote(3, last - spread, None);
        assert_eq!(
            bench.certified(Counted::Accepted, 3, 0),
            expected,
            "{spread}"
        );
        bench.vote(1, last, None);
        let mut near = Bench::new(4, last);
        near.vote(0, last, None);
        for node in 1..4 {
            near.vote(node, last - spread, None);
        }
        assert_eq!(
            near.certified(Counted::Accepted, 3, 0),
            Some(last - spread),
            "three agree, whatever the fourth says, {spread} ahead"
        );
    }
}

#[test]
fn the_furthest_point_that_enough_votes_cover_is_certified() {
    let mut bench = Bench::new(7, 20);
    for (node, accepted, locked) in [
        (0, 20, Some(9)),
        (1, 17, Some(9)),
        (2, 15, Some(7)),
        (3, 12, Some(4)),
        (4, 11, None),
        (5, 3, Some(2)),
    ] {
        bench.vote(node, accepted, locked);
    }
    let certified = |counted, needed, above| bench.certified(counted, needed, above);
    assert_eq!(certified(Counted::Accepted, 5, 0), Some(11));
    assert_eq!(certified(Counted::Accepted, 6, 0), Some(3));
    assert_eq!(
        bench
            .votes
            .certificate(&bench.log, TERM, Counted::Accepted, 7, Index(0)),
        None
    );
    assert_eq!(certified(Counted::Locked, 5, 0), Some(2));
    assert_eq!(certified(Counted::Accepted, 5, 10), Some(11));
    assert_eq!(certified(Counted::Accepted, 5, 11), None, "nothing beyond");
}

#[test]
fn votes_of_another_term_or_branch_do_not_count() {
    let bench = || {
        let mut bench = Bench::new(4, 5);
        bench.vote(0, 5, None);
        bench.vote(1, 5, None);
        bench
    };
    let mut sound = bench();
    sound.vote(2, 5, None);
    assert_eq!(sound.certified(Counted::Accepted, 3, 0), Some(5));
    let head = sound.log.last();
    for term in [Term(1), Term(3)] {
        let mut other = bench();
        other.vote_for(2, term, head, None);
        assert_eq!(other.certified(Counted::Accepted, 3, 0), None);
    }
    let mut beside = bench();
    let hash = Hash([1; 32]);
    beside.vote_for(2, TERM, Point { hash, ..head }, None);
    assert_eq!(beside.certified(Counted::Accepted, 3, 0), None);
}

/// Every vote of a term covers everything below its base; that is no word about it (P2.7).
#[test]
fn a_point_of_an_older_term_is_not_certified() {
    let mut bench = Bench::new(4, 5);
    let last = bench.log.last();
    let next = Arc::new(entry(&bench.configuration, TERM.next(), last));
    bench.log.append(Arc::clone(&next));
    for node in 0..2 {
        bench.vote_for(node, TERM.next(), next.point(), None);
    }
    bench.vote_for(2, TERM.next(), last, None);
    let certificate = |bench: &Bench| {
        let found =
            bench
                .votes
                .certificate(&bench.log, TERM.next(), Counted::Accepted, 3, Index(0));
        found.map(|certificate| certificate.header.index)
    };
    assert_eq!(certificate(&bench), None);
    bench.vote_for(2, TERM.next(), next.point(), None);
    assert_eq!(certificate(&bench), Some(next.index()));
}

#[test]
fn a_vote_that_says_less_than_the_one_before_replaces_nothing() {
    let mut bench = Bench::new(4, 9);
    for node in 0..3 {
        bench.vote(node, 9, None);
    }
    bench.vote(2, 4, None);
    assert_eq!(bench.certified(Counted::Accepted, 3, 0), Some(9));
    // Votes of other terms are kept beside it, but no more than a few.
    let head = bench.log.last();
    for term in 3..=TERM.0 + limits::VOTE_TERMS as u64 {
        assert_eq!(bench.certified(Counted::Accepted, 3, 0), Some(9));
        assert!(!bench.votes.voted(NodeId(2), Term(term)));
        bench.vote_for(2, Term(term), head, None);
        assert!(bench.votes.voted(NodeId(2), Term(term)));
    }
    assert_eq!(
        bench.certified(Counted::Accepted, 3, 0),
        None,
        "the oldest is forgotten"
    );
}
