//! The one hash of this crate, and hexadecimal.

use sha2::{Digest, Sha256};

/// SHA-256 of the tag's length (`u32`, little-endian), the tag, and the body, in that order.
///
/// The tag separates what a hash means; its length keeps a tag from running into the body.
#[must_use]
pub fn tagged_hash(tag: &str, body: &[u8]) -> [u8; 32] {
    let length = u32::try_from(tag.len()).expect("tags are short constants");
    let mut hasher = Sha256::new();
    hasher.update(length.to_le_bytes());
    hasher.update(tag.as_bytes());
    hasher.update(body);
    hasher.finalize().into()
}

/// Lower-case hexadecimal, two digits a byte.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads 64 hexadecimal digits of either case.
#[must_use]
pub fn from_hex(text: &str) -> Option<[u8; 32]> {
    // Only ASCII digits: `from_str_radix` alone would also take a sign.
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_does_not_run_into_the_body() {
        assert_ne!(tagged_hash("ab", b"c"), tagged_hash("a", b"bc"));
    }

    #[test]
    fn hexadecimal_reads_back_and_refuses_signs_and_other_lengths() {
        let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index * 7).unwrap());
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
        assert_eq!(from_hex(&"+1".repeat(32)), None);
        assert_eq!(from_hex(&"0".repeat(63)), None);
        assert_eq!(from_hex(&"0".repeat(66)), None);
    }
}
