//! Codes of assets.

use std::{fmt, str::FromStr};

use consensus::encoding::{Canonical, DecodeError, Reader, Writer};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limits::ASSET_CODE_BYTES;

/// The code of an asset: 1 to 12 capital letters and digits, a letter first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AssetCode {
    /// Zeros after the code.
    bytes: [u8; ASSET_CODE_BYTES],
}

/// A text that is no asset code.
#[derive(Clone, Copy, Debug, Default, Error, PartialEq, Eq)]
#[error("an asset code is 1 to 12 capital letters and digits, a letter first")]
pub struct AssetCodeError;

impl AssetCode {
    fn from_padded(bytes: [u8; ASSET_CODE_BYTES]) -> Result<Self, AssetCodeError> {
        let length = bytes
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(bytes.len());
        let (code, padding) = bytes.split_at(length);
        let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let valid = code.first().is_some_and(u8::is_ascii_uppercase)
            && code.iter().all(plain)
            && padding.iter().all(|&byte| byte == 0);
        if valid {
            Ok(Self { bytes })
        } else {
            Err(AssetCodeError)
        }
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes)
            .expect("a code was checked to be ASCII")
            .trim_end_matches('\0')
    }
}

impl FromStr for AssetCode {
    type Err = AssetCodeError;

    fn from_str(text: &str) -> Result<Self, AssetCodeError> {
        let mut bytes = [0; ASSET_CODE_BYTES];
        bytes
            .get_mut(..text.len())
            .ok_or(AssetCodeError)?
            .copy_from_slice(text.as_bytes());
        // A zero byte inside the text would otherwise be taken for padding.
        if text.contains('\0') {
            return Err(AssetCodeError);
        }
        Self::from_padded(bytes)
    }
}

impl TryFrom<String> for AssetCode {
    type Error = AssetCodeError;

    fn try_from(text: String) -> Result<Self, AssetCodeError> {
        text.parse()
    }
}

impl From<AssetCode> for String {
    fn from(code: AssetCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for AssetCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for AssetCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Layout: 12 bytes, the code in ASCII followed by zeros.
impl Canonical for AssetCode {
    fn encode(&self, writer: &mut Writer) {
        writer.raw(&self.bytes);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes: [u8; ASSET_CODE_BYTES] = reader.array()?;
        Self::from_padded(bytes).map_err(|AssetCodeError| DecodeError::Unknown {
            what: "asset code",
            found: u64::from_le_bytes(bytes[..8].try_into().expect("eight of twelve bytes")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_one_layout() {
        let code: AssetCode = "USD2".parse().unwrap();
        assert_eq!(code.to_bytes(), *b"USD2\0\0\0\0\0\0\0\0");
        assert_eq!(AssetCode::from_bytes(&code.to_bytes()), Ok(code));
        assert_eq!(code.to_string(), "USD2");
        assert_eq!(
            "ABCDEFGHIJKL".parse::<AssetCode>().unwrap().as_str().len(),
            12
        );
        for bad in [
            *b"USD\0\0\0\0\0\0\0\0x",
            *b"\0USD\0\0\0\0\0\0\0\0",
            *b"usd\0\0\0\0\0\0\0\0\0",
            [0; 12],
            [0xff; 12],
        ] {
            assert!(AssetCode::from_bytes(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn other_texts_are_no_codes() {
        for bad in ["", "usd", "2USD", "USD ", "ABCDEFGHIJKLM", "U\0", "Ü"] {
            assert_eq!(bad.parse::<AssetCode>(), Err(AssetCodeError), "{bad:?}");
        }
    }
}
