//! Public keys, checked once when they are read.

use std::cmp::Ordering;
use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use thiserror::Error;

use crate::Address;
use crate::encoding::{PUBLIC_KEY_PREFIX, VALIDATOR_KEY_PREFIX, text_and_serde};
use crate::hash::to_hex;

/// Why 32 bytes are no public key that may be registered (P2.2).
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PublicKeyError {
    /// The bytes are no point of the curve.
    #[error("the bytes are no Ed25519 public key")]
    NotAPoint,
    /// The bytes are a second way to write a point. Two keys that differ as bytes would be one.
    #[error("the public key is not written in its canonical form")]
    NotCanonical,
    /// The point has small order: signatures under it hold for almost any message.
    #[error("the public key is weak: anybody can sign under it")]
    Weak,
}

/// A signature that does not hold for the message and the key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the signature does not hold for this message and key")]
pub struct BadSignature;

/// An Ed25519 public key that is canonical and not weak, kept decompressed so that checking a
/// signature does not repeat the work.
///
/// Printed and read as `hwk1…`; a validator's is wrapped in [`ValidatorKey`]. Equality, order and
/// hash are those of the 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Checks 32 bytes.
    ///
    /// # Errors
    /// [`PublicKeyError`] if they are no point, not canonical, or weak.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, PublicKeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| PublicKeyError::NotAPoint)?;
        // Decompression also takes y ≥ p and the sign of zero; compressing shows the one true form.
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(PublicKeyError::NotCanonical);
        }
        if key.is_weak() {
            return Err(PublicKeyError::Weak);
        }
        Ok(Self(key))
    }

    /// A key computed from a secret key needs no check: its order is the large prime.
    pub(crate) const fn from_own(key: VerifyingKey) -> Self {
        Self(key)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The key for code that works with `ed25519-dalek` itself.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.0
    }

    /// The address of the account that begins with this key.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::of(self)
    }

    /// The 32 bytes in hexadecimal, as other tools print the key.
    #[must_use]
    pub fn to_hex(&self) -> String {
        to_hex(self.as_bytes())
    }

    /// Checks a signature with the predicate that decides everywhere, `verify_strict` (P2.2).
    ///
    /// # Errors
    /// [`BadSignature`] if it does not hold.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        self.0
            .verify_strict(message, signature)
            .map_err(|_| BadSignature)
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl TryFrom<[u8; 32]> for PublicKey {
    type Error = PublicKeyError;

    fn try_from(bytes: [u8; 32]) -> Result<Self, PublicKeyError> {
        Self::from_bytes(&bytes)
    }
}

text_and_serde!(PublicKey, PUBLIC_KEY_PREFIX);

/// A validator's public key, printed and read as `hwv1…` so that nobody pastes one where an
/// account's key belongs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValidatorKey(pub PublicKey);

impl ValidatorKey {
    /// The key itself.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.0
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl From<PublicKey> for ValidatorKey {
    fn from(key: PublicKey) -> Self {
        Self(key)
    }
}

impl TryFrom<[u8; 32]> for ValidatorKey {
    type Error = PublicKeyError;

    fn try_from(bytes: [u8; 32]) -> Result<Self, PublicKeyError> {
        PublicKey::from_bytes(&bytes).map(Self)
    }
}

text_and_serde!(ValidatorKey, VALIDATOR_KEY_PREFIX);

impl fmt::LowerHex for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyPair;

    /// p + `offset`, little-endian: a second way to write y = `offset`.
    fn beyond_the_field(offset: u8, sign: bool) -> [u8; 32] {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xed + offset;
        bytes[31] = if sign { 0xff } else { 0x7f };
        bytes
    }

    #[test]
    fn small_order_points_are_weak() {
        let mut identity = [0; 32];
        identity[0] = 1;
        // y = 0 has order 4, y = -1 has order 2; the last is one of order 8.
        let mut minus_one = [0xff; 32];
        minus_one[0] = 0xec;
        minus_one[31] = 0x7f;
        let order_eight = crate::hash::from_hex(
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        )
        .unwrap();
        for bytes in [identity, [0; 32], minus_one, order_eight] {
            assert_eq!(
                PublicKey::from_bytes(&bytes),
                Err(PublicKeyError::Weak),
                "{}",
                to_hex(&bytes)
            );
        }
    }

