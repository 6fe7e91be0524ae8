//! Reads and their answers. They travel in frames (bincode); nothing here is signed or hashed.
//!
//! What travels is the [`Answer`] alone: the frame around it states how far the node had executed,
//! so that the bytes of two answers are equal exactly if they say the same.

use std::collections::BTreeMap;
use std::ops::Bound;

use consensus::{EntryKind, Hash};
use keys::Address;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use transport::codec::{self, CodecError};

use crate::{
    asset::AssetCode,
    hexadecimal,
    history::ExecutedEntry,
    ledger::Ledger,
    limits::{ACCOUNTS_PER_ANSWER, ANSWER_BYTES, QUERY_BYTES},
    outcome::{Place, TransactionResult},
    state::Account,
};

/// A question to one node's executed state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// An account, answered by [`Answer::Account`].
    Account {
        /// Its address.
        account: Address,
    },
    /// The account of a name, answered by [`Answer::Account`].
    AccountNamed {
        /// The name.
        name: String,
    },
    /// What an account holds of an asset, answered by [`Answer::Balance`].
    Balance {
        /// The account.
        account: Address,
        /// The asset.
        asset: AssetCode,
    },
    /// A page of accounts in the order of their addresses, answered by [`Answer::Accounts`].
    Accounts {
        /// The last address of the page before.
        after: Option<Address>,
        /// How many at most; [`ACCOUNTS_PER_ANSWER`] at the very most.
        limit: u32,
    },
    /// An executed transaction, answered by [`Answer::Transaction`].
    Transaction {
        /// Its id.
        #[serde(with = "hexadecimal::hash")]
        id: Hash,
    },
    /// An executed entry, answered by [`Answer::Block`].
    Block {
        /// Its index.
        index: u64,
    },
    /// What was issued of each asset, answered by [`Answer::Supply`].
    Supply,
}

/// An answer, and how far the node had executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The last executed index.
    pub applied: u64,
    /// The answer.
    pub answer: Answer,
}

/// The answer to a [`Query`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The account, if it exists.
    Account(Option<AccountAnswer>),
    /// What the account holds, in smallest units; nothing if account or asset do not exist.
    Balance(Option<u64>),
    /// The accounts; possibly fewer than asked for. An empty page ends the list.
    Accounts(Vec<AccountAnswer>),
    /// Where and how it was executed, if it was, and lately.
    Transaction(Option<TransactionAnswer>),
    /// The entry, if it was executed, and lately.
    Block(Option<BlockAnswer>),
    /// Every asset.
    Supply(Vec<SupplyAnswer>),
    /// The question was not understood.
    Malformed,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountAnswer {
    /// Its address.
    pub account: Address,
    /// The key that may act for it.
    pub key: keys::PublicKey,
    /// The hash of the entry that opened it, which its transactions name; zeros if it stands in
    /// genesis.
    #[serde(with = "hexadecimal::hash")]
    pub opened: Hash,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it holds, in smallest units. What it holds none of is not listed.
    pub balances: BTreeMap<AssetCode, u64>,
    /// Its lowest unused nonce.
    pub next_nonce: u64,
    /// Nonces above it that are used already.
    pub used_ahead: Vec<u64>,
    /// Whether it may issue assets and open accounts.
    pub admin: bool,
}

/// An executed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionAnswer {
    /// Where.
    pub place: Place,
    /// The entry's hash.
    #[serde(with = "hexadecimal::hash")]
    pub entry: Hash,
    /// The entry's term.
    pub term: u64,
    /// The entry's timestamp, in milliseconds since the Unix epoch.
    pub timestamp: u64,
    /// What became of it.
    pub result: TransactionResult,
}

/// An executed entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockAnswer {
    /// Its index.
    pub index: u64,
    /// Its hash.
    #[serde(with = "hexadecimal::hash")]
    pub hash: Hash,
    /// Its term.
    pub term: u64,
    /// The position of the validator that made it.
    pub author: u16,
    /// Whether it is a leader's term record rather than transactions.
    pub term_record: bool,
    /// Its timestamp, in milliseconds since the Unix epoch.
    pub timestamp: u64,
    /// What became of its transactions, in order.
    pub results: Vec<TransactionResult>,
    /// The Merkle root of the results.
    #[serde(with = "hexadecimal::hash")]
    pub results_root: Hash,
    /// The result digest that includes it.
    #[serde(with = "hexadecimal::hash")]
    pub digest: Hash,
}

/// An asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyAnswer {
    /// Its code.
    pub asset: AssetCode,
    /// How many decimal places people see.
    pub decimals: u8,
    /// How much was issued, in smallest units.
    pub supply: u64,
}

