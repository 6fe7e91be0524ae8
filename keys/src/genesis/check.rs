//! What must hold before a network may start from a genesis.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use super::content::{Asset, FORMAT, GenesisFile, Validator};
use super::json::MAX_GENESIS_BYTES;
use crate::access::Access;
use crate::file::FileError;
use crate::incarnation::IncarnationHash;
use crate::mode::{ClientChecks, Mode};
use crate::name::{NameError, check_name, shorten};
use crate::public_key::PublicKey;

/// The most validators.
pub const MAX_VALIDATORS: usize = 64;
/// The most accounts.
pub const MAX_ACCOUNTS: usize = 10_000;
/// The most listed readers.
pub const MAX_READERS: usize = 10_000;
/// The most assets.
pub const MAX_ASSETS: usize = 64;
/// The most decimal places: ten to the 18th still fits an amount.
pub const MAX_DECIMALS: u8 = 18;

const MAX_NETWORK_BYTES: usize = 64;
const MAX_CODE_BYTES: usize = 12;
/// The last millisecond of the year 9999: what calendars print, and far from overflowing.
const MAX_CREATED_UNIX_MS: u64 = 253_402_300_799_999;

/// Why a network cannot start from a genesis.
#[derive(Debug, Error)]
pub enum GenesisError {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The text is not JSON of this form.
    #[error("the genesis file cannot be read: {0}")]
    Json(String),
    /// The file was made for another version of this program.
    #[error("the genesis file has format {0}; this program reads format {FORMAT}")]
    Format(u32),
    /// The file would be too large to be read again.
    #[error("the genesis file has {0} bytes; the limit is {MAX_GENESIS_BYTES}")]
    TooLarge(usize),
    /// The network's name cannot be used.
    #[error("{} is no valid network name: use 1 to {MAX_NETWORK_BYTES} ASCII letters, digits, `.`, `_`, `-`", shorten(.0))]
    Network(String),
    /// The founding time is beyond the year 9999.
    #[error("created_unix_ms = {0} is beyond the year 9999: is it in milliseconds?")]
    Created(u64),
    /// There are too few validators for the mode (P1.2).
    #[error("mode {mode} needs at least {minimum} validators, and there are {found}", minimum = .mode.minimum_validators())]
    TooFewValidators {
        /// The mode.
        mode: Mode,
        /// How many there are.
        found: usize,
    },
    /// There are more of something than allowed.
    #[error("there are {found} {what}; the limit is {limit}")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// In byzantine mode every node checks (P1.4).
    #[error(
        "client_checks = leader would trust the leader, which mode byzantine must not: use all"
    )]
    LeaderChecksInByzantine,
    /// A validator's or account's name cannot be used.
    #[error("{what}: {source}")]
    Name {
        /// What has the name.
        what: &'static str,
        /// What is wrong with it.
        source: NameError,
    },
    /// Two validators or two accounts have one name.
    #[error("two {what} are named `{name}`")]
    DuplicateName {
        /// `validators` or `accounts`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two validators have one key: one machine would vote twice.
    #[error("the validators `{first}` and `{second}` have the same key")]
    DuplicateValidatorKey {
        /// The first validator's name.
        first: String,
        /// The second's.
        second: String,
    },
    /// Two validators have one data directory.
    #[error(
        "the validators `{first}` and `{second}` have the same incarnation: make each a directory of its own"
    )]
    DuplicateIncarnation {
        /// The first validator's name.
        first: String,
        /// The second's.
        second: String,
    },
    /// Two accounts have one key, and so one address.
    #[error("the accounts `{first}` and `{second}` have the same key")]
    DuplicateAccountKey {
        /// The first account's name.
        first: String,
        /// The second's.
        second: String,
    },
    /// A reader is listed twice.
    #[error("the reader {0} is listed twice")]
    DuplicateReader(String),
    /// Readers are listed where anybody may read.
    #[error("access = anybody lets everybody read: leave the readers out, or use access = members")]
    ReadersOfAnybody,
    /// An account, a reader or the admin has a validator's key.
    #[error("{holder} has the same key as the validator `{validator}`: give it a key of its own")]
    SharedKey {
        /// Who else has the key.
        holder: String,
        /// The validator's name.
        validator: String,
    },
    /// Two validators listen at one place.
    #[error("the validators `{first}` and `{second}` have the same address {address}")]
    DuplicateAddress {
        /// The first validator's name.
        first: String,
        /// The second's.
        second: String,
        /// Their address.
        address: SocketAddr,
    },
    /// Nobody can connect to the address.
    #[error(
        "the validator `{name}` cannot be reached at {address}: give an IP address of its machine, and a port other than 0"
    )]
    Unreachable {
        /// The validator's name.
        name: String,
        /// Its address.
        address: SocketAddr,
    },
    /// There is no asset.
    #[error("there is no asset; list at least one")]
    NoAssets,
    /// An asset's code cannot be used.
    #[error("{} is no valid asset code: use 1 to {MAX_CODE_BYTES} capital letters and digits, a letter first", shorten(.0))]
    AssetCode(String),
    /// An asset has too many decimal places.
    #[error("the asset {code} has {decimals} decimals; the limit is {MAX_DECIMALS}")]
    Decimals {
        /// The asset.
        code: String,
        /// Its decimals.
        decimals: u8,
    },
    /// An asset is listed twice.
    #[error("the asset {0} is listed twice")]
    DuplicateAsset(String),
    /// An account holds an asset that is not listed.
    #[error("the account `{account}` holds {}, which is not among the assets", shorten(.code))]
    UnknownAsset {
        /// The account's name.
        account: String,
        /// The asset's code.
        code: String,
    },
    /// The balances of an asset add up to more than amounts can count.
    #[error("the balances of {0} add up to more than {max}", max = u64::MAX)]
    SupplyTooLarge(String),
}

