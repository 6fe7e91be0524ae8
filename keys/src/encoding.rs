//! The checksummed text form of 32 bytes: bech32m (BIP 350) with a prefix that says what they are.
//!
//! | prefix | type | the 32 bytes |
//! |---|---|---|
//! | `hw` | [`Address`](crate::Address) | an account's id, the hash of its first public key |
//! | `hwk` | [`PublicKey`](crate::PublicKey) | an account's Ed25519 public key |
//! | `hwv` | [`ValidatorKey`](crate::ValidatorKey) | a validator's Ed25519 public key |
//!
//! Each is `prefix`, `1`, 52 characters of data and 6 of checksum. The checksum covers the prefix,
//! finds any four wrong characters, and misses others once in 10⁹. Text is printed in lower case
//! and read in either case, but not in a mixture. Every 32 bytes have exactly one text (up to
//! case): the four bits of padding must be zero.

use bech32::primitives::decode::{CharError, UncheckedHrpstring, UncheckedHrpstringError};
use bech32::{Bech32m, Hrp};
use thiserror::Error;

use crate::public_key::PublicKeyError;

/// The prefix of an account's address.
pub const ADDRESS_PREFIX: &str = "hw";
/// The prefix of an account's public key.
pub const PUBLIC_KEY_PREFIX: &str = "hwk";
/// The prefix of a validator's public key.
pub const VALIDATOR_KEY_PREFIX: &str = "hwv";

/// Data and checksum: 32 bytes are 52 characters of five bits, then six of checksum.
const DATA_CHARACTERS: usize = 58;
/// Longer text is refused unread.
const MAX_TEXT_BYTES: usize = 128;

/// Why a text is not an address or a key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EncodingError {
    /// It begins with another prefix: another kind of thing, or another system's.
    #[error("the prefix is `{found}`, but `{expected}` was expected{}", meaning(.found))]
    WrongPrefix {
        /// The prefix that belongs here.
        expected: &'static str,
        /// The prefix found.
        found: String,
    },
    /// A character is wrong, missing or swapped.
    #[error("the checksum is wrong: a character was mistyped or lost")]
    WrongChecksum,
    /// The text has another length than 32 bytes have.
    #[error("it has {found} characters, but {expected} were expected")]
    WrongLength {
        /// Characters expected.
        expected: usize,
        /// Characters found.
        found: usize,
    },
    /// Upper and lower case are mixed.
    #[error("upper and lower case are mixed")]
    MixedCase,
    /// A character is not one of the encoding's.
    #[error("the character {0:?} is not used in this encoding")]
    InvalidCharacter(char),
    /// There is no `1` between prefix and data.
    #[error("there is no `1` between a prefix and data")]
    MissingSeparator,
    /// The padding is not zero: another text for the same bytes.
    #[error("the padding bits are not zero")]
    NonZeroPadding,
    /// The bytes are read, but are no public key that may be registered.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
}

/// What a known but unexpected prefix stands for.
fn meaning(prefix: &str) -> &'static str {
    match prefix {
        ADDRESS_PREFIX => " (this is an account's address)",
        PUBLIC_KEY_PREFIX => " (this is an account's public key)",
        VALIDATOR_KEY_PREFIX => " (this is a validator's key)",
        _ => "",
    }
}

/// Prints 32 bytes under `prefix`.
pub(crate) fn encode(prefix: &'static str, bytes: &[u8; 32]) -> String {
    bech32::encode::<Bech32m>(Hrp::parse_unchecked(prefix), bytes)
        .expect("32 bytes are within the length that the checksum covers")
}

/// Reads 32 bytes under `prefix`.
pub(crate) fn decode(prefix: &'static str, text: &str) -> Result<[u8; 32], EncodingError> {
    let expected = prefix.len() + 1 + DATA_CHARACTERS;
    let wrong_length = EncodingError::WrongLength {
        expected,
        found: text.chars().count(),
    };
    if text.len() > MAX_TEXT_BYTES {
        return Err(wrong_length);
    }
    let unchecked = UncheckedHrpstring::new(text).map_err(|error| match error {
        UncheckedHrpstringError::Char(CharError::MissingSeparator) => {
            EncodingError::MissingSeparator
        }
        UncheckedHrpstringError::Char(CharError::MixedCase) => EncodingError::MixedCase,
        UncheckedHrpstringError::Char(CharError::InvalidChar(character)) => {
            EncodingError::InvalidCharacter(character)
        }
        UncheckedHrpstringError::Char(_) => wrong_length.clone(),
        // An empty prefix, or one that no encoder of this kind writes.
        _ => EncodingError::WrongPrefix {
            expected: prefix,
            found: text
                .rsplit_once('1')
                .map_or_else(String::new, |(found, _)| found.to_owned()),
        },
    })?;
    let found = unchecked.hrp().to_lowercase();
    if found != prefix {
        return Err(EncodingError::WrongPrefix {
            expected: prefix,
            found,
        });
    }
    // Length first: bech32m cannot see some insertions before the last character otherwise.
    if text.len() != expected {
        return Err(wrong_length);
    }
    let checked = unchecked
        .validate_and_remove_checksum::<Bech32m>()
        .map_err(|_| EncodingError::WrongChecksum)?;
    let mut bytes = [0; 32];
    let mut decoded = checked.byte_iter();
    for byte in &mut bytes {
        *byte = decoded.next().ok_or_else(|| wrong_length.clone())?;
    }
    if encode(prefix, &bytes) != text.to_ascii_lowercase() {
        return Err(EncodingError::NonZeroPadding);
    }
    Ok(bytes)
}

