//! What a traitor signs and says in scripted attacks: entries, votes and reports made with the keys
//! of a [`Cluster`]'s nodes.

use std::sync::Arc;

use consensus::{
    Configuration, Entry, EntryHeader, EntryKind, Message, NodeId, Point, Signed, SignedHeader,
    Signer, Term, certificate::QuorumCertificate, merkle, message::AppendEntries,
    mutation::Mutation, signed::Body,
};
use ed25519_dalek::SigningKey;

use crate::cluster::Cluster;

/// The key of a node of a [`Cluster`].
pub fn key(node: usize) -> SigningKey {
    SigningKey::from_bytes(&[u8::try_from(node).unwrap() + 1; 32])
}

/// A statement in a node's name.
pub fn sign<T: Body>(configuration: &Configuration, node: usize, body: T) -> Signed<T> {
    let signer = NodeId(u16::try_from(node).unwrap());
    Signed::new(configuration, signer, &key(node), body)
}

/// The payload of a request as the cluster's application reads it.
pub fn payload(account: u8, nonce: u64) -> Vec<u8> {
    let mut payload = nonce.to_le_bytes().to_vec();
    payload.push(account);
    payload
}

/// An entry after `previous`, by the leader of its term.
pub fn entry_of(
    configuration: &Configuration,
    term: Term,
    previous: Point,
    timestamp: u64,
    payloads: Vec<Arc<[u8]>>,
) -> Arc<Entry> {
    let author = configuration.leader(term);
    let header = EntryHeader {
        kind: EntryKind::Transactions,
        epoch: configuration.epoch(),
        term,
        index: previous.index.next(),
        author,
        previous: previous.hash,
        body_root: merkle::root(&payloads),
        count: u32::try_from(payloads.len()).unwrap(),
        timestamp,
    };
    let hash = header.hash(configuration);
    let digest = EntryHeader::signing_digest(configuration, header.epoch, &hash);
    let signature = key(author.position()).sign(&digest);
    Arc::new(Entry::new(
        configuration,
        SignedHeader { header, signature },
        payloads,
    ))
}

/// As [`entry_of`], with one request, as [`Cluster::submit`] makes them.
pub fn entry(
    configuration: &Configuration,
    term: Term,
    previous: Point,
    timestamp: u64,
    number: u64,
) -> Arc<Entry> {
    let payloads = vec![Arc::from(number.to_le_bytes())];
    entry_of(configuration, term, previous, timestamp, payloads)
}

/// So many entries after `previous`, each with one request; they count up from `first`.
pub fn chain_of(
    configuration: &Configuration,
    term: Term,
    previous: Point,
    timestamp: u64,
    first: u64,
    count: u64,
) -> Vec<Arc<Entry>> {
    let mut at = previous;
    (first..first + count)
        .map(|number| {
            let next = entry(configuration, term, at, timestamp, number);
            at = next.point();
            next
        })
        .collect()
}

/// What the leader of their term sends entries with.
pub fn append(
    configuration: &Configuration,
    term: Term,
    entries: Vec<Arc<Entry>>,
) -> Signed<AppendEntries> {
    let first = entries[0].header();
    let previous = Point {
        index: first.index.previous(),
        hash: first.previous,
    };
    let append = AppendEntries {
        epoch: configuration.epoch(),
        term,
        previous,
        entries,
        commit: None,
        election: None,
    };
    sign(configuration, configuration.leader(term).position(), append)
}

/// The furthest commit certificate that a heartbeat brought.
pub fn best_commit(cluster: &Cluster) -> QuorumCertificate {
    cluster
        .sent
        .iter()
        .filter_map(|(_, _, message)| match &**message {
            Message::Heartbeat(signed) => signed.body.commit.clone(),
            _ => None,
        })
        .max_by_key(|certificate| certificate.header.index)
        .unwrap()
}

/// Whether a node executed the request of this number.
pub fn served(cluster: &Cluster, node: usize, number: u64) -> bool {
    let chain = cluster.chain(node);
    let mut payloads = chain.iter().flat_map(|entry| entry.payloads.iter());
    payloads.any(|payload| **payload == number.to_le_bytes()[..])
}

/// Lets time pass until a node executed the request of this number, at most so many milliseconds,
/// and says whether it did.
pub fn serves_within(cluster: &mut Cluster, node: usize, number: u64, millis: u64) -> bool {
    for _ in 0..millis / 50 {
        if served(cluster, node, number) {
            return true;
        }
        cluster.run_for(50);
        cluster.sent.clear();
    }
    served(cluster, node, number)
}

/// Checks that an attack does harm if and only if the rule is broken.
pub fn harms_only_under(mutation: Mutation, attack: impl Fn() -> bool) {
    assert!(!attack(), "the rule holds");
    #[cfg(feature = "mutations")]
    {
        let _broken = consensus::mutation::activate(Some(mutation));
        assert!(attack(), "nothing depends on the rule");
    }
    #[cfg(not(feature = "mutations"))]
    let _ = mutation;
}
