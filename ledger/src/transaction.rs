//! Transactions: what a client signs (P2.3), and its canonical layout (P2.1).
//!
//! | field | layout |
//! |---|---|
//! | network | 32 bytes, the hash of genesis |
//! | account | 32 bytes, the address of the account that acts |
//! | key | 32 bytes, the Ed25519 key that signs |
//! | opened | 32 bytes: hash of the entry that opened the account, zeros if it stands in genesis |
//! | nonce | `u64` |
//! | valid until | `u64`, the last index at which the transaction may execute |
//! | salt | `u64`, drawn by the client: nobody looks at it |
//! | reference | one byte 0, or 1, its name (32 bytes) and the index as of which it was free (`u64`) |
//! | memo | `u32` length, at most 256 bytes of UTF-8 without control characters |
//! | operations | `u32` count, 1 to 128 operations |
//!
//! An operation is a kind byte and its fields:
//!
//! | kind | fields |
//! |---|---|
//! | 1 transfer | to (32 bytes), asset (12 bytes), amount (`u64`) |
//! | 2 issue | to (32 bytes), asset (12 bytes), amount (`u64`) |
//! | 3 open account | key (32 bytes), name: `u32` length and bytes; length 0 is no name |
//!
//! A request's payload is the transaction followed by the 64 bytes of its signature. The digest
//! that is signed is the tagged SHA-256 of the transaction under `hawser/v1/transaction`; the
//! transaction's id is the one under `hawser/v1/transaction-id`. Neither covers the signature, so
//! that a malleated signature cannot make a second transaction. Mode and epoch are not repeated:
//! the hash of genesis fixes the mode, and a transaction outlives a change of validators.

use consensus::{
    Hash, PublicKey, Signature, Signer, Verifier,
    encoding::{Canonical, DecodeError, Reader, Writer},
    hashing::tagged_hash,
};
use keys::Address;
use thiserror::Error;

use crate::{
    asset::AssetCode,
    limits::{MEMO_BYTES, OPERATIONS},
};

const SIGNING_TAG: &str = "hawser/v1/transaction";
const ID_TAG: &str = "hawser/v1/transaction-id";
const CONTENT_TAG: &str = "hawser/v1/transaction-content";
const LOOKUP_TAG: &str = "hawser/v1/reference-lookup";

/// One thing that a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Moves an amount from the acting account to another.
    Transfer {
        /// Who receives it.
        to: Address,
        /// What.
        asset: AssetCode,
        /// How much, in smallest units.
        amount: u64,
    },
    /// Creates an amount of an asset. Only the admin may.
    Issue {
        /// Who receives it.
        to: Address,
        /// What.
        asset: AssetCode,
        /// How much, in smallest units.
        amount: u64,
    },
    /// Opens the account of a key; its address follows from the key. Only the admin may.
    OpenAccount {
        /// The account's first key.
        key: PublicKey,
        /// Its name for people, if any ([`keys::check_name`]); no two accounts share one.
        name: Option<String>,
    },
}

impl Canonical for Operation {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Self::Transfer { to, asset, amount } => {
                writer.u8(1);
                encode_payment(writer, to, *asset, *amount);
            }
            Self::Issue { to, asset, amount } => {
                writer.u8(2);
                encode_payment(writer, to, *asset, *amount);
            }
            Self::OpenAccount { key, name } => {
                writer.u8(3);
                key.encode(writer);
                writer.bytes(name.as_deref().unwrap_or_default().as_bytes());
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            1 => {
                let (to, asset, amount) = decode_payment(reader)?;
                Ok(Self::Transfer { to, asset, amount })
            }
            2 => {
                let (to, asset, amount) = decode_payment(reader)?;
                Ok(Self::Issue { to, asset, amount })
            }
            3 => {
                let key = PublicKey::decode(reader)?;
                let name = decode_text(reader, "account name", keys::MAX_NAME_BYTES)?;
                Ok(Self::OpenAccount {
                    key,
                    name: (!name.is_empty()).then_some(name),
                })
            }
            found => Err(DecodeError::Unknown {
                what: "operation",
                found: found.into(),
            }),
        }
    }
}

