//! Reading and printing the genesis file: bounds, and amounts as strings.

use serde::Deserialize;
use thiserror::Error;

use super::check::GenesisError;
use super::content::{FORMAT, GenesisFile};
use crate::{name::shorten, strict_json};

/// The largest genesis file, in bytes.
pub const MAX_GENESIS_BYTES: u64 = 8 << 20;
/// How much of the parser's complaint is shown.
const MAX_REASON_CHARACTERS: usize = 300;

/// A text that is no amount.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{} is no amount: use a whole number of smallest units, 0 to {max}, without sign or leading zeros",
    shorten(.0),
    max = u64::MAX
)]
pub struct AmountError(pub String);

/// Reads an amount: decimal digits of a `u64`, nothing else, so that every amount has one text.
///
/// # Errors
/// [`AmountError`] with the start of the text.
pub fn parse_amount(text: &str) -> Result<u64, AmountError> {
    let refused = || AmountError(text.chars().take(64).collect());
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(refused());
    }
    text.parse().map_err(|_| refused())
}

pub(super) fn parse(json: &[u8]) -> Result<GenesisFile, GenesisError> {
    /// Read first, so that a later format is called that and not a misspelt field.
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    if json.len() as u64 > MAX_GENESIS_BYTES {
        return Err(GenesisError::TooLarge(json.len()));
    }
    let version: Version =
        serde_json::from_slice(json).map_err(|error| reason(&strict_json::plain(error)))?;
    if version.format != FORMAT {
        return Err(GenesisError::Format(version.format));
    }
    strict_json::from_slice(json).map_err(|error| reason(&error))
}

pub(super) fn print(content: &GenesisFile) -> Result<String, GenesisError> {
    let mut json = serde_json::to_string_pretty(content).map_err(|error| reason(&error))?;
    json.push('\n');
    if json.len() as u64 > MAX_GENESIS_BYTES {
        return Err(GenesisError::TooLarge(json.len()));
    }
    Ok(json)
}

/// The parser quotes the file: cut it, and let no control character through to a terminal.
fn reason(error: &serde_json::Error) -> GenesisError {
    let plain = error
        .to_string()
        .chars()
        .take(MAX_REASON_CHARACTERS)
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect();
    GenesisError::Json(plain)
}

/// A map from asset code to amount, in which no code may appear twice.
pub(super) mod balances {
    use std::collections::BTreeMap;
    use std::fmt;

    use serde::de::{Error, MapAccess, Visitor};
    use serde::{Deserializer, Serializer};

    use super::parse_amount;
    use crate::name::shorten;

    pub fn serialize<S: Serializer>(
        balances: &BTreeMap<String, u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            balances
                .iter()
                .map(|(code, amount)| (code, amount.to_string())),
        )
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, u64>, D::Error> {
        deserializer.deserialize_map(Balances)
    }

    struct Balances;

    impl<'de> Visitor<'de> for Balances {
        type Value = BTreeMap<String, u64>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object of asset codes with amounts as strings")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut balances = BTreeMap::new();
            while let Some((code, amount)) = map.next_entry::<String, String>()? {
                let amount = parse_amount(&amount).map_err(M::Error::custom)?;
                let shown = shorten(&code);
                if balances.insert(code, amount).is_some() {
                    return Err(M::Error::custom(format_args!(
                        "the asset {shown} has two balances in one account"
                    )));
                }
            }
            Ok(balances)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_one_text() {
        assert_eq!(parse_amount("0"), Ok(0));
        assert_eq!(parse_amount("1000000"), Ok(1_000_000));
        assert_eq!(parse_amount("18446744073709551615"), Ok(u64::MAX));
        for bad in [
            "",
            "-1",
            "+1",
            "01",
            "00",
            "1.5",
            "1e3",
            " 1",
            "1 ",
            "1_000",
            "0x1",
            "١",
            "18446744073709551616",
            "99999999999999999999999",
        ] {
            assert!(parse_amount(bad).is_err(), "{bad:?}");
        }
    }
}
