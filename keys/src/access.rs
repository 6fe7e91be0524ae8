//! Who may connect to a network as a client, as genesis states it (P12.2).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::mode::UnknownValue;

/// Who may connect to a network as a client; fixed in genesis (P12.2).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Whoever holds any key.
    Anybody = 0,
    /// Holders of the keys of accounts, of the admin, of validators, and of listed readers.
    #[default]
    Members = 1,
}

impl Access {
    /// The name in genesis, on command lines and in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anybody => "anybody",
            Self::Members => "members",
        }
    }

    /// The number in hashed bytes: 0 or 1.
    #[must_use]
    pub const fn wire(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Access {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "anybody" => Ok(Self::Anybody),
            "members" => Ok(Self::Members),
            _ => Err(UnknownValue {
                what: "access",
                found: text.to_owned(),
                allowed: "members, anybody",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_read_back_and_agree_with_json() {
        for (number, access) in [Access::Anybody, Access::Members].into_iter().enumerate() {
            assert_eq!(usize::from(access.wire()), number);
            assert_eq!(access.as_str().parse(), Ok(access));
            let json = serde_json::to_string(&access).unwrap();
            assert_eq!(json, format!("\"{access}\""));
        }
        assert!("everybody".parse::<Access>().is_err());
    }
}