/// Checks everything that the types do not, and adds up each asset.
pub(super) fn check(
    content: &GenesisFile,
    client_checks: ClientChecks,
) -> Result<BTreeMap<String, u64>, GenesisError> {
    if content.format != FORMAT {
        return Err(GenesisError::Format(content.format));
    }
    check_network(&content.network)?;
    if content.created_unix_ms > MAX_CREATED_UNIX_MS {
        return Err(GenesisError::Created(content.created_unix_ms));
    }
    if content.mode == Mode::Byzantine && client_checks == ClientChecks::Leader {
        return Err(GenesisError::LeaderChecksInByzantine);
    }
    let validators_by_key = check_validators(content.mode, &content.validators)?;
    if let Some(validator) = validators_by_key.get(&content.admin) {
        return Err(GenesisError::SharedKey {
            holder: "the admin".to_owned(),
            validator: (*validator).to_owned(),
        });
    }
    let mut supplies = check_assets(&content.assets)?;
    check_accounts(content, &validators_by_key, &mut supplies)?;
    check_readers(content, &validators_by_key)?;
    Ok(supplies)
}

fn check_network(network: &str) -> Result<(), GenesisError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=MAX_NETWORK_BYTES).contains(&network.len()) && network.bytes().all(allowed) {
        Ok(())
    } else {
        Err(GenesisError::Network(network.to_owned()))
    }
}

fn check_count(what: &'static str, found: usize, limit: usize) -> Result<(), GenesisError> {
    if found > limit {
        return Err(GenesisError::TooMany { what, found, limit });
    }
    Ok(())
}

/// Checks the validators and returns their names by key.
fn check_validators(
    mode: Mode,
    validators: &[Validator],
) -> Result<BTreeMap<PublicKey, &str>, GenesisError> {
    check_count("validators", validators.len(), MAX_VALIDATORS)?;
    if validators.len() < mode.minimum_validators() {
        return Err(GenesisError::TooFewValidators {
            mode,
            found: validators.len(),
        });
    }
    let mut names = BTreeSet::new();
    let mut by_key: BTreeMap<PublicKey, &str> = BTreeMap::new();
    let mut by_address: BTreeMap<(IpAddr, u16), &str> = BTreeMap::new();
    let mut by_incarnation: BTreeMap<IncarnationHash, &str> = BTreeMap::new();
    for Validator {
        name,
        key,
        incarnation,
        address,
    } in validators
    {
        check_name(name).map_err(|source| GenesisError::Name {
            what: "a validator",
            source,
        })?;
        if !names.insert(name) {
            return Err(GenesisError::DuplicateName {
                what: "validators",
                name: name.clone(),
            });
        }
        if let Some(first) = by_key.insert(*key.public_key(), name) {
            return Err(GenesisError::DuplicateValidatorKey {
                first: first.to_owned(),
                second: name.clone(),
            });
        }
        if let Some(first) = by_incarnation.insert(*incarnation, name) {
            return Err(GenesisError::DuplicateIncarnation {
                first: first.to_owned(),
                second: name.clone(),
            });
        }
        // An IPv4 address can also be written as IPv6.
        let place = (address.ip().to_canonical(), address.port());
        if place.0.is_unspecified() || place.0.is_multicast() || place.1 == 0 {
            return Err(GenesisError::Unreachable {
                name: name.clone(),
                address: *address,
            });
        }
        if let Some(first) = by_address.insert(place, name) {
            return Err(GenesisError::DuplicateAddress {
                first: first.to_owned(),
                second: name.clone(),
                address: *address,
            });
        }
    }
    Ok(by_key)
}

