//! One network with all its keys, and whatever its validators can sign: for tests that bend one
//! thing in a statement that is sound otherwise.

use std::sync::Arc;

use consensus::{
    ClientChecks, Configuration, Domain, Ed25519, Entry, EntryHeader, EntryKind, Epoch, Hash,
    Index, InvalidPayload, Message, Mode, NodeId, Payloads, Point, Refused, RequestKey, Signed,
    SignedHeader, Signer, Term, Verification,
    certificate::{Counted, ElectionCertificate, LeaveCertificate, QuorumCertificate},
    merkle,
    message::{Grant, Leave, Reason, Vote},
    signature::public_key,
};
use ed25519_dalek::SigningKey;

/// Where the chains of these tests begin.
pub const BASE: Point = Point {
    index: Index(4),
    hash: Hash([7; 32]),
};

/// What no client signed.
pub const FORGED: &[u8] = b"forged";

/// Payloads are anything; one of them has a bad signature.
struct Anything;

impl Payloads for Anything {
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        Ok(RequestKey {
            account: [payload.len().to_le_bytes()[0]; 32],
            nonce: 0,
        })
    }

    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        match payload {
            FORGED => Err(InvalidPayload("forged".to_owned())),
            _ => self.key(payload),
        }
    }
}

pub struct Network {
    pub configuration: Arc<Configuration>,
    pub keys: Vec<SigningKey>,
}

impl Network {
    /// A network in Byzantine mode.
    pub fn new(nodes: u8) -> Self {
        Self::of(nodes, 1, Mode::Byzantine, ClientChecks::All)
    }

    pub fn of(nodes: u8, network: u8, mode: Mode, checks: ClientChecks) -> Self {
        let keys: Vec<SigningKey> = (1..=nodes)
            .map(|number| SigningKey::from_bytes(&[number; 32]))
            .collect();
        let domain = Domain {
            network: Hash([network; 32]),
            mode,
        };
        let validators = keys.iter().map(public_key).collect();
        let configuration = Configuration::genesis(domain, validators, checks).unwrap();
        Self {
            configuration: Arc::new(configuration),
            keys,
        }
    }

    pub fn verification(&self) -> Verification {
        Verification::new(
            Arc::clone(&self.configuration),
            Arc::new(Ed25519::default()),
            Arc::new(Anything),
        )
    }

    /// What a node makes of a message that its signer's channel brings.
    pub fn judge(&self, message: &Message) -> Result<(), Refused> {
        self.verification()
            .message(message.signer(), &message.to_bytes())
            .map(drop)
    }

    pub fn leader(&self, term: u64) -> u16 {
        self.configuration.leader(Term(term)).0
    }

    /// Who is not in the network signs with the first key.
    fn key(&self, node: u16) -> &SigningKey {
        self.keys.get(usize::from(node)).unwrap_or(&self.keys[0])
    }

    pub fn sign<T: consensus::signed::Body>(&self, node: u16, body: T) -> Signed<T> {
        Signed::new(&self.configuration, NodeId(node), self.key(node), body)
    }

    pub fn point(&self, header: &EntryHeader) -> Point {
        header.point(&self.configuration)
    }

    /// A header with its author's signature.
    pub fn signed_header(&self, header: EntryHeader) -> SignedHeader {
        let hash = header.hash(&self.configuration);
        let digest = EntryHeader::signing_digest(&self.configuration, header.epoch, &hash);
        let signature = self.key(header.author.0).sign(&digest);
        SignedHeader { header, signature }
    }

    /// An entry whose author signed this header, with a body that need not be its own.
    pub fn entry(&self, header: EntryHeader, payloads: &[&[u8]]) -> Arc<Entry> {
        let payloads = payloads.iter().map(|payload| Arc::from(*payload)).collect();
        let signed = self.signed_header(header);
        Arc::new(Entry::new(&self.configuration, signed, payloads))
    }

    /// A header of a term by its leader, for these payloads.
    pub fn header(
        &self,
        kind: EntryKind,
        term: u64,
        previous: Point,
        payloads: &[&[u8]],
    ) -> EntryHeader {
        let payloads: Vec<Arc<[u8]>> = payloads.iter().map(|payload| Arc::from(*payload)).collect();
        EntryHeader {
            kind,
            epoch: Epoch::ZERO,
            term: Term(term),
            index: previous.index.next(),
            author: self.configuration.leader(Term(term)),
            previous: previous.hash,
            body_root: merkle::root(&payloads),
            count: u32::try_from(payloads.len()).unwrap(),
            timestamp: 9,
        }
    }

    /// Headers of a term that follow each other: the first is the term's record.
    pub fn headers(&self, term: u64, base: Point, count: usize) -> Vec<EntryHeader> {
        let mut previous = base;
        (0..count)
            .map(|position| {
                let kind = match position {
                    0 => EntryKind::TermRecord,
                    _ => EntryKind::Transactions,
                };
                let header = self.header(kind, term, previous, &[b"payload"]);
                previous = self.point(&header);
                header
            })
            .collect()
    }

    pub fn vote(&self, node: u16, term: u64, accepted: Option<Point>) -> Signed<Vote> {
        self.sign(
            node,
            Vote {
                epoch: Epoch::ZERO,
                term: Term(term),
                accepted,
                locked: None,
                applied: None,
            },
        )
    }

    /// A certificate for the first of these headers, by the first nodes' votes for the last.
    pub fn certificate(
        &self,
        counted: Counted,
        headers: &[EntryHeader],
        votes: u16,
    ) -> QuorumCertificate {
        let last = headers.last().map(|header| self.point(header));
        let vote = Vote {
            epoch: Epoch::ZERO,
            term: headers[0].term,
            accepted: last,
            locked: last.filter(|_| counted == Counted::Locked),
            applied: None,
        };
        QuorumCertificate {
            counted,
            header: headers[0].clone(),
            following: headers[1..].to_vec(),
            votes: (0..votes)
                .map(|node| self.sign(node, vote.clone()))
                .collect(),
        }
    }

    /// As many of the first nodes as a quorum grant a base.
    pub fn election(&self, term: u64, base: Point, reports: Hash) -> ElectionCertificate {
        let grant = Grant {
            epoch: Epoch::ZERO,
            term: Term(term),
            base,
            reports,
        };
        ElectionCertificate {
            grants: self
                .quorum()
                .map(|node| (NodeId(node), self.sign(node, grant.clone()).signature))
                .collect(),
            grant,
        }
    }

    pub fn would_leave(&self, node: u16, term: u64) -> Signed<Leave> {
        self.sign(
            node,
            Leave {
                epoch: Epoch::ZERO,
                term: Term(term),
                reason: Reason::Silent,
                followed: false,
            },
        )
    }

    /// As many of the first nodes as a quorum would leave a term.
    pub fn leave(&self, term: u64) -> LeaveCertificate {
        LeaveCertificate {
            epoch: Epoch::ZERO,
            term: Term(term),
            leaves: self
                .quorum()
                .map(|node| self.would_leave(node, term))
                .collect(),
        }
    }

    pub fn quorum(&self) -> std::ops::Range<u16> {
        0..u16::try_from(self.configuration.sizes().quorum()).unwrap()
    }
}
