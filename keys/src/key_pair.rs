//! Secret keys.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::hash::tagged_hash;
use crate::public_key::{PublicKey, ValidatorKey};

/// The tag under which a development seed becomes a secret key.
const DEVELOPMENT_TAG: &str = "hawser/development-key/v1";

/// The operating system gave no random bytes.
#[derive(Debug, Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct RandomnessError(#[from] pub getrandom::Error);

/// An Ed25519 secret key with its public key. The secret is wiped when the value is dropped and is
/// shown by neither `Debug` nor anything else; it leaves only through a key file
/// ([`KeyPair::write_pem`]) or the two functions that say so.
#[derive(Clone)]
pub struct KeyPair {
    // Wiped on drop by ed25519-dalek's own `Drop`.
    signing_key: SigningKey,
}

impl KeyPair {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`RandomnessError`] if there is none.
    pub fn generate() -> Result<Self, RandomnessError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut())?;
        Ok(Self::from_secret(&secret))
    }

    /// A key that anybody who knows the seed can compute: for tests and local networks only.
    #[must_use]
    pub fn from_seed(seed: &str) -> Self {
        let secret = Zeroizing::new(tagged_hash(DEVELOPMENT_TAG, seed.as_bytes()));
        Self::from_secret(&secret)
    }

    /// The key pair of a secret key (the 32-byte seed of RFC 8032).
    pub(crate) fn from_secret(secret: &[u8; 32]) -> Self {
        Self {
            signing_key: SigningKey::from_bytes(secret),
        }
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_own(self.signing_key.verifying_key())
    }

    /// The public key as a validator's.
    #[must_use]
    pub fn validator_key(&self) -> ValidatorKey {
        ValidatorKey(self.public_key())
    }

    /// Signs the bytes. What is signed, and under which domain tag, is the caller's to say (P2.1).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        self.signing_key.sign(message)
    }

    /// **The secret key**, for code that works with `ed25519-dalek` itself.
    #[must_use]
    pub const fn signing_key(&self) -> &SigningKey {
        &self.signing_key
    }
}

impl From<SigningKey> for KeyPair {
    fn from(signing_key: SigningKey) -> Self {
        Self { signing_key }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyPair")
            .field("public_key", &self.public_key())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::to_hex;
    use crate::public_key::BadSignature;

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let key = KeyPair::generate().unwrap();
        let signature = key.sign(b"message");
        assert_eq!(key.public_key().verify(b"message", &signature), Ok(()));
        assert_eq!(
            key.public_key().verify(b"massage", &signature),
            Err(BadSignature)
        );
        assert_eq!(
            KeyPair::from_seed("other")
                .public_key()
                .verify(b"message", &signature),
            Err(BadSignature)
        );
    }

    #[test]
    fn generated_keys_differ_and_seeded_keys_repeat() {
        let public = |key: KeyPair| key.public_key();
        assert_ne!(
            public(KeyPair::generate().unwrap()),
            public(KeyPair::generate().unwrap())
        );
        assert_eq!(
            public(KeyPair::from_seed("7/alice")),
            public(KeyPair::from_seed("7/alice"))
        );
        assert_ne!(
            public(KeyPair::from_seed("7/alice")),
            public(KeyPair::from_seed("7/bob"))
        );
    }

    #[test]
    fn debug_output_does_not_hold_the_secret() {
        let key = KeyPair::from_seed("debug");
        let secret = key.signing_key().to_bytes();
        let shown = format!("{key:?} {key:#?}");
        assert!(!shown.contains(&to_hex(&secret)));
        assert!(!shown.contains(&format!("{secret:?}")));
        assert!(shown.contains(&key.public_key().to_string()));
    }

    #[test]
    fn a_public_key_of_ones_own_passes_the_check_for_foreign_ones() {
        for seed in 0..64 {
            let key = KeyPair::from_seed(&seed.to_string()).public_key();
            assert_eq!(PublicKey::from_bytes(key.as_bytes()), Ok(key));
        }
    }
}
