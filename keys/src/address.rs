//! An account's address.

use std::convert::Infallible;

use crate::PublicKey;
use crate::encoding::{ADDRESS_PREFIX, EncodingError, text_and_serde};
use crate::hash::tagged_hash;

/// The tag under which an account's first public key is hashed.
const TAG: &str = "hawser/account/v1";

/// Names an account for as long as it lives: the tagged SHA-256 (tag `hawser/account/v1`) of its
/// *first* public key. The keys that may act for the account can change later; the address stays.
///
/// Printed and read as `hw1…` (see [`encoding`](crate::encoding)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; 32]);

impl Address {
    /// The address of the account that begins with `key`.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        Self(tagged_hash(TAG, key.as_bytes()))
    }

    /// Any 32 bytes may be an address; whether the account exists is the ledger's to say.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Address {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<Infallible> for EncodingError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

text_and_serde!(Address, ADDRESS_PREFIX);