    #[test]
    fn second_forms_of_a_point_are_refused() {
        let mut second_forms_of_strong_points = 0;
        for offset in 0..19 {
            for sign in [false, true] {
                let bytes = beyond_the_field(offset, sign);
                let result = PublicKey::from_bytes(&bytes);
                match VerifyingKey::from_bytes(&bytes) {
                    Ok(key) => {
                        assert_eq!(result, Err(PublicKeyError::NotCanonical));
                        second_forms_of_strong_points += u32::from(!key.is_weak());
                    }
                    Err(_) => assert_eq!(result, Err(PublicKeyError::NotAPoint)),
                }
            }
        }
        assert!(
            second_forms_of_strong_points > 0,
            "no case went beyond the check for weak keys"
        );
        // x = 0 with the sign bit set: the identity written as "minus zero".
        let mut minus_zero = [0; 32];
        minus_zero[0] = 1;
        minus_zero[31] = 0x80;
        assert_eq!(
            PublicKey::from_bytes(&minus_zero),
            Err(PublicKeyError::NotCanonical)
        );
    }

    #[test]
    fn half_of_all_bytes_are_no_point() {
        let mut two = [0; 32];
        two[0] = 2;
        assert_eq!(PublicKey::from_bytes(&two), Err(PublicKeyError::NotAPoint));
    }

    #[test]
    fn text_json_and_binary_read_back() {
        let key = KeyPair::from_seed("text").public_key();
        let validator = ValidatorKey(key);
        let address = key.address();
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(validator.to_string().parse(), Ok(validator));
        assert_eq!(address.to_string().parse(), Ok(address));
        assert!(key.to_string().starts_with("hwk1"));
        assert!(validator.to_string().starts_with("hwv1"));
        assert!(address.to_string().starts_with("hw1"));

        let json = serde_json::to_string(&(key, validator, address)).unwrap();
        assert_eq!(json, format!(r#"["{key}","{validator}","{address}"]"#));
        let read: (PublicKey, ValidatorKey, Address) = serde_json::from_str(&json).unwrap();
        assert_eq!(read, (key, validator, address));

        let configuration = bincode::config::legacy();
        let bytes = bincode::serde::encode_to_vec((key, address), configuration).unwrap();
        assert_eq!(bytes, [*key.as_bytes(), *address.as_bytes()].concat());
        let (read, _): ((PublicKey, Address), usize) =
            bincode::serde::decode_from_slice(&bytes, configuration).unwrap();
        assert_eq!(read, (key, address));
    }

    #[test]
    fn a_weak_key_is_refused_in_every_format() {
        let mut weak = [0; 32];
        weak[0] = 1;
        let text = crate::encoding::encode(PUBLIC_KEY_PREFIX, &weak);
        assert_eq!(text.parse::<PublicKey>(), Err(PublicKeyError::Weak.into()));
        assert!(serde_json::from_str::<PublicKey>(&format!("\"{text}\"")).is_err());
        assert!(
            bincode::serde::decode_from_slice::<PublicKey, _>(&weak, bincode::config::legacy())
                .is_err()
        );
    }

    #[test]
    fn the_address_is_fixed_by_the_first_key() {
        // RFC 8032, test 1: a key pair that other implementations have too.
        let key = crate::hash::from_hex(
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        )
        .unwrap();
        let key = PublicKey::from_bytes(&key).unwrap();
        assert_eq!(
            key.to_string(),
            "hwk16adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ydqlmmdst"
        );
        assert_eq!(
            key.address().to_string(),
            "hw1l69zasq6ty77uyps3vxjllqaj6ajaeu2eahc8cve7eg80yt5qs3shw3dh9"
        );
    }
}
