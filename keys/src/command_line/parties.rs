//! Reading validators, accounts, assets and keys from the command line.

use std::collections::BTreeMap;

use keys::genesis::parse_amount;
use keys::{Account, Asset, KeyStore, PublicKey, Validator, ValidatorKey, check_name, from_hex};

use super::failure::{Failure, missing};
use super::{Common, init};

/// Reads keys as text or from the key files of one folder.
pub struct KeyReader<'a> {
    common: &'a Common,
    store: KeyStore,
}

impl<'a> KeyReader<'a> {
    pub fn new(common: &'a Common) -> Self {
        Self {
            common,
            store: common.store(),
        }
    }

    /// `hwk1…`, 64 hexadecimal digits, or the name of a key file.
    pub fn public_key(&self, text: &str) -> Result<PublicKey, Failure> {
        match self.named_or_hexadecimal(text)? {
            Some(key) => Ok(key),
            None => text
                .parse()
                .map_err(|error| Failure::usage(format!("cannot use the key {text:?}: {error}"))),
        }
    }

    /// `hwv1…` or 64 hexadecimal digits.
    pub fn validator_key(&self, text: &str) -> Result<ValidatorKey, Failure> {
        match self.named_or_hexadecimal(text)? {
            Some(key) => Ok(key.into()),
            None => text
                .parse()
                .map_err(|error| Failure::usage(format!("cannot use the key {text:?}: {error}"))),
        }
    }

    fn named_or_hexadecimal(&self, text: &str) -> Result<Option<PublicKey>, Failure> {
        if let Some(bytes) = from_hex(text) {
            return PublicKey::from_bytes(&bytes)
                .map(Some)
                .map_err(|error| Failure::usage(format!("cannot use the key {text}: {error}")));
        }
        // A key in text form is longer than any name.
        if check_name(text).is_err() {
            return Ok(None);
        }
        match self.store.public_side(text) {
            Ok(side) => Ok(Some(side.key)),
            Err(error) => {
                let absent = missing(&error);
                let failure = Failure::from(error);
                Err(if absent {
                    failure.next(format!(
                        "To make it: {}",
                        self.common.command(&["gen", text])
                    ))
                } else {
                    failure
                })
            }
        }
    }

    /// `NAME[=KEY/INCARNATION|=DIR]@ADDRESS`.
    pub fn validator(&self, text: &str) -> Result<Validator, Failure> {
        let form = "use NAME=KEY/INCARNATION@ADDRESS:PORT as `keys init` prints it, or \
                    NAME=DIR@ADDRESS:PORT or NAME@ADDRESS:PORT for a directory made on this machine";
        let (identity, address) = text
            .rsplit_once('@')
            .ok_or_else(|| Failure::usage(format!("--validator {text:?} has no `@`: {form}")))?;
        let address = address.parse().map_err(|_| {
            Failure::usage(format!(
                "--validator {text:?}: {address:?} is no IP address with a port: {form}"
            ))
        })?;
        let (name, identity) = identity.split_once('=').unwrap_or((identity, identity));
        check_name(name)?;
        let given = identity
            .rsplit_once('/')
            .and_then(|(key, incarnation)| Some((key, incarnation.parse().ok()?)));
        let (key, incarnation) = match given {
            Some((key, incarnation)) => (self.validator_key(key)?, incarnation),
            // A key alone, or nothing that could be one.
            None if check_name(identity).is_err() && !identity.contains('/') => {
                self.validator_key(identity)?;
                return Err(Failure::usage(format!(
                    "--validator {text:?} names no incarnation: {form}"
                )));
            }
            None => init::read(self.common, &init::folder(self.common, identity))?,
        };
        Ok(Validator {
            name: name.to_owned(),
            key,
            incarnation,
            address,
        })
    }

    /// `NAME[=KEY][:ASSET=AMOUNT]…`.
    pub fn account(&self, text: &str) -> Result<Account, Failure> {
        let mut parts = text.split(':');
        let identity = parts.next().unwrap_or_default();
        let (name, key) = identity.split_once('=').unwrap_or((identity, identity));
        check_name(name)?;
        let mut balances = BTreeMap::new();
        for part in parts {
            let (code, amount) = part.split_once('=').ok_or_else(|| {
                Failure::usage(format!(
                    "--account {text:?}: {part:?} is no balance: use ASSET=AMOUNT, as in USD=100000"
                ))
            })?;
            let amount = parse_amount(amount)
                .map_err(|error| Failure::usage(format!("--account {text:?}: {error}")))?;
            if balances.insert(code.to_owned(), amount).is_some() {
                return Err(Failure::usage(format!(
                    "--account {text:?} has two balances of {code:?}"
                )));
            }
        }
        Ok(Account {
            name: name.to_owned(),
            key: self.public_key(key)?,
            balances,
        })
    }
}

/// `CODE[:DECIMALS]`; two decimals unless said otherwise.
pub fn asset(text: &str) -> Result<Asset, Failure> {
    let (code, decimals) = text.split_once(':').unwrap_or((text, "2"));
    let decimals = decimals.parse().map_err(|_| {
        Failure::usage(format!(
            "--asset {text:?}: {decimals:?} is no number of decimals: use CODE:DECIMALS, as in USD:2"
        ))
    })?;
    Ok(Asset {
        code: code.to_owned(),
        decimals,
    })
}
