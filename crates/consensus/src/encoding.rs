//! The canonical byte layout (P2.1): fixed, hand-written, and the only thing ever signed or hashed.
//!
//! Integers are little-endian and of fixed width; whatever varies in length is prefixed with its
//! length or count as a `u32`; an option is one byte, 0 or 1, before the value. Every value has
//! exactly one encoding, and decoding refuses anything else. `docs/wire.md` has the layouts with
//! test vectors.

use thiserror::Error;

/// Why bytes are not a canonical encoding.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The input ended inside a value.
    #[error("the input ends {missing} bytes early")]
    Short {
        /// How many bytes were still needed.
        missing: usize,
    },
    /// Bytes are left after the value.
    #[error("{extra} bytes follow the value")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// A length or count is beyond its limit.
    #[error("{what} of {found} is beyond the limit of {limit}")]
    TooLong {
        /// What was counted.
        what: &'static str,
        /// The number found.
        found: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// A tag has no meaning, or a value has another encoding.
    #[error("{what} has the unknown value {found}")]
    Unknown {
        /// Which tag.
        what: &'static str,
        /// The value found.
        found: u64,
    },
}

/// A value with exactly one byte layout.
pub trait Canonical: Sized {
    /// Appends the layout.
    fn encode(&self, writer: &mut Writer);

    /// Reads the layout back.
    ///
    /// # Errors
    /// Whatever is wrong with the bytes; never panics, never allocates beyond the input's length.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The layout on its own.
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.encode(&mut writer);
        writer.into_bytes()
    }

    /// Reads a value that fills `bytes` exactly.
    ///
    /// # Errors
    /// As [`Canonical::decode`], and if anything follows the value.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }
}

/// Collects an encoding.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes of a length that both sides know.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    /// One byte, 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// A length or count. Limits keep every length far below `u32::MAX`.
    pub fn length(&mut self, length: usize) {
        self.u32(u32::try_from(length).expect("limits keep lengths below 2^32"));
    }

    /// Length-prefixed bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.raw(bytes);
    }

    /// An option.
    pub fn option<T: Canonical>(&mut self, value: Option<&T>) {
        self.bool(value.is_some());
        if let Some(value) = value {
            value.encode(self);
        }
    }

    /// A counted list.
    pub fn list<T: Canonical>(&mut self, values: &[T]) {
        self.length(values.len());
        for value in values {
            value.encode(self);
        }
    }
}

/// Reads an encoding.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] if something is.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(DecodeError::Trailing { extra }),
        }
    }

    /// Bytes of a known length.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn raw(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (value, rest) =
            self.rest
                .split_at_checked(length)
                .ok_or_else(|| DecodeError::Short {
                    missing: length - self.rest.len(),
                })?;
        self.rest = rest;
        Ok(value)
    }

    /// An array.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_le_bytes)
    }

    /// Two bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`].
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// One byte, 0 or 1.
    ///
    /// # Errors
    /// [`DecodeError::Unknown`] for any other value.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(DecodeError::Unknown {
                what: "flag",
                found: other.into(),
            }),
        }
    }

    /// A length or count of at most `limit`.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`].
    pub fn length(&mut self, what: &'static str, limit: usize) -> Result<usize, DecodeError> {
        let found = self.u32()? as usize;
        if found > limit {
            return Err(DecodeError::TooLong { what, found, limit });
        }
        Ok(found)
    }

    /// Length-prefixed bytes.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] or [`DecodeError::Short`], before anything is allocated.
    pub fn bytes(&mut self, what: &'static str, limit: usize) -> Result<&'a [u8], DecodeError> {
        let length = self.length(what, limit)?;
        self.raw(length)
    }

    /// An option.
    ///
    /// # Errors
    /// Those of the flag and of the value.
    pub fn option<T: Canonical>(&mut self) -> Result<Option<T>, DecodeError> {
        self.bool()?.then(|| T::decode(self)).transpose()
    }

    /// A counted list. Every element takes at least one byte, so the input bounds the allocation.
    ///
    /// # Errors
    /// Those of the count and of the elements.
    pub fn list<T: Canonical>(
        &mut self,
        what: &'static str,
        limit: usize,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.length(what, limit)?;
        (0..count).map(|_| T::decode(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_fills_its_bytes_exactly() {
        let mut writer = Writer::default();
        writer.u64(7);
        let mut bytes = writer.into_bytes();
        assert_eq!(crate::Term::from_bytes(&bytes), Ok(crate::Term(7)));
        bytes.push(0);
        assert_eq!(
            crate::Term::from_bytes(&bytes),
            Err(DecodeError::Trailing { extra: 1 })
        );
        assert_eq!(
            crate::Term::from_bytes(&bytes[..5]),
            Err(DecodeError::Short { missing: 3 })
        );
    }

    #[test]
    fn a_flag_has_one_encoding() {
        assert_eq!(
            Reader::new(&[2]).bool(),
            Err(DecodeError::Unknown {
                what: "flag",
                found: 2
            })
        );
    }

    #[test]
    fn a_length_is_judged_before_anything_is_read() {
        let bytes = u32::MAX.to_le_bytes();
        assert_eq!(
            Reader::new(&bytes).bytes("body", 16),
            Err(DecodeError::TooLong {
                what: "body",
                found: u32::MAX as usize,
                limit: 16
            })
        );
    }
}
