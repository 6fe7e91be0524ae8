//! The modes of a network (P1.3) and who checks clients' signatures (P1.4), as genesis states them.
//!
//! What a mode means is the consensus crate's; here it is a name and a number.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A word that is none of the values allowed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{found:?} is no {what}: use one of {allowed}")]
pub struct UnknownValue {
    /// What was to be read.
    pub what: &'static str,
    /// The word found.
    pub found: String,
    /// The words allowed.
    pub allowed: &'static str,
}

/// How the validators agree; fixed in genesis (P1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Crash-fault Raft, nodes unsigned.
    Raft = 0,
    /// The same Raft with every message and entry signed and checked.
    RaftSigned = 1,
    /// Byzantine fault tolerance.
    Byzantine = 2,
}

impl Mode {
    /// Every mode, in the order of their wire numbers.
    pub const ALL: [Self; 3] = [Self::Raft, Self::RaftSigned, Self::Byzantine];

    /// The name in genesis, on command lines and in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raft => "raft",
            Self::RaftSigned => "raft-signed",
            Self::Byzantine => "byzantine",
        }
    }

    /// The number in hashed and signed bytes: 0, 1 or 2.
    #[must_use]
    pub const fn wire(self) -> u8 {
        self as u8
    }

    /// The mode with that number.
    #[must_use]
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Raft),
            1 => Some(Self::RaftSigned),
            2 => Some(Self::Byzantine),
            _ => None,
        }
    }

    /// The fewest validators that the mode makes sense with (P1.2).
    #[must_use]
    pub const fn minimum_validators(self) -> usize {
        match self {
            Self::Raft | Self::RaftSigned => 1,
            Self::Byzantine => 4,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| UnknownValue {
                what: "mode",
                found: text.to_owned(),
                allowed: "raft, raft-signed, byzantine",
            })
    }
}

/// Which nodes check the signature of a client's transaction (P1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientChecks {
    /// The leader alone; the others trust it. Not in byzantine mode.
    Leader = 0,
    /// Every node.
    All = 1,
}

impl ClientChecks {
    /// What a network of that mode does unless genesis says otherwise.
    #[must_use]
    pub const fn default_for(mode: Mode) -> Self {
        match mode {
            Mode::Raft => Self::Leader,
            Mode::RaftSigned | Mode::Byzantine => Self::All,
        }
    }

    /// The name in genesis, on command lines and in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::All => "all",
        }
    }

    /// The number in hashed bytes: 0 or 1.
    #[must_use]
    pub const fn wire(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for ClientChecks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for ClientChecks {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "leader" => Ok(Self::Leader),
            "all" => Ok(Self::All),
            _ => Err(UnknownValue {
                what: "way of checking clients",
                found: text.to_owned(),
                allowed: "leader, all",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_read_back_and_agree_with_json() {
        for (number, mode) in Mode::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(mode.wire()), number);
            assert_eq!(Mode::from_wire(mode.wire()), Some(mode));
            assert_eq!(mode.as_str().parse(), Ok(mode));
            let json = serde_json::to_string(&mode).unwrap();
            assert_eq!(json, format!("\"{mode}\""));
        }
        assert_eq!(Mode::from_wire(3), None);
        assert!("Raft".parse::<Mode>().is_err());
        for checks in [ClientChecks::Leader, ClientChecks::All] {
            assert_eq!(checks.as_str().parse(), Ok(checks));
            let json = serde_json::to_string(&checks).unwrap();
            assert_eq!(json, format!("\"{checks}\""));
        }
        assert!("both".parse::<ClientChecks>().is_err());
    }
}