/// Bytes that are no answer.
#[derive(Debug, Error)]
#[error("the node's answer cannot be read: {0}")]
pub struct MalformedAnswer(#[from] CodecError);

impl Query {
    /// The frame's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self).expect("a query holds nothing that cannot be encoded")
    }
}

impl Answer {
    /// The frame's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self).expect("an answer holds nothing that cannot be encoded")
    }

    /// Reads an answer of at most [`ANSWER_BYTES`].
    ///
    /// # Errors
    /// [`MalformedAnswer`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedAnswer> {
        Ok(codec::decode::<_, ANSWER_BYTES>(bytes)?)
    }
}

impl Ledger {
    /// Answers a query of at most [`QUERY_BYTES`] with the bytes of an [`Answer`].
    #[must_use]
    pub fn query(&self, query: &[u8]) -> Vec<u8> {
        let answer = match codec::decode::<_, QUERY_BYTES>(query) {
            Ok(query) => self.answer(&query).answer,
            Err(_) => Answer::Malformed,
        };
        answer.to_bytes()
    }

    /// Answers a query.
    #[must_use]
    pub fn answer(&self, query: &Query) -> Response {
        self.response(match query {
            Query::Account { account } => Answer::Account(self.account_answer(account)),
            Query::AccountNamed { name } => {
                let address = self.state().address_of(name);
                Answer::Account(address.and_then(|address| self.account_answer(&address)))
            }
            Query::Balance { account, asset } => Answer::Balance(
                self.state()
                    .account(account)
                    .filter(|_| self.state().assets().contains_key(asset))
                    .map(|account| account.balance(*asset)),
            ),
            Query::Accounts { after, limit } => Answer::Accounts(self.page(*after, *limit)),
            Query::Transaction { id } => Answer::Transaction(self.transaction_answer(id)),
            Query::Block { index } => Answer::Block(self.executed(*index).map(block_answer)),
            Query::Supply => {
                let assets = self.state().assets().iter();
                Answer::Supply(
                    assets
                        .map(|(&asset, state)| SupplyAnswer {
                            asset,
                            decimals: state.decimals,
                            supply: state.supply,
                        })
                        .collect(),
                )
            }
        })
    }

    fn response(&self, answer: Answer) -> Response {
        Response {
            applied: self.applied().index.0,
            answer,
        }
    }

    fn account_answer(&self, address: &Address) -> Option<AccountAnswer> {
        let account = self.state().account(address)?;
        Some(self.describe(*address, account))
    }

    fn describe(&self, address: Address, account: &Account) -> AccountAnswer {
        AccountAnswer {
            account: address,
            key: keys::PublicKey::from_bytes(&account.key.0)
                .expect("keys are checked before they are registered"),
            opened: account.opened,
            name: account.name.clone(),
            balances: account.balances.clone(),
            next_nonce: account.nonces.lowest(),
            used_ahead: account.nonces.used_ahead().collect(),
            admin: address == self.state().admin(),
        }
    }

    fn page(&self, after: Option<Address>, limit: u32) -> Vec<AccountAnswer> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let accounts = self.state().accounts().range((start, Bound::Unbounded));
        // Nonces used out of order take up to 8 KiB for each account.
        let mut left = ANSWER_BYTES / 2;
        accounts
            .take(limit.min(ACCOUNTS_PER_ANSWER) as usize)
            .map(|(&address, account)| self.describe(address, account))
            .take_while(|answer| {
                let size = 256 + 8 * answer.used_ahead.len() + 32 * answer.balances.len();
                let fits = size <= left;
                left = left.saturating_sub(size);
                fits
            })
            .collect()
    }

    fn transaction_answer(&self, id: &Hash) -> Option<TransactionAnswer> {
        let place = self.place(id)?;
        let entry = self.executed(place.index)?;
        Some(TransactionAnswer {
            place,
            entry: entry.point.hash,
            term: entry.term.0,
            timestamp: entry.timestamp,
            result: entry.result(place.position)?,
        })
    }
}

fn block_answer(entry: &ExecutedEntry) -> BlockAnswer {
    BlockAnswer {
        index: entry.point.index.0,
        hash: entry.point.hash,
        term: entry.term.0,
        author: entry.author.0,
        term_record: entry.kind == EntryKind::TermRecord,
        timestamp: entry.timestamp,
        results: (0..).map_while(|position| entry.result(position)).collect(),
        results_root: entry.results_root,
        digest: entry.digest,
    }
}
