//! Segment names and headers.

use crate::format::{checksum, field, u32_at, u64_at};
use crate::limits::{BLOCK_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

const MAGIC: [u8; 8] = *b"hawser\0\x01";
const VERSION: u32 = 1;

/// Bytes of a segment header; the rest of its block is zero.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 100;
/// Where the header and its copy are.
pub(crate) const SEGMENT_HEADER_OFFSETS: [usize; 2] = [0, 3 * BLOCK_BYTES];
/// Where the vote slots are.
pub(crate) const SLOT_OFFSETS: [usize; 2] = [BLOCK_BYTES, 2 * BLOCK_BYTES];
/// Where the first batch is.
pub(crate) const DATA_START: usize = 4 * BLOCK_BYTES;

const SUFFIX: &str = ".segment";

/// File name of a segment.
pub(crate) fn segment_name(number: u32) -> String {
    format!("{number:010}{SUFFIX}")
}

/// Name under which a segment is prepared.
pub(crate) fn temporary_name(number: u32) -> String {
    format!("{}.new", segment_name(number))
}

/// The number in a file name, if it is a segment's.
pub(crate) fn segment_number(name: &str) -> Option<u32> {
    let number = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (segment_name(number) == name).then_some(number)
}

/// What a directory is bound to (P11.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Identifier of the network.
    pub network: [u8; 32],
    /// Public key of the node.
    pub node: [u8; 32],
}

/// First block of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub identity: Identity,
    pub number: u32,
    /// Length of the whole file.
    pub length: u32,
    pub salt: u64,
}

/// Why a block is no usable segment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    Damaged,
    Version(u32),
}

impl SegmentHeader {
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.length.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.salt.to_le_bytes());
        bytes[32..64].copy_from_slice(&self.identity.network);
        bytes[64..96].copy_from_slice(&self.identity.node);
        let sum = checksum(&[&bytes[..96]]);
        bytes[96..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Later versions keep the place of magic, version and checksum.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        Self::read(bytes).unwrap_or(Err(HeaderFault::Damaged))
    }

    fn read(bytes: &[u8]) -> Option<Result<Self, HeaderFault>> {
        let covered = bytes.get(..96)?;
        if field(bytes, 0)? != MAGIC || u32_at(bytes, 96)? != checksum(&[covered]) {
            return None;
        }
        let version = u32_at(bytes, 8)?;
        if version != VERSION {
            return Some(Err(HeaderFault::Version(version)));
        }
        let header = Self {
            identity: Identity {
                network: field(bytes, 32)?,
                node: field(bytes, 64)?,
            },
            number: u32_at(bytes, 12)?,
            length: u32_at(bytes, 16)?,
            salt: u64_at(bytes, 24)?,
        };
        let sane = (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&(header.length as usize));
        Some(if sane {
            Ok(header)
        } else {
            Err(HeaderFault::Damaged)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_not() {
        assert_eq!(segment_number(&segment_name(7)), Some(7));
        assert_eq!(segment_number(&segment_name(u32::MAX)), Some(u32::MAX));
        for other in [
            "7.segment",
            "lock",
            "0000000007.segment.new",
            "+000000007.segment",
            ".segment",
        ] {
            assert_eq!(segment_number(other), None, "{other}");
        }
    }

    #[test]
    fn a_header_survives_and_no_flip_does() {
        let header = SegmentHeader {
            identity: Identity {
                network: [1; 32],
                node: [2; 32],
            },
            number: 3,
            length: 1 << 20,
            salt: 4,
        };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(&flipped), Err(HeaderFault::Damaged));
        }
        for length in 0..bytes.len() {
            assert!(SegmentHeader::decode(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn a_later_version_is_told_from_damage() {
        let header = SegmentHeader {
            identity: Identity {
                network: [1; 32],
                node: [2; 32],
            },
            number: 3,
            length: 1 << 20,
            salt: 4,
        };
        let mut bytes = header.encode();
        bytes[8] = 2;
        let sum = checksum(&[&bytes[..96]]);
        bytes[96..].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFault::Version(2)));
    }
}