fn encode_payment(writer: &mut Writer, to: &Address, asset: AssetCode, amount: u64) {
    writer.raw(to.as_bytes());
    asset.encode(writer);
    writer.u64(amount);
}

fn decode_payment(reader: &mut Reader<'_>) -> Result<(Address, AssetCode, u64), DecodeError> {
    Ok((
        Address::from_bytes(reader.array()?),
        AssetCode::decode(reader)?,
        reader.u64()?,
    ))
}

fn decode_text(
    reader: &mut Reader<'_>,
    what: &'static str,
    limit: usize,
) -> Result<String, DecodeError> {
    let bytes = reader.bytes(what, limit)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(DecodeError::Unknown {
            what,
            found: bytes[error.valid_up_to()].into(),
        }),
    }
}

/// A client's own name for what a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name.
    pub name: [u8; 32],
    /// The client looked for it, and nothing had been done under it up to this index. The ledger
    /// remembers the references that were taken since, or refuses the transaction (P6.5).
    pub since: u64,
}

impl Reference {
    /// The name under which nodes look up what was done: a tagged hash of account and name.
    #[must_use]
    pub fn lookup(account: &Address, name: &[u8; 32]) -> Hash {
        tagged_hash(LOOKUP_TAG, &[account.as_bytes(), name])
    }
}

impl Canonical for Reference {
    fn encode(&self, writer: &mut Writer) {
        writer.raw(&self.name);
        writer.u64(self.since);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: reader.array()?,
            since: reader.u64()?,
        })
    }
}

/// What an account wants done, all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The network that it is for: the hash of genesis ([`keys::Genesis::id`]).
    pub network: Hash,
    /// The account that acts.
    pub account: Address,
    /// The key that signs. Whether it may act for the account is judged at execution (P3.2).
    pub key: PublicKey,
    /// The hash of the entry that opened the account; zeros if it stands in genesis. Nobody knows it
    /// before, so what was refused because there was no such account stays refused (P6.5).
    pub opened: Hash,
    /// The account's number for it; no number is used twice (P6.5).
    pub nonce: u64,
    /// The last index at which it may execute.
    pub valid_until: u64,
    /// Drawn by the client, so that no two transactions are one unless they are meant to be: two
    /// processes of one account may make alike payments under one nonce at the same moment.
    pub salt: u64,
    /// The client's own name for what it does. Whatever else differs, an account executes no two
    /// transactions of one reference.
    pub reference: Option<Reference>,
    /// A remark, for everyone to read.
    pub memo: String,
    /// What to do, in this order.
    pub operations: Vec<Operation>,
}

impl Transaction {
    /// The digest that the key signs.
    #[must_use]
    pub fn signing_digest(&self) -> Hash {
        tagged_hash(SIGNING_TAG, &[&self.to_bytes()])
    }

    /// The transaction's id. It does not depend on the signature.
    #[must_use]
    pub fn id(&self) -> Hash {
        tagged_hash(ID_TAG, &[&self.to_bytes()])
    }

    /// What must be the same in every transaction of one reference: memo and operations.
    #[must_use]
    pub fn content(&self) -> Hash {
        let mut writer = Writer::default();
        writer.bytes(self.memo.as_bytes());
        writer.list(&self.operations);
        tagged_hash(CONTENT_TAG, &[&writer.into_bytes()])
    }

