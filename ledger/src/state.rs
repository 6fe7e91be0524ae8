//! Accounts, assets, and what operations do to them: all of a transaction's or none.

use std::collections::BTreeMap;

use consensus::{Hash, PublicKey};
use keys::{Address, Genesis};
use thiserror::Error;

use crate::{
    asset::AssetCode,
    limits::ACCOUNTS,
    nonces::NonceWindow,
    outcome::{Rejection, RejectionCode},
    references::References,
    transaction::Operation,
};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The key that may act for it.
    pub key: PublicKey,
    /// The hash of the entry that opened it; zeros if it stands in genesis.
    pub opened: Hash,
    /// Its name for people, if it has one.
    pub name: Option<String>,
    /// What it holds, in smallest units. What it holds none of is not listed.
    pub balances: BTreeMap<AssetCode, u64>,
    /// The nonces that it has used.
    pub nonces: NonceWindow,
    /// The references that it took last.
    pub references: References,
}

impl Account {
    fn new(key: PublicKey, opened: Hash, name: Option<String>) -> Self {
        Self {
            key,
            opened,
            name,
            balances: BTreeMap::new(),
            nonces: NonceWindow::default(),
            references: References::default(),
        }
    }

    /// What it holds of an asset.
    #[must_use]
    pub fn balance(&self, asset: AssetCode) -> u64 {
        self.balances.get(&asset).copied().unwrap_or(0)
    }
}

/// An asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// How many decimal places people see.
    pub decimals: u8,
    /// How much was ever issued, in smallest units.
    pub supply: u64,
    /// The sum of all balances, kept by every change of a balance. Equal to `supply` after every
    /// entry.
    held: u128,
}

/// Money appeared or vanished.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("accounts hold {held} of {asset}, but {supply} were issued")]
pub struct AuditFailure {
    /// Of which asset.
    pub asset: AssetCode,
    /// The sum of all balances.
    pub held: u128,
    /// What was issued.
    pub supply: u64,
}

/// The ledger's accounts and assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    accounts: BTreeMap<Address, Account>,
    names: BTreeMap<String, Address>,
    assets: BTreeMap<AssetCode, Asset>,
    admin: Address,
}

/// What to put back if a later operation of the same transaction fails.
enum Change {
    Balance {
        account: Address,
        asset: AssetCode,
        before: u64,
    },
    Supply {
        asset: AssetCode,
        before: u64,
    },
    Opened {
        account: Address,
    },
}