/// Checks the assets and returns a supply of zero for each.
fn check_assets(assets: &[Asset]) -> Result<BTreeMap<String, u64>, GenesisError> {
    check_count("assets", assets.len(), MAX_ASSETS)?;
    if assets.is_empty() {
        return Err(GenesisError::NoAssets);
    }
    let mut supplies = BTreeMap::new();
    for Asset { code, decimals } in assets {
        let plain = code
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && code.as_bytes().first().is_some_and(u8::is_ascii_uppercase);
        if !plain || code.len() > MAX_CODE_BYTES {
            return Err(GenesisError::AssetCode(code.clone()));
        }
        if *decimals > MAX_DECIMALS {
            return Err(GenesisError::Decimals {
                code: code.clone(),
                decimals: *decimals,
            });
        }
        if supplies.insert(code.clone(), 0).is_some() {
            return Err(GenesisError::DuplicateAsset(code.clone()));
        }
    }
    Ok(supplies)
}

/// Checks the accounts and adds their balances to the supplies.
fn check_accounts(
    content: &GenesisFile,
    validators_by_key: &BTreeMap<PublicKey, &str>,
    supplies: &mut BTreeMap<String, u64>,
) -> Result<(), GenesisError> {
    check_count("accounts", content.accounts.len(), MAX_ACCOUNTS)?;
    let mut names = BTreeSet::new();
    let mut by_key: BTreeMap<PublicKey, &str> = BTreeMap::new();
    for account in &content.accounts {
        let name = &account.name;
        check_name(name).map_err(|source| GenesisError::Name {
            what: "an account",
            source,
        })?;
        if !names.insert(name) {
            return Err(GenesisError::DuplicateName {
                what: "accounts",
                name: name.clone(),
            });
        }
        if let Some(first) = by_key.insert(account.key, name) {
            return Err(GenesisError::DuplicateAccountKey {
                first: first.to_owned(),
                second: name.clone(),
            });
        }
        if let Some(validator) = validators_by_key.get(&account.key) {
            return Err(GenesisError::SharedKey {
                holder: format!("the account `{name}`"),
                validator: (*validator).to_owned(),
            });
        }
        for (code, amount) in &account.balances {
            let supply = supplies
                .get_mut(code)
                .ok_or_else(|| GenesisError::UnknownAsset {
                    account: name.clone(),
                    code: code.clone(),
                })?;
            *supply = supply
                .checked_add(*amount)
                .ok_or_else(|| GenesisError::SupplyTooLarge(code.clone()))?;
        }
    }
    Ok(())
}

/// Checks the keys that may only read.
fn check_readers(
    content: &GenesisFile,
    validators_by_key: &BTreeMap<PublicKey, &str>,
) -> Result<(), GenesisError> {
    check_count("readers", content.readers.len(), MAX_READERS)?;
    if content.access == Access::Anybody && !content.readers.is_empty() {
        return Err(GenesisError::ReadersOfAnybody);
    }
    let mut seen = BTreeSet::new();
    for reader in &content.readers {
        if !seen.insert(reader) {
            return Err(GenesisError::DuplicateReader(reader.to_string()));
        }
        if let Some(validator) = validators_by_key.get(reader) {
            return Err(GenesisError::SharedKey {
                holder: format!("the reader {reader}"),
                validator: (*validator).to_owned(),
            });
        }
    }
    Ok(())
}
