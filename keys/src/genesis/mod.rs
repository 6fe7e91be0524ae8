//! The genesis file: what a network starts from.
//!
//! # The file
//! JSON for people ([`GenesisFile`] has the fields). Keys are in their checksummed text form,
//! amounts are integers of the asset's smallest unit, written as strings. Unknown fields are
//! refused, so that a misspelt one is not silently ignored.
//!
//! # The network id
//! [`Genesis::id`] goes into every signed byte string (P2.1). It is the tagged SHA-256
//! ([`tagged_hash`](crate::tagged_hash)) under the tag `hawser/genesis/v1` of the layout below,
//! never of the JSON. Integers are little-endian; a *string* is its length in bytes (`u32`) and
//! its bytes; a *list* is its count (`u32`) and its elements; a *key* is the 32 bytes of the
//! Ed25519 public key.
//!
//! | field | layout |
//! |---|---|
//! | format | `u32`, 1 |
//! | network | string |
//! | mode | `u32`: raft 0, raft-signed 1, byzantine 2 |
//! | client checks | `u32`: leader 0, all 1 |
//! | access | `u32`: anybody 0, members 1 |
//! | created | `u64`, milliseconds since 1970-01-01 UTC |
//! | validators | list, in the order of the file (P4.1): name (string), key |
//! | admin | key |
//! | assets | list, in the order of the file: code (string), decimals (`u32`) |
//! | accounts | list, in the order of the file: name (string), key, balances: list in ascending byte order of the codes: code (string), amount (`u64`) |
//! | readers | list, in the order of the file: key |
//!
//! The validators' **network addresses are not hashed**: a validator may move to another machine,
//! and the network stays the same one. Two files that differ in nothing else have the same id.

mod check;
mod content;
mod json;
mod layout;

use std::collections::BTreeMap;
use std::path::Path;

pub use check::{
    GenesisError, MAX_ACCOUNTS, MAX_ASSETS, MAX_DECIMALS, MAX_READERS, MAX_VALIDATORS,
};
pub use content::{Account, Asset, FORMAT, GenesisFile, Validator};
pub use json::{AmountError, MAX_GENESIS_BYTES, parse_amount};

use crate::Address;
use crate::access::Access;
use crate::file::{self, Overwrite};
use crate::mode::{ClientChecks, Mode};
use crate::public_key::PublicKey;

/// A genesis that has passed every check, with its id and indexes.
#[derive(Clone, Debug)]
pub struct Genesis {
    content: GenesisFile,
    client_checks: ClientChecks,
    id: [u8; 32],
    supplies: BTreeMap<String, u64>,
    by_name: BTreeMap<String, usize>,
    by_address: BTreeMap<Address, usize>,
}

impl Genesis {
    /// Checks the content. If `client_checks` is left out, the mode's default is filled in (P1.4).
    ///
    /// # Errors
    /// [`GenesisError`] with the first thing that is wrong.
    pub fn new(mut content: GenesisFile) -> Result<Self, GenesisError> {
        let client_checks = content
            .client_checks
            .unwrap_or_else(|| ClientChecks::default_for(content.mode));
        content.client_checks = Some(client_checks);
        let supplies = check::check(&content, client_checks)?;
        let accounts = || content.accounts.iter().enumerate();
        Ok(Self {
            by_name: accounts()
                .map(|(index, account)| (account.name.clone(), index))
                .collect(),
            by_address: accounts()
                .map(|(index, account)| (account.address(), index))
                .collect(),
            id: layout::id(&content, client_checks),
            client_checks,
            supplies,
            content,
        })
    }

    /// Reads and checks JSON.
    ///
    /// # Errors
    /// [`GenesisError::Json`], [`GenesisError::Format`] for a later format, and those of
    /// [`Genesis::new`].
    pub fn from_json(json: &[u8]) -> Result<Self, GenesisError> {
        Self::new(json::parse(json)?)
    }

