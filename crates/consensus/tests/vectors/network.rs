//! The networks in which the vectors are made: four validators with keys that anybody can compute.

use std::sync::Arc;

use consensus::{
    ClientChecks, Configuration, Domain, Ed25519, Entry, EntryHeader, EntryKind, Epoch, Hash,
    Index, InvalidPayload, Mode, NodeId, Payloads, Point, RequestKey, Signed, SignedHeader, Signer,
    Term, Verification, merkle,
    signature::{Signature, public_key},
    signed::Body,
};
use ed25519_dalek::SigningKey;

use super::Fields;
use crate::flat_json::Object;

const VALIDATORS: u8 = 4;

/// Every payload is a request; its identity is its length.
struct Anything;

impl Payloads for Anything {
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        Ok(RequestKey {
            account: [0xac; 32],
            nonce: payload.len() as u64,
        })
    }

    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        self.key(payload)
    }
}

/// A network of one mode.
pub struct Network {
    pub configuration: Arc<Configuration>,
    keys: Vec<SigningKey>,
}

impl Network {
    pub fn new(mode: Mode) -> Self {
        let keys: Vec<SigningKey> = (0..VALIDATORS)
            .map(|position| SigningKey::from_bytes(&seed(position)))
            .collect();
        let domain = Domain {
            network: network_id(),
            mode,
        };
        let validators = keys.iter().map(public_key).collect();
        let configuration = Configuration::genesis(domain, validators, ClientChecks::All);
        Self {
            configuration: Arc::new(configuration.expect("four validators suit every mode")),
            keys,
        }
    }

    pub fn verification(&self) -> Verification {
        let keys = self.configuration.keys().iter().copied();
        Verification::new(
            Arc::clone(&self.configuration),
            Arc::new(Ed25519::with_known(keys)),
            Arc::new(Anything),
        )
    }

    pub fn sign<T: Body>(&self, signer: u16, body: T) -> Signed<T> {
        let key = &self.keys[usize::from(signer)];
        Signed::new(&self.configuration, NodeId(signer), key, body)
    }

    pub fn entry(
        &self,
        kind: EntryKind,
        (term, author): (u64, u16),
        previous: Point,
        payloads: &[&[u8]],
    ) -> Arc<Entry> {
        let header = EntryHeader {
            kind,
            epoch: Epoch::ZERO,
            term: Term(term),
            index: Index(previous.index.0 + 1),
            author: NodeId(author),
            previous: previous.hash,
            body_root: merkle::root(payloads),
            count: u32::try_from(payloads.len()).expect("few payloads"),
            timestamp: 1_700_000_000_000 + previous.index.0,
        };
        let signature = if self.configuration.mode().signs() {
            let hash = header.hash(&self.configuration);
            let digest = EntryHeader::signing_digest(&self.configuration, header.epoch, &hash);
            Signer::sign(&self.keys[usize::from(author)], &digest)
        } else {
            Signature::NONE
        };
        let payloads = payloads.iter().map(|payload| Arc::from(*payload)).collect();
        let signed = SignedHeader { header, signature };
        Arc::new(Entry::new(&self.configuration, signed, payloads))
    }
}

fn seed(position: u8) -> [u8; 32] {
    [position + 1; 32]
}

/// The bytes 00 01 … 1f.
pub fn network_id() -> Hash {
    let mut id = [0; 32];
    (0..).zip(&mut id).for_each(|(number, byte)| *byte = number);
    Hash(id)
}

pub fn keys() -> Vec<Object> {
    let network =
        Fields::new("network", "the network id in every vector").hex("id", &network_id().0);
    let validators = (0..VALIDATORS).map(|position| {
        let what = format!("the key of validator {position}: seed as in RFC 8032");
        Fields::new(&format!("validator {position}"), &what)
            .hex("seed", &seed(position))
            .hex(
                "public key",
                &public_key(&SigningKey::from_bytes(&seed(position))).0,
            )
    });
    [network]
        .into_iter()
        .chain(validators)
        .map(Fields::object)
        .collect()
}
