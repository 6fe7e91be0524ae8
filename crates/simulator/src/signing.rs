//! The keys of a simulated network: real Ed25519, or a stand-in that is a hundred times cheaper.
//!
//! The stand-in is a keyed mix of the digest. It could be forged by who knows the secrets, and
//! nobody in a simulation does: a Byzantine node is handed the [`Signer`] of its own key and no
//! other, and can verify but not sign for anybody else. Nothing outside the simulator accepts it.

use std::sync::Arc;

use consensus::{Ed25519, Hash, PublicKey, Signature, Signer, Verifier, signature::public_key};
use ed25519_dalek::SigningKey;

use crate::random::{Random, mix};

/// Which signatures a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Signatures {
    /// Ed25519.
    Real,
    /// A keyed mix of the digest.
    StandIn,
}

/// The keys of all nodes.
pub struct Keys {
    /// Public keys, in the order of the nodes.
    pub public: Vec<PublicKey>,
    /// Each node's own signer, in the same order.
    pub signers: Vec<Arc<dyn Signer>>,
    /// The predicate that everybody shares.
    pub verifier: Arc<dyn Verifier>,
}

impl Keys {
    /// Keys for so many nodes.
    #[must_use]
    pub fn generate(signatures: Signatures, nodes: usize, random: &mut Random) -> Self {
        match signatures {
            Signatures::Real => Self::real(nodes, random),
            Signatures::StandIn => Self::stand_in(nodes, random),
        }
    }

    fn real(nodes: usize, random: &mut Random) -> Self {
        let keys: Vec<_> = (0..nodes)
            .map(|_| SigningKey::from_bytes(&random_bytes(random)))
            .collect();
        let public: Vec<_> = keys.iter().map(public_key).collect();
        Self {
            verifier: Arc::new(Ed25519::with_known(public.iter().copied())),
            public,
            signers: keys
                .into_iter()
                .map(|key| Arc::new(key) as Arc<dyn Signer>)
                .collect(),
        }
    }

    fn stand_in(nodes: usize, random: &mut Random) -> Self {
        let secrets: Vec<u64> = (0..nodes).map(|_| random.number()).collect();
        let public: Vec<_> = (0..nodes)
            .map(|node| {
                let mut key = random_bytes(random);
                // The verifier finds the secret by this, and then compares the whole key.
                key[..8].copy_from_slice(&(node as u64).to_le_bytes());
                PublicKey(key)
            })
            .collect();
        Self {
            signers: secrets
                .iter()
                .map(|&secret| Arc::new(StandInSigner { secret }) as Arc<dyn Signer>)
                .collect(),
            verifier: Arc::new(StandInVerifier {
                secrets: public.iter().copied().zip(secrets).collect(),
            }),
            public,
        }
    }
}

fn random_bytes(random: &mut Random) -> [u8; 32] {
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_exact_mut(8) {
        chunk.copy_from_slice(&random.number().to_le_bytes());
    }
    bytes
}

fn stand_in_signature(secret: u64, digest: &Hash) -> Signature {
    let mut state = secret;
    for chunk in digest.0.chunks_exact(8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
        state = mix(state ^ word);
    }
    // Every bit of the 64 bytes is decided, so that a signature has one form.
    let mut signature = [0; 64];
    for chunk in signature.chunks_exact_mut(8) {
        state = mix(state);
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    Signature(signature)
}

struct StandInSigner {
    secret: u64,
}

impl Signer for StandInSigner {
    fn sign(&self, digest: &Hash) -> Signature {
        stand_in_signature(self.secret, digest)
    }
}

struct StandInVerifier {
    secrets: Vec<(PublicKey, u64)>,
}

impl Verifier for StandInVerifier {
    fn verify(&self, key: &PublicKey, digest: &Hash, signature: &Signature) -> bool {
        let position = u64::from_le_bytes(key.0[..8].try_into().expect("eight bytes"));
        usize::try_from(position)
            .ok()
            .and_then(|position| self.secrets.get(position))
            .is_some_and(|(known, secret)| {
                known == key && stand_in_signature(*secret, digest) == *signature
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_key_and_digest_only() {
        for signatures in [Signatures::Real, Signatures::StandIn] {
            let keys = Keys::generate(signatures, 3, &mut Random::new(5));
            let digest = Hash([9; 32]);
            let good = keys.signers[1].sign(&digest);
            let verify = |node: usize, digest: &Hash, signature: &Signature| {
                keys.verifier.verify(&keys.public[node], digest, signature)
            };
            assert!(verify(1, &digest, &good));
            assert!(!verify(0, &digest, &good));
            assert!(!verify(1, &Hash([8; 32]), &good));
            for position in [0, 31, 63] {
                let mut bad = good;
                bad.0[position] ^= 0x10;
                assert!(!verify(1, &digest, &bad), "byte {position}");
            }
            let mut stranger = keys.public[1];
            stranger.0[31] ^= 1;
            assert!(!keys.verifier.verify(&stranger, &digest, &good));
        }
    }
}
