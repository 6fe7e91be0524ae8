//! Identities, key files and the genesis file.
//!
//! - [`KeyPair`], [`PublicKey`]: Ed25519 keys; a registered public key is neither weak nor
//!   non-canonical (P2.2).
//! - [`Address`] (`hw1…`), [`PublicKey`] (`hwk1…`), [`ValidatorKey`] (`hwv1…`): the three things
//!   people read, copy and paste, each with a prefix and a checksum of its own ([`encoding`]).
//! - [`KeyStore`] and [`KeyPair::write_pem`]: key files that OpenSSL reads and only the owner can,
//!   locked by a [`Passphrase`] if wanted.
//! - [`Genesis`]: what a network starts from, and the network id that goes into every signed byte
//!   string (P2.1).
//!
//! No secret appears in any `Debug`, `Display` or JSON output of this crate.

pub mod encoding;
pub mod genesis;

mod access;
mod address;
mod directory;
mod file;
mod hash;
mod incarnation;
mod key_file;
mod key_pair;
mod key_store;
mod locked;
mod mode;
mod name;
mod passphrase;
mod public_key;

pub mod strict_json;

pub use access::Access;
pub use address::Address;
pub use directory::{DATA_DIRECTORY, DATA_VARIABLE, data_directory};
pub use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
pub use encoding::EncodingError;
pub use file::{FileError, Overwrite};
pub use genesis::{Account, Asset, Genesis, GenesisError, GenesisFile, Validator};
pub use hash::{from_hex, tagged_hash, to_hex};
pub use incarnation::{
    Incarnation, IncarnationError, IncarnationHash, IncarnationRecord, NoIncarnationHash,
};
pub use key_file::{KeyFileError, MAX_KEY_FILE_BYTES, PublicSide};
pub use key_pair::{KeyPair, RandomnessError};
pub use key_store::{KeyStore, KeyStoreError};
pub use mode::{ClientChecks, Mode, UnknownValue};
pub use name::{MAX_NAME_BYTES, NameError, check_name};
pub use passphrase::{
    MAX_PASSPHRASE_BYTES, PASSPHRASE_VARIABLE, Passphrase, PassphraseError, PassphraseSource,
};
pub use public_key::{BadSignature, PublicKey, PublicKeyError, ValidatorKey};
