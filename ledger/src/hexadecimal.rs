//! Bytes and hashes in serde: lower-case hexadecimal for people, plain bytes in frames.

use std::fmt::Write;

use consensus::Hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Lower-case hexadecimal.
pub(crate) fn to_text(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes everything");
            text
        })
}

/// Reads lower-case hexadecimal, so that every byte string has exactly one text.
pub(crate) fn from_text(text: &str) -> Option<Vec<u8>> {
    fn digit(character: u8) -> Option<u8> {
        match character {
            b'0'..=b'9' => Some(character - b'0'),
            b'a'..=b'f' => Some(character - b'a' + 10),
            _ => None,
        }
    }
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

fn hash_from_text(text: &str) -> Option<Hash> {
    Some(Hash(from_text(text)?.try_into().ok()?))
}

/// A byte string that is hexadecimal in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HexBytes(pub Vec<u8>);

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_text(&self.0))
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_text(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("not lower-case hexadecimal"))
    }
}

/// A hash that is hexadecimal in JSON and 32 bytes in frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HexHash(pub Hash);

impl Serialize for HexHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&self.0)
        } else {
            self.0.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for HexHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            hash_from_text(&text)
                .map(Self)
                .ok_or_else(|| D::Error::custom("not 64 lower-case hexadecimal digits"))
        } else {
            Ok(Self(Hash(<[u8; 32]>::deserialize(deserializer)?)))
        }
    }
}

/// For `#[serde(with)]` on a hash.
pub(crate) mod hash {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        HexHash(*hash).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Hash, D::Error> {
        HexHash::deserialize(deserializer).map(|HexHash(hash)| hash)
    }
}

/// For `#[serde(with)]` on a hash that may be absent.
pub(crate) mod optional_hash {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        hash: &Option<Hash>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        hash.map(HexHash).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Hash>, D::Error> {
        let hash = Option::<HexHash>::deserialize(deserializer)?;
        Ok(hash.map(|HexHash(hash)| hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_one_text() {
        assert_eq!(to_text(&[0, 0xab, 0xff]), "00abff");
        assert_eq!(from_text("00abff"), Some(vec![0, 0xab, 0xff]));
        for bad in ["0", "0AFF", "+1", "zz", "ä0"] {
            assert_eq!(from_text(bad), None, "{bad}");
        }
    }
}
