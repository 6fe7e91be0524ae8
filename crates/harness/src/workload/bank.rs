//! The accounts of a run, and the transfers between them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use client::SignedRequest;
use consensus::{Hash, PublicKey, encoding::Canonical};
use keys::{Address, Genesis, KeyPair, KeyStore};
use ledger::{AssetCode, Operation, Query, Transaction, request_key};
use testnet::{
    failure::{Failure, Outcome},
    network::ASSET,
};

use super::{ACCOUNTS, BALANCE, GROUPS};
use crate::history::Accounts;

/// No run comes near this many entries, and the ledger takes nothing valid for longer than a
/// million.
const VALID_UNTIL: u64 = 900_000;

struct Account {
    key: KeyPair,
    address: Address,
    next_nonce: AtomicU64,
}

/// See the module.
pub struct Bank {
    network: Hash,
    asset: AssetCode,
    groups: Vec<Vec<Account>>,
}

impl Bank {
    /// The accounts' names and what they hold, as a network is founded with them.
    #[must_use]
    pub fn founding() -> Vec<(String, u64)> {
        let places = (0..GROUPS).flat_map(|group| (0..ACCOUNTS).map(move |place| (group, place)));
        places
            .map(|(group, place)| (name(group, place), BALANCE))
            .collect()
    }

    /// The accounts, whose keys are in the store.
    ///
    /// # Errors
    /// If a key cannot be read.
    pub fn open(genesis: &Genesis, store: &KeyStore) -> Outcome<Self> {
        let account = |group, place| -> Outcome<Account> {
            let key = store.load(&name(group, place))?;
            Ok(Account {
                address: key.public_key().address(),
                key,
                next_nonce: AtomicU64::new(0),
            })
        };
        let group = |group| (0..ACCOUNTS).map(|place| account(group, place)).collect();
        Ok(Self {
            network: Hash(genesis.id()),
            asset: ASSET
                .parse()
                .map_err(|error| Failure::system("name the asset", error))?,
            groups: (0..GROUPS).map(group).collect::<Outcome<_>>()?,
        })
    }

    /// What the accounts hold before the first transfer.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        let groups = self.groups.iter();
        Accounts {
            groups: groups.map(|group| vec![BALANCE; group.len()]).collect(),
        }
    }

    /// What all accounts hold together.
    #[must_use]
    pub fn supply(&self) -> u64 {
        self.groups.iter().flatten().map(|_| BALANCE).sum()
    }

    /// A key to connect with.
    #[must_use]
    pub fn key(&self, group: usize, place: usize) -> &KeyPair {
        &self.groups[group][place].key
    }

    /// An account's address.
    #[must_use]
    pub fn address(&self, group: usize, place: usize) -> Address {
        self.groups[group][place].address
    }

    /// The asset that is paid with.
    #[must_use]
    pub const fn asset(&self) -> AssetCode {
        self.asset
    }

    /// A new signed transfer, with a nonce that no other has.
    #[must_use]
    pub fn transfer(&self, group: usize, from: usize, to: usize, amount: u64) -> SignedRequest {
        let payer = &self.groups[group][from];
        let transaction = Transaction {
            network: self.network,
            account: payer.address,
            key: PublicKey(*payer.key.public_key().as_bytes()),
            // All accounts stand in genesis.
            opened: Hash::default(),
            nonce: payer.next_nonce.fetch_add(1, Relaxed),
            valid_until: VALID_UNTIL,
            salt: 0,
            reference: None,
            memo: String::new(),
            operations: vec![Operation::Transfer {
                to: self.groups[group][to].address,
                asset: self.asset,
                amount,
            }],
        };
        let (key, id) = (request_key(&transaction), transaction.id());
        SignedRequest {
            payload: transaction.sign(payer.key.signing_key()).to_bytes(),
            key,
            transaction: id.0,
        }
    }

    /// The question for an account's balance.
    #[must_use]
    pub fn question(&self, group: usize, account: usize) -> Vec<u8> {
        Query::Balance {
            account: self.address(group, account),
            asset: self.asset,
        }
        .to_bytes()
    }
}

fn name(group: usize, place: usize) -> String {
    format!("g{group}a{place}")
}