/// Text for people and JSON, the bare 32 bytes for compact formats.
macro_rules! text_and_serde {
    ($type:ty, $prefix:expr) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(&$crate::encoding::encode($prefix, self.as_bytes()))
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, formatter)
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::encoding::EncodingError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let bytes = $crate::encoding::decode($prefix, text)?;
                Ok(Self::try_from(bytes)?)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.as_bytes().serialize(serializer)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::Error;
                if deserializer.is_human_readable() {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    let bytes = <[u8; 32]>::deserialize(deserializer)?;
                    Self::try_from(bytes).map_err(D::Error::custom)
                }
            }
        }
    };
}
pub(crate) use text_and_serde;

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 32] = [0x5a; 32];

    #[test]
    fn every_single_wrong_character_is_found() {
        let text = encode(ADDRESS_PREFIX, &BYTES);
        let alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        for position in ADDRESS_PREFIX.len() + 1..text.len() {
            for other in alphabet
                .chars()
                .filter(|other| !text[position..].starts_with(*other))
            {
                let mut changed = text.clone();
                changed.replace_range(position..=position, other.encode_utf8(&mut [0; 4]));
                assert_eq!(
                    decode(ADDRESS_PREFIX, &changed),
                    Err(EncodingError::WrongChecksum),
                    "{changed}"
                );
            }
        }
    }

    #[test]
    fn every_swap_of_neighbours_is_found() {
        let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index * 11 % 256).unwrap());
        let text = encode(PUBLIC_KEY_PREFIX, &bytes);
        for position in PUBLIC_KEY_PREFIX.len() + 1..text.len() - 1 {
            let mut swapped = text.clone().into_bytes();
            swapped.swap(position, position + 1);
            let swapped = String::from_utf8(swapped).unwrap();
            if swapped != text {
                assert_eq!(
                    decode(PUBLIC_KEY_PREFIX, &swapped),
                    Err(EncodingError::WrongChecksum)
                );
            }
        }
    }

    #[test]
    fn either_case_is_read_but_no_mixture() {
        let text = encode(ADDRESS_PREFIX, &BYTES);
        assert_eq!(decode(ADDRESS_PREFIX, &text.to_uppercase()), Ok(BYTES));
        let mixed = text.replacen("hw", "Hw", 1);
        assert_eq!(
            decode(ADDRESS_PREFIX, &mixed),
            Err(EncodingError::MixedCase)
        );
    }

    #[test]
    fn another_prefix_is_named() {
        let text = encode(VALIDATOR_KEY_PREFIX, &BYTES);
        let error = decode(ADDRESS_PREFIX, &text).unwrap_err();
        assert_eq!(
            error,
            EncodingError::WrongPrefix {
                expected: "hw",
                found: "hwv".into()
            }
        );
        assert!(error.to_string().contains("validator's key"), "{error}");
    }

    #[test]
    fn other_lengths_are_refused_however_good_their_checksum() {
        for length in [0, 1, 31, 33, 40, 64] {
            let text =
                bech32::encode::<Bech32m>(Hrp::parse(ADDRESS_PREFIX).unwrap(), &vec![7; length])
                    .unwrap();
            assert_eq!(
                decode(ADDRESS_PREFIX, &text),
                Err(EncodingError::WrongLength {
                    expected: 61,
                    found: text.len()
                }),
                "{length} bytes"
            );
        }
        let endless = format!("hw1{}", "q".repeat(1 << 20));
        assert!(matches!(
            decode(ADDRESS_PREFIX, &endless),
            Err(EncodingError::WrongLength { .. })
        ));
    }

    #[test]
    fn padding_and_the_older_checksum_are_refused() {
        use bech32::primitives::iter::{ByteIterExt, Fe32IterExt};
        let prefix = Hrp::parse(ADDRESS_PREFIX).unwrap();
        // The same 256 bits, the last of the four padding bits set, and a checksum over that.
        let mut characters: Vec<_> = BYTES.iter().copied().bytes_to_fes().collect();
        let last = characters.last_mut().unwrap();
        *last = bech32::Fe32::try_from(last.to_u8() | 1).unwrap();
        let text: String = characters
            .into_iter()
            .with_checksum::<Bech32m>(&prefix)
            .chars()
            .collect();
        assert_eq!(
            decode(ADDRESS_PREFIX, &text),
            Err(EncodingError::NonZeroPadding)
        );
        let older = bech32::encode::<bech32::Bech32>(prefix, &BYTES).unwrap();
        assert_eq!(
            decode(ADDRESS_PREFIX, &older),
            Err(EncodingError::WrongChecksum)
        );
    }

    #[test]
    fn nonsense_is_refused_without_panic() {
        for text in [
            "",
            "1",
            "hw",
            "hw1",
            "hwqqqq",
            "hw1b",
            "1qqqqqq",
            "hẅ1qqqqqq",
            "hw1 qqqqq",
        ] {
            assert!(decode(ADDRESS_PREFIX, text).is_err(), "{text:?}");
        }
    }
}