impl State {
    /// What the network starts from. The admin has an account, listed or not, because issuing
    /// takes a nonce.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        let code = |text: &str| -> AssetCode {
            let code = text.parse();
            code.expect("a checked genesis has valid asset codes")
        };
        let mut state = Self {
            accounts: BTreeMap::new(),
            names: BTreeMap::new(),
            assets: BTreeMap::new(),
            admin: genesis.admin().address(),
        };
        for asset in genesis.assets() {
            let supply = genesis.supplies()[&asset.code];
            let decimals = asset.decimals;
            let held = 0;
            let asset_state = Asset {
                decimals,
                supply,
                held,
            };
            state.assets.insert(code(&asset.code), asset_state);
        }
        for listed in genesis.accounts() {
            let key = PublicKey(*listed.key.as_bytes());
            let account = Account::new(key, Hash::default(), Some(listed.name.clone()));
            state.names.insert(listed.name.clone(), listed.address());
            state.accounts.insert(listed.address(), account);
            for (asset, &amount) in &listed.balances {
                state.set_balance(listed.address(), code(asset), amount);
            }
        }
        let admin_key = PublicKey(*genesis.admin().as_bytes());
        state
            .accounts
            .entry(state.admin)
            .or_insert_with(|| Account::new(admin_key, Hash::default(), None));
        state.assert_conserved();
        state
    }

    /// The account of that address.
    #[must_use]
    pub fn account(&self, address: &Address) -> Option<&Account> {
        self.accounts.get(address)
    }

    pub(crate) fn account_mut(&mut self, address: &Address) -> Option<&mut Account> {
        self.accounts.get_mut(address)
    }

    /// The address of the account of that name.
    #[must_use]
    pub fn address_of(&self, name: &str) -> Option<Address> {
        self.names.get(name).copied()
    }

    /// All accounts, in the order of their addresses.
    #[must_use]
    pub const fn accounts(&self) -> &BTreeMap<Address, Account> {
        &self.accounts
    }

    /// All assets.
    #[must_use]
    pub const fn assets(&self) -> &BTreeMap<AssetCode, Asset> {
        &self.assets
    }

    /// The account that may issue assets and open accounts.
    #[must_use]
    pub const fn admin(&self) -> Address {
        self.admin
    }

    /// Adds up every balance of every account and compares with what was issued.
    ///
    /// # Errors
    /// [`AuditFailure`] of the first asset that does not add up.
    pub fn audit(&self) -> Result<(), AuditFailure> {
        for (&asset, &Asset { supply, held, .. }) in &self.assets {
            let balances = self.accounts.values().map(|one| one.balance(asset));
            let sum: u128 = balances.map(u128::from).sum();
            for held in [sum, held] {
                if held != u128::from(supply) {
                    return Err(AuditFailure {
                        asset,
                        held,
                        supply,
                    });
                }
            }
        }
        Ok(())
    }

    /// Conservation of supply, by the sums kept with every change.
    pub(crate) fn assert_conserved(&self) {
        for (code, asset) in &self.assets {
            assert_eq!(
                asset.held,
                u128::from(asset.supply),
                "balances of {code} add up to what was issued"
            );
        }
    }

    /// Does all operations for `account`, or none of them, in the entry of that hash.
    pub(crate) fn operate(
        &mut self,
        account: Address,
        operations: &[Operation],
        entry: Hash,
    ) -> Result<(), Rejection> {
        let mut changes = Vec::new();
        for (position, operation) in operations.iter().enumerate() {
            if let Err(code) = self.operate_one(account, operation, entry, &mut changes) {
                self.take_back(changes);
                return Err(Rejection {
                    operation: u16::try_from(position).ok(),
                    ..code.into()
                });
            }
        }
        Ok(())
    }

    fn operate_one(
        &mut self,
        account: Address,
        operation: &Operation,
        entry: Hash,
        changes: &mut Vec<Change>,
    ) -> Result<(), RejectionCode> {
        match operation {
            Operation::Transfer { to, asset, amount } => {
                self.transfer(account, *to, *asset, *amount, changes)
            }
            Operation::Issue { to, asset, amount } => {
                self.require_admin(account)?;
                self.issue(*to, *asset, *amount, changes)
            }
            Operation::OpenAccount { key, name } => {
                self.require_admin(account)?;
                self.open(*key, name.as_deref(), entry, changes)
            }
        }
    }

    fn require_admin(&self, account: Address) -> Result<(), RejectionCode> {
        if account == self.admin {
            Ok(())
        } else {
            Err(RejectionCode::NotAdmin)
        }
    }

    fn transfer(
        &mut self,
        from: Address,
        to: Address,
        asset: AssetCode,
        amount: u64,
        changes: &mut Vec<Change>,
    ) -> Result<(), RejectionCode> {
        self.check_amount(asset, amount)?;
        if from == to {
            return Err(RejectionCode::SelfTransfer);
        }
        let received = self.balance(to, asset)?;
        let held = self.balance(from, asset)?;
        let left = held
            .checked_sub(amount)
            .ok_or(RejectionCode::InsufficientFunds)?;
        let sum = received
            .checked_add(amount)
            .ok_or(RejectionCode::Overflow)?;
        self.change_balance(from, asset, left, changes);
        self.change_balance(to, asset, sum, changes);
        Ok(())
    }

    fn issue(
        &mut self,
        to: Address,
        asset: AssetCode,
        amount: u64,
        changes: &mut Vec<Change>,
    ) -> Result<(), RejectionCode> {
        let before = self.check_amount(asset, amount)?.supply;
        let received = self.balance(to, asset)?;
        let supply = before.checked_add(amount).ok_or(RejectionCode::Overflow)?;
        let sum = received
            .checked_add(amount)
            .ok_or(RejectionCode::Overflow)?;
        self.set_supply(asset, supply);
        changes.push(Change::Supply { asset, before });
        self.change_balance(to, asset, sum, changes);
        Ok(())
    }

    fn open(
        &mut self,
        key: PublicKey,
        name: Option<&str>,
        entry: Hash,
        changes: &mut Vec<Change>,
    ) -> Result<(), RejectionCode> {
        let checked = keys::PublicKey::from_bytes(&key.0).map_err(|_| RejectionCode::Malformed)?;
        let account = checked.address();
        if self.accounts.contains_key(&account) {
            return Err(RejectionCode::AccountExists);
        }
        if name.is_some_and(|name| self.names.contains_key(name)) {
            return Err(RejectionCode::NameTaken);
        }
        if self.accounts.len() >= ACCOUNTS {
            return Err(RejectionCode::TooManyAccounts);
        }
        let name = name.map(str::to_owned);
        if let Some(name) = &name {
            self.names.insert(name.clone(), account);
        }
        self.accounts
            .insert(account, Account::new(key, entry, name));
        changes.push(Change::Opened { account });
        Ok(())
    }

    fn check_amount(&self, asset: AssetCode, amount: u64) -> Result<&Asset, RejectionCode> {
        if amount == 0 {
            return Err(RejectionCode::AmountZero);
        }
        self.assets.get(&asset).ok_or(RejectionCode::UnknownAsset)
    }

    /// What the account holds; the acting account is known to exist.
    fn balance(&self, account: Address, asset: AssetCode) -> Result<u64, RejectionCode> {
        let account = self.accounts.get(&account);
        Ok(account
            .ok_or(RejectionCode::UnknownRecipient)?
            .balance(asset))
    }

    fn change_balance(
        &mut self,
        account: Address,
        asset: AssetCode,
        amount: u64,
        changes: &mut Vec<Change>,
    ) {
        let before = self.set_balance(account, asset, amount);
        changes.push(Change::Balance {
            account,
            asset,
            before,
        });
    }

    /// The one place where a balance changes. Returns what it was.
    fn set_balance(&mut self, account: Address, asset: AssetCode, amount: u64) -> u64 {
        let holder = self.accounts.get_mut(&account);
        let balances = &mut holder.expect("the account was looked up").balances;
        let before = match amount {
            0 => balances.remove(&asset),
            _ => balances.insert(asset, amount),
        }
        .unwrap_or(0);
        let asset = self.assets.get_mut(&asset);
        let held = &mut asset.expect("the asset was looked up").held;
        *held = *held - u128::from(before) + u128::from(amount);
        before
    }

    fn set_supply(&mut self, asset: AssetCode, supply: u64) {
        let asset = self.assets.get_mut(&asset);
        asset.expect("the asset was looked up").supply = supply;
    }

    /// Undoes changes, the last one first.
    fn take_back(&mut self, changes: Vec<Change>) {
        for change in changes.into_iter().rev() {
            match change {
                Change::Balance {
                    account,
                    asset,
                    before,
                } => {
                    self.set_balance(account, asset, before);
                }
                Change::Supply { asset, before } => self.set_supply(asset, before),
                Change::Opened { account } => {
                    let opened = self.accounts.remove(&account);
                    if let Some(name) = opened.and_then(|account| account.name) {
                        self.names.remove(&name);
                    }
                }
            }
        }
    }
}