    /// Reads and checks a file of at most 8 MiB.
    ///
    /// # Errors
    /// [`GenesisError::File`], and those of [`Genesis::from_json`].
    pub fn load(path: &Path) -> Result<Self, GenesisError> {
        let file = file::open(path)?;
        Self::from_json(&file::read(path, &file, MAX_GENESIS_BYTES)?)
    }

    /// The JSON text, ending in a newline.
    ///
    /// # Errors
    /// [`GenesisError::TooLarge`] if it could not be read again.
    pub fn to_json(&self) -> Result<String, GenesisError> {
        json::print(&self.content)
    }

    /// Writes the file whole or not at all, with its folder if that is missing.
    ///
    /// # Errors
    /// [`GenesisError::TooLarge`] or [`GenesisError::File`].
    pub fn store(&self, path: &Path, overwrite: Overwrite) -> Result<(), GenesisError> {
        let json = self.to_json()?;
        file::write(path, json.as_bytes(), 0o644, 0o755, overwrite)?;
        Ok(())
    }

    /// The network id: what every signed byte string names the network by (P2.1).
    #[must_use]
    pub const fn id(&self) -> [u8; 32] {
        self.id
    }

    /// The bytes that the id is the hash of (see the [module's page](self)).
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        layout::canonical_bytes(&self.content, self.client_checks)
    }

    /// Everything as it stands in the file, `client_checks` filled in.
    #[must_use]
    pub const fn content(&self) -> &GenesisFile {
        &self.content
    }

    /// The network's name.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.content.network
    }

    /// The mode (P1.3).
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.content.mode
    }

    /// Who checks clients' signatures (P1.4).
    #[must_use]
    pub const fn client_checks(&self) -> ClientChecks {
        self.client_checks
    }

    /// Who may connect as a client (P12.2).
    #[must_use]
    pub const fn access(&self) -> Access {
        self.content.access
    }

    /// Keys without an account that may connect to a network of members.
    #[must_use]
    pub fn readers(&self) -> &[PublicKey] {
        &self.content.readers
    }

    /// When the network was founded, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn created_unix_ms(&self) -> u64 {
        self.content.created_unix_ms
    }

    /// The validators, in the order in which they lead (P4.1).
    #[must_use]
    pub fn validators(&self) -> &[Validator] {
        &self.content.validators
    }

    /// The key that may change the network and issue assets.
    #[must_use]
    pub const fn admin(&self) -> &PublicKey {
        &self.content.admin
    }

    /// The assets.
    #[must_use]
    pub fn assets(&self) -> &[Asset] {
        &self.content.assets
    }

    /// The accounts that exist from the start.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.content.accounts
    }

    /// The sum of all balances of each asset, by its code; every asset of the genesis is there.
    #[must_use]
    pub const fn supplies(&self) -> &BTreeMap<String, u64> {
        &self.supplies
    }

    /// The asset of that code.
    #[must_use]
    pub fn asset(&self, code: &str) -> Option<&Asset> {
        self.assets().iter().find(|asset| asset.code == code)
    }

    /// The account of that name.
    #[must_use]
    pub fn account_by_name(&self, name: &str) -> Option<&Account> {
        self.by_name
            .get(name)
            .map(|&index| &self.content.accounts[index])
    }

    /// The account of that address.
    #[must_use]
    pub fn account_by_address(&self, address: &Address) -> Option<&Account> {
        self.by_address
            .get(address)
            .map(|&index| &self.content.accounts[index])
    }

    /// The validator of that name, and its place in the order.
    #[must_use]
    pub fn validator_by_name(&self, name: &str) -> Option<(usize, &Validator)> {
        self.validators()
            .iter()
            .enumerate()
            .find(|(_, validator)| validator.name == name)
    }

    /// The validator with that key, and its place in the order.
    #[must_use]
    pub fn validator_by_key(&self, key: &PublicKey) -> Option<(usize, &Validator)> {
        self.validators()
            .iter()
            .enumerate()
            .find(|(_, validator)| validator.key.public_key() == key)
    }
}