    /// The keys whose accounts it opens, if it is applied.
    pub fn opened_keys(&self) -> impl Iterator<Item = PublicKey> + '_ {
        self.operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::OpenAccount { key, .. } => Some(*key),
                Operation::Transfer { .. } | Operation::Issue { .. } => None,
            })
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, key: &dyn Signer) -> SignedTransaction {
        let signature = key.sign(&self.signing_digest());
        SignedTransaction {
            transaction: self,
            signature,
        }
    }

    /// Checks what the layout alone does not say.
    ///
    /// # Errors
    /// [`TransactionError`] with the first thing that is wrong.
    pub fn check_form(&self) -> Result<(), TransactionError> {
        if self.operations.is_empty() {
            return Err(TransactionError::Empty);
        }
        if self.memo.chars().any(char::is_control) {
            return Err(TransactionError::MemoCharacters);
        }
        for operation in &self.operations {
            if let Operation::OpenAccount { key, name } = operation {
                keys::PublicKey::from_bytes(&key.0)?;
                name.as_deref().map_or(Ok(()), keys::check_name)?;
            }
        }
        Ok(())
    }
}

impl Canonical for Transaction {
    fn encode(&self, writer: &mut Writer) {
        self.network.encode(writer);
        writer.raw(self.account.as_bytes());
        self.key.encode(writer);
        self.opened.encode(writer);
        writer.u64(self.nonce);
        writer.u64(self.valid_until);
        writer.u64(self.salt);
        writer.option(self.reference.as_ref());
        writer.bytes(self.memo.as_bytes());
        writer.list(&self.operations);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            network: Hash::decode(reader)?,
            account: Address::from_bytes(reader.array()?),
            key: PublicKey::decode(reader)?,
            opened: Hash::decode(reader)?,
            nonce: reader.u64()?,
            valid_until: reader.u64()?,
            salt: reader.u64()?,
            reference: reader.option()?,
            memo: decode_text(reader, "memo", MEMO_BYTES)?,
            operations: reader.list("operations", OPERATIONS)?,
        })
    }
}

/// Why bytes are no transaction that an entry may contain.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TransactionError {
    /// The bytes have another layout.
    #[error("malformed transaction: {0}")]
    Malformed(#[from] DecodeError),
    /// It was made for another network.
    #[error("the transaction is for the network {found}, and this is {expected}")]
    WrongNetwork {
        /// This network.
        expected: Hash,
        /// The transaction's.
        found: Hash,
    },
    /// It does nothing.
    #[error("a transaction needs at least one operation")]
    Empty,
    /// The memo could disturb a terminal.
    #[error("a memo must not contain control characters")]
    MemoCharacters,
    /// A key to register is weak, not canonical, or no key (P2.2).
    #[error("the key of the account to open cannot be used: {0}")]
    AccountKey(#[from] keys::PublicKeyError),
    /// A name to register cannot be used.
    #[error("the name of the account to open cannot be used: {0}")]
    AccountName(#[from] keys::NameError),
    /// The signature is not the key's.
    #[error("the transaction's signature is not good")]
    BadSignature,
}

/// A transaction with its signature: the payload of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    /// What is signed.
    pub transaction: Transaction,
    /// The key's signature over [`Transaction::signing_digest`].
    pub signature: Signature,
}

impl SignedTransaction {
    /// Reads a payload and checks its form and network, not the signature.
    ///
    /// # Errors
    /// [`TransactionError`] with the first thing that is wrong.
    pub fn read(network: &Hash, payload: &[u8]) -> Result<Self, TransactionError> {
        let signed = Self::from_bytes(payload)?;
        let found = signed.transaction.network;
        if found != *network {
            return Err(TransactionError::WrongNetwork {
                expected: *network,
                found,
            });
        }
        signed.transaction.check_form()?;
        Ok(signed)
    }

    /// Checks the signature by the one predicate (P2.2).
    ///
    /// # Errors
    /// [`TransactionError::BadSignature`].
    pub fn check_signature(&self, verifier: &dyn Verifier) -> Result<(), TransactionError> {
        let digest = self.transaction.signing_digest();
        if verifier.verify(&self.transaction.key, &digest, &self.signature) {
            Ok(())
        } else {
            Err(TransactionError::BadSignature)
        }
    }
}

impl Canonical for SignedTransaction {
    fn encode(&self, writer: &mut Writer) {
        self.transaction.encode(writer);
        self.signature.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            transaction: Transaction::decode(reader)?,
            signature: Signature::decode(reader)?,
        })
    }
}
