//! Keys, signatures, and the one predicate that decides whether a signature is good (P2.2).

use std::{collections::BTreeMap, fmt};

use ed25519_dalek::{Signature as DalekSignature, SigningKey, VerifyingKey};

use crate::{
    encoding::{Canonical, DecodeError, Reader, Writer},
    types::Hash,
};

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hash(self.0).fmt(f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Hash(self.0).short())
    }
}

impl Canonical for PublicKey {
    fn encode(&self, writer: &mut Writer) {
        writer.raw(&self.0);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array().map(Self)
    }
}

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// What stands in a message that its mode does not sign.
    pub const NONE: Self = Self([0; 64]);
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:02x}…", self.0[0], self.0[1])
    }
}

impl Canonical for Signature {
    fn encode(&self, writer: &mut Writer) {
        writer.raw(&self.0);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array().map(Self)
    }
}

/// Signs digests with one node's key.
pub trait Signer: Send + Sync {
    /// The signature of `digest`. Must be deterministic.
    fn sign(&self, digest: &Hash) -> Signature;
}

impl Signer for SigningKey {
    fn sign(&self, digest: &Hash) -> Signature {
        Signature(ed25519_dalek::Signer::sign(self, &digest.0).to_bytes())
    }
}

/// Decides whether a signature is good. There is one answer per key, digest and signature: no
/// batch or cached path may disagree with it (P2.2).
pub trait Verifier: Send + Sync {
    /// Whether `signature` is `key`'s over `digest`.
    fn verify(&self, key: &PublicKey, digest: &Hash, signature: &Signature) -> bool;
}

/// Ed25519 by `verify_strict`: no other encodings, and neither key nor R of small order.
#[derive(Debug, Default)]
pub struct Ed25519 {
    /// Keys that sign often, decompressed once.
    known: BTreeMap<PublicKey, VerifyingKey>,
}

impl Ed25519 {
    /// A verifier that remembers the decompressed form of `keys`. Any other key works too.
    #[must_use]
    pub fn with_known(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self {
            known: keys
                .into_iter()
                .filter_map(|key| Some((key, VerifyingKey::from_bytes(&key.0).ok()?)))
                .collect(),
        }
    }
}

impl Verifier for Ed25519 {
    fn verify(&self, key: &PublicKey, digest: &Hash, signature: &Signature) -> bool {
        let signature = DalekSignature::from_bytes(&signature.0);
        match self.known.get(key) {
            Some(key) => key.verify_strict(&digest.0, &signature).is_ok(),
            None => VerifyingKey::from_bytes(&key.0)
                .is_ok_and(|key| key.verify_strict(&digest.0, &signature).is_ok()),
        }
    }
}

/// The public key of a signing key.
#[must_use]
pub fn public_key(key: &SigningKey) -> PublicKey {
    PublicKey(key.verifying_key().to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown_keys_are_judged_alike() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = public_key(&key);
        let digest = Hash([1; 32]);
        let good = Signer::sign(&key, &digest);
        let mut bad = good;
        bad.0[3] ^= 1;
        for verifier in [Ed25519::default(), Ed25519::with_known([public])] {
            assert!(verifier.verify(&public, &digest, &good));
            assert!(!verifier.verify(&public, &digest, &bad));
            assert!(!verifier.verify(&public, &Hash([2; 32]), &good));
            assert!(!verifier.verify(&PublicKey([0; 32]), &digest, &good));
        }
    }
}
