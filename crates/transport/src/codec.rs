//! The one place where bincode is used: fixed-width little-endian integers, a size limit, and
//! nothing left over.
//!
//! For frames only. Bytes that are signed or hashed have canonical layouts of their own and must
//! never come from here: this encoding is not canonical (P2.1).

use std::fmt;
use std::marker::PhantomData;

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// Why a value could not be encoded or decoded.
#[derive(Debug, Error)]
pub enum CodecError {
    /// More bytes than the caller allows for this kind of value.
    #[error("{length} bytes exceed the limit of {limit}")]
    TooLong {
        /// Bytes given.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The bytes are no value of the expected type, or it would take more memory than allowed.
    #[error("malformed: {0}")]
    Malformed(#[from] bincode::error::DecodeError),
    /// A value, followed by bytes that belong to nothing.
    #[error("{0} bytes after the end")]
    TrailingBytes(usize),
    /// The value cannot be encoded, for example a sequence of unknown length.
    #[error("not encodable: {0}")]
    Unencodable(#[from] bincode::error::EncodeError),
}

/// Encodes `value`.
///
/// # Errors
/// [`CodecError::Unencodable`] if serde cannot express the value in this format.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    let configuration = bincode::config::standard().with_fixed_int_encoding();
    Ok(bincode::serde::encode_to_vec(value, configuration)?)
}

/// Decodes a value that takes up all of `bytes`, of which there may be `LIMIT`.
///
/// An announced length is checked before memory is reserved for it, and the bound follows the
/// number of bytes that there are: whoever sends little cannot make us reserve much.
///
/// # Errors
/// [`CodecError::TooLong`], [`CodecError::Malformed`], [`CodecError::TrailingBytes`].
pub fn decode<T: DeserializeOwned, const LIMIT: usize>(bytes: &[u8]) -> Result<T, CodecError> {
    if bytes.len() > LIMIT {
        return Err(CodecError::TooLong {
            length: bytes.len(),
            limit: LIMIT,
        });
    }
    // bincode's bound is a constant; what it counts is never more than the bytes that there are.
    match bytes.len() {
        0..=256 => decode_within::<T, 256>(bytes),
        257..=4096 => decode_within::<T, 4096>(bytes),
        4097..=65_536 => decode_within::<T, 65_536>(bytes),
        _ => decode_within::<T, LIMIT>(bytes),
    }
}

fn decode_within<T: DeserializeOwned, const BOUND: usize>(bytes: &[u8]) -> Result<T, CodecError> {
    let configuration: Configuration<LittleEndian, Fixint, Limit<BOUND>> =
        bincode::config::standard()
            .with_fixed_int_encoding()
            .with_limit::<BOUND>();
    let (value, used) = bincode::serde::decode_from_slice(bytes, configuration)?;
    match bytes.len() - used {
        0 => Ok(value),
        left => Err(CodecError::TrailingBytes(left)),
    }
}

/// Reads a list into memory that grows with the elements that come, for `#[serde(deserialize_with)]`
/// on what strangers send: serde would reserve up to a mebibyte for the length announced.
///
/// # Errors
/// Those of the elements.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct List<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(element) = elements.next_element()? {
                list.push(element);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_seq(List(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_fixed_width_and_little_endian_order() {
        assert_eq!(encode(&(1u32, 2u8)).unwrap(), [1, 0, 0, 0, 2]);
    }

    #[test]
    fn a_value_comes_back() {
        let value = (7u64, vec![1u16, 2], Some("x".to_owned()));
        let bytes = encode(&value).unwrap();
        assert_eq!(
            decode::<(u64, Vec<u16>, Option<String>), 64>(&bytes).unwrap(),
            value
        );
    }

    #[test]
    fn bytes_after_the_value_are_refused() {
        let mut bytes = encode(&5u32).unwrap();
        bytes.push(0);
        assert!(matches!(
            decode::<u32, 16>(&bytes),
            Err(CodecError::TrailingBytes(1))
        ));
    }

    #[test]
    fn more_bytes_than_the_limit_are_refused() {
        let error = decode::<Vec<u8>, 16>(&[0; 17]).unwrap_err();
        assert!(matches!(
            error,
            CodecError::TooLong {
                length: 17,
                limit: 16
            }
        ));
    }

    #[test]
    fn a_huge_announced_length_is_refused() {
        let bytes = u64::MAX.to_le_bytes();
        assert!(matches!(
            decode::<Vec<u64>, 64>(&bytes),
            Err(CodecError::Malformed(_))
        ));
        assert!(matches!(
            decode::<String, 64>(&bytes),
            Err(CodecError::Malformed(_))
        ));
    }

    /// At every bound, a value that fills it is read.
    #[test]
    fn the_bound_lets_through_all_that_there_is() {
        for length in [0, 200, 255, 256, 257, 4096, 4097, 65_536, 65_537, 100_000] {
            let text = "x".repeat(length);
            let bytes = encode(&vec![(text.clone(), Some(1u8)), (text.clone(), None)]).unwrap();
            let read = decode::<Vec<(String, Option<u8>)>, 300_000>(&bytes).unwrap();
            assert_eq!(read[1].0, text);
            let units = vec![1u8; length];
            let bytes = encode(&units).unwrap();
            assert_eq!(decode::<Vec<u8>, 300_000>(&bytes).unwrap(), units);
        }
    }

    #[test]
    fn truncated_bytes_are_refused() {
        assert!(matches!(
            decode::<u64, 64>(&[1, 2, 3]),
            Err(CodecError::Malformed(_))
        ));
    }
}
