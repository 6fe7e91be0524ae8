//! Who is meant by a name or an address, and whose key is here.

use keys::{Address, EncodingError, KeyPair, encoding::ADDRESS_PREFIX};
use terminal::explained;

use super::{
    failure::{Failure, Outcome, missing},
    setup::Setup,
};

/// How people name the key that may issue and open accounts.
pub const ADMIN: &str = "admin";

/// An account as somebody named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// Its address is known without asking.
    Known(Address),
    /// A name that only the ledger may know.
    Named(String),
}

/// An account that can sign here.
#[derive(Clone, Debug)]
pub struct Payer {
    /// Its name or address as it was given.
    pub named: String,
    /// The account.
    pub account: Address,
    /// Its key.
    pub key: KeyPair,
}

fn looks_like_address(text: &str) -> bool {
    let prefix = text.get(..ADDRESS_PREFIX.len() + 1);
    text.len() > keys::MAX_NAME_BYTES
        || prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case("hw1"))
}

fn address(text: &str) -> Outcome<Address> {
    text.parse().map_err(|error: EncodingError| {
        Failure::usage(format!("{text:?} is no address: {error}")).meaning("Nothing was sent.")
    })
}

impl Setup {
    /// Who is meant: an address, an account of genesis, the admin, a key that is here, or else a
    /// name to ask the ledger for.
    pub fn party(&self, text: &str) -> Outcome<Party> {
        if looks_like_address(text) {
            return Ok(Party::Known(address(text)?));
        }
        keys::check_name(text)?;
        if let Some(account) = self.genesis.account_by_name(text) {
            return Ok(Party::Known(account.address()));
        }
        if text == ADMIN {
            return Ok(Party::Known(self.genesis.admin().address()));
        }
        match self.keys.public_side(text) {
            Ok(side) => Ok(Party::Known(side.key.address())),
            Err(error) if missing(&error) => Ok(Party::Named(text.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// The account that acts, and its key: the one of that name, or whichever key here has that
    /// address. `key` names another one to sign with.
    pub fn payer(&self, text: &str, key: Option<&str>) -> Outcome<Payer> {
        let named = text.to_owned();
        let account = match self.party(text)? {
            Party::Known(account) => account,
            Party::Named(name) => return Err(self.no_key(&name)),
        };
        let key = match key {
            Some(key) => self.key(key)?,
            None if looks_like_address(text) => {
                self.key_of(&account)?.ok_or_else(|| self.no_key(text))?
            }
            None => self.keys.load(text).map_err(|error| {
                if missing(&error) {
                    self.no_key(text)
                } else {
                    Failure::from(error).meaning("Nothing was sent.")
                }
            })?,
        };
        Ok(Payer {
            named,
            account,
            key,
        })
    }

    /// The key here whose address that is.
    fn key_of(&self, account: &Address) -> Outcome<Option<KeyPair>> {
        let silent = self.silent_keys();
        for name in self.keys.list()? {
            // Others' keys may be unreadable without concerning this one.
            if let Ok(side) = silent.public_side(&name)
                && side.key.address() == *account
            {
                return Ok(Some(self.keys.load(&name)?));
            }
        }
        Ok(None)
    }

    fn no_key(&self, text: &str) -> Failure {
        Failure::usage(format!(
            "there is no key for {text} in {}, so nobody can sign for it here",
            self.keys.directory().display()
        ))
        .meaning("Nothing was sent.")
        .next(explained(
            &self.common.command(&["account", "list"]),
            "accounts and keys",
        ))
    }

    /// The name of an account as far as it is known here: of genesis, or of a key.
    pub fn name_of(&self, account: &Address) -> Option<String> {
        if let Some(account) = self.genesis.account_by_address(account) {
            return Some(account.name.clone());
        }
        (self.genesis.admin().address() == *account).then(|| ADMIN.to_owned())
    }
}
