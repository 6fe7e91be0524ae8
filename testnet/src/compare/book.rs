//! The accounts that a load pays from, and what each must hold in the end.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use client::SignedRequest;
use consensus::{Hash, PublicKey, encoding::Canonical};
use keys::{Address, Genesis, KeyPair, KeyStore};
use ledger::{AssetCode, Operation, Transaction, request_key};

use crate::{
    failure::{Failure, Outcome},
    network::ASSET,
};

/// What every account begins with, in smallest units: more than a run can spend.
pub const BALANCE: u64 = 1_000_000_000_000;
/// No run comes near this many entries, and the ledger takes nothing valid for longer than a
/// million.
const VALID_UNTIL: u64 = 900_000;

/// The names of so many paying accounts.
#[must_use]
pub fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("payer-{number}")).collect()
}

struct Payer {
    key: KeyPair,
    address: Address,
    next_nonce: AtomicU64,
}

/// See the module.
pub struct Book {
    network: Hash,
    asset: AssetCode,
    payers: Vec<Payer>,
    by_identity: HashMap<[u8; 32], usize>,
    /// What acknowledged transfers added to, or took from, each account.
    changes: Mutex<Vec<i128>>,
}

impl Book {
    /// The accounts of these names, whose keys are in the store.
    ///
    /// # Errors
    /// If a key cannot be read.
    pub fn open(genesis: &Genesis, store: &KeyStore, names: &[String]) -> Outcome<Self> {
        let mut payers = Vec::with_capacity(names.len());
        let mut by_identity = HashMap::new();
        for name in names {
            let key = store.load(name)?;
            let address = key.public_key().address();
            let public = PublicKey(*key.public_key().as_bytes());
            by_identity.insert(ledger::request_account(&address, &public), payers.len());
            payers.push(Payer {
                key,
                address,
                next_nonce: AtomicU64::new(0),
            });
        }
        let asset = ASSET
            .parse()
            .map_err(|error| Failure::system("name the asset", error))?;
        Ok(Self {
            network: Hash(genesis.id()),
            asset,
            changes: Mutex::new(vec![0; payers.len()]),
            payers,
            by_identity,
        })
    }

    /// How many accounts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.payers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.payers.is_empty()
    }

    /// The identities whose outcomes a client of these accounts watches.
    #[must_use]
    pub fn identities(&self, payers: impl IntoIterator<Item = usize>) -> Vec<[u8; 32]> {
        let positions: Vec<usize> = payers.into_iter().collect();
        let chosen = self.by_identity.iter();
        let chosen = chosen.filter(|(_, position)| positions.contains(position));
        chosen.map(|(identity, _)| *identity).collect()
    }

    /// The account's key.
    #[must_use]
    pub fn key(&self, payer: usize) -> &KeyPair {
        &self.payers[payer].key
    }

    /// The account's next transfer, signed. What it pays to whom follows from its nonce.
    #[must_use]
    pub fn next_request(&self, payer: usize) -> SignedRequest {
        let from = &self.payers[payer];
        let nonce = from.next_nonce.fetch_add(1, Relaxed);
        let (to, amount) = self.payment(payer, nonce);
        let transaction = Transaction {
            network: self.network,
            account: from.address,
            key: PublicKey(*from.key.public_key().as_bytes()),
            // All accounts stand in genesis.
            opened: Hash::default(),
            nonce,
            valid_until: VALID_UNTIL,
            salt: 0,
            reference: None,
            memo: String::new(),
            operations: vec![Operation::Transfer {
                to: self.payers[to].address,
                asset: self.asset,
                amount,
            }],
        };
        let (key, id) = (request_key(&transaction), transaction.id());
        SignedRequest {
            payload: transaction.sign(from.key.signing_key()).to_bytes(),
            key,
            transaction: id.0,
        }
    }

    /// Whom a payer pays how much with a nonce: all others in turn, small amounts.
    fn payment(&self, payer: usize, nonce: u64) -> (usize, u64) {
        let others = (self.payers.len() - 1).max(1) as u64;
        let step = 1 + usize::try_from(nonce % others).unwrap_or(0);
        ((payer + step) % self.payers.len(), 1 + nonce % 7)
    }

    /// Writes down that a transfer was applied.
    pub fn applied(&self, request: &SignedRequest) {
        let Some(&payer) = self.by_identity.get(&request.key.account) else {
            return;
        };
        let (to, amount) = self.payment(payer, request.key.nonce);
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes[payer] -= i128::from(amount);
        changes[to] += i128::from(amount);
    }

    /// What each account must hold now, if nothing else happened than what was written down.
    #[must_use]
    pub fn expected(&self) -> BTreeMap<Address, i128> {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let payers = self.payers.iter().zip(&*changes);
        payers
            .map(|(payer, change)| (payer.address, i128::from(BALANCE) + change))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use keys::Mode;

    use super::*;
    use crate::network::{Layout, Plan, found};

    #[test]
    fn what_is_written_down_conserves_money_and_never_pays_oneself() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        let names = names(3);
        let plan = Plan {
            nodes: 1,
            mode: Mode::Raft,
            client_checks: None,
            access: keys::Access::Members,
            seed: Some(1),
            accounts: names.iter().map(|name| (name.clone(), BALANCE)).collect(),
        };
        let genesis = found(&layout, &plan).unwrap();
        let book = Book::open(&genesis, &layout.keys(), &names).unwrap();
        for payer in 0..3 {
            for nonce in 0..20 {
                let request = book.next_request(payer);
                assert_eq!(request.key.nonce, nonce);
                assert_ne!(book.payment(payer, nonce).0, payer);
                book.applied(&request);
            }
        }
        let expected = book.expected();
        assert_eq!(expected.values().sum::<i128>(), 3 * i128::from(BALANCE));
        assert_eq!(expected.len(), 3);
    }
}
