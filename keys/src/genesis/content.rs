//! The fields of the genesis file.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::json;
use crate::Address;
use crate::access::Access;
use crate::incarnation::IncarnationHash;
use crate::mode::{ClientChecks, Mode};
use crate::public_key::{PublicKey, ValidatorKey};

/// The one format that is read and written.
pub const FORMAT: u32 = 1;

/// The fields of the genesis file, not yet checked as a whole: see
/// [`Genesis::new`](super::Genesis::new).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisFile {
    /// [`FORMAT`].
    pub format: u32,
    /// The network's name: 1 to 64 ASCII letters, digits, `.`, `_`, `-`.
    pub network: String,
    /// How the validators agree (P1.3).
    pub mode: Mode,
    /// Who checks clients' signatures (P1.4); the mode's default if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_checks: Option<ClientChecks>,
    /// Who may connect as a client (P12.2); members if left out.
    #[serde(default)]
    pub access: Access,
    /// When the network was founded, in milliseconds since 1970-01-01 UTC.
    pub created_unix_ms: u64,
    /// The validators, in the order in which they lead (P4.1).
    pub validators: Vec<Validator>,
    /// The key that may change the network and issue assets. It may be an account's below.
    pub admin: PublicKey,
    /// The assets.
    pub assets: Vec<Asset>,
    /// The accounts that exist from the start.
    pub accounts: Vec<Account>,
    /// Keys of others that may connect to a network of members, to read what everybody there may
    /// read. They hold no account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readers: Vec<PublicKey>,
}

/// A node that takes part in agreeing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// Its name for people ([`check_name`](crate::check_name)).
    pub name: String,
    /// Its identity.
    pub key: ValidatorKey,
    /// The data directory that votes under this key, and no other (P9.4).
    pub incarnation: IncarnationHash,
    /// Where the others and clients reach it. Not part of the network id.
    pub address: SocketAddr,
}

/// Something that accounts hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// 1 to 12 capital letters and digits, a letter first.
    pub code: String,
    /// How many decimal places people see; amounts count the smallest unit. At most 18.
    pub decimals: u8,
}

/// An account that exists from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its name for people ([`check_name`](crate::check_name)).
    pub name: String,
    /// Its first key, which fixes its address.
    pub key: PublicKey,
    /// What it holds, by asset code, in smallest units.
    #[serde(default, with = "json::balances")]
    pub balances: BTreeMap<String, u64>,
}

impl Account {
    /// The account's address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.key.address()
    }
}
