//! Key files: PKCS#8 version 1 in PEM, as OpenSSL writes and reads them.
//!
//! Version 2, which would carry the public key too, cannot be read by OpenSSL 3.0; it is accepted
//! when read, and its public key must then match.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::{LineEnding, decode_label};
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, EncodePrivateKey, KeypairBytes, ObjectIdentifier, PrivateKeyInfoRef,
    SecretDocument,
};
use ed25519_dalek::{SigningKey, pkcs8};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::file::{self, FileError, Overwrite};
use crate::key_pair::KeyPair;
use crate::name::shorten;

/// The largest key file that is read. One of ours has 119 bytes; comments may precede the key.
pub const MAX_KEY_FILE_BYTES: u64 = 16 << 10;

const LABEL: &str = "PRIVATE KEY";

/// Why a key file could not be read or written.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// The file itself could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Others than the owner may read or write the file.
    #[error(
        "{path} is open to others (mode {mode:04o}); run: chmod 600 {path}",
        path = .path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not PEM.
    #[error("{} is no PEM file with a private key", .0.display())]
    NotPem(PathBuf),
    /// The PEM file holds something else.
    #[error("{} holds a {label}, not a PKCS#8 `{LABEL}`", .path.display())]
    WrongLabel {
        /// The file.
        path: PathBuf,
        /// What the file says it holds, in quotes.
        label: String,
    },
    /// The key is encrypted.
    #[error(
        "{path} is encrypted; decrypt it first: openssl pkey -in {path} -out NEW-FILE",
        path = .0.display()
    )]
    Encrypted(PathBuf),
    /// The key is for another algorithm.
    #[error("{} holds a key for {algorithm}, not for Ed25519", .path.display())]
    WrongAlgorithm {
        /// The file.
        path: PathBuf,
        /// The algorithm's name, or its object identifier.
        algorithm: String,
    },
    /// The file says it is an Ed25519 key, but the contents are damaged.
    #[error("{} is damaged: its contents are no Ed25519 private key", .0.display())]
    Malformed(PathBuf),
}

impl KeyPair {
    /// Writes **the secret key** as PKCS#8 v1 PEM, readable by the owner only (mode 0600 from the
    /// first moment), whole or not at all. A missing folder is created with mode 0700.
    ///
    /// # Errors
    /// [`KeyFileError::File`]; [`FileError::Exists`] in it if the file is there and is to be kept.
    pub fn write_pem(&self, path: &Path, overwrite: Overwrite) -> Result<(), KeyFileError> {
        let pem = self.keypair_bytes().to_pkcs8_pem(LineEnding::LF);
        let pem = pem.map_err(|_| KeyFileError::Malformed(path.to_owned()))?;
        file::write(path, pem.as_bytes(), 0o600, 0o700, overwrite)?;
        Ok(())
    }

    /// Reads a key file: at most 16 KiB, open to nobody but its owner.
    ///
    /// # Errors
    /// [`KeyFileError`], which says what is wrong with the file and what to do.
    pub fn read_pem(path: &Path) -> Result<Self, KeyFileError> {
        let file = file::open(path)?;
        check_permissions(path, &file)?;
        let bytes = file::read(path, &file, MAX_KEY_FILE_BYTES)?;
        parse_pem(path, &bytes)
    }

    /// **The secret key** as PKCS#8 v1 DER, as TLS libraries take it.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        self.keypair_bytes()
            .to_pkcs8_der()
            .expect("48 bytes of fixed structure can be encoded")
            .to_bytes()
    }

    fn keypair_bytes(&self) -> KeypairBytes {
        KeypairBytes {
            secret_key: *self.signing_key().as_bytes(),
            // Leaving it out makes it version 1.
            public_key: None,
        }
    }
}

/// Judges the file that is open, not the name: the name may lead elsewhere by now.
fn check_permissions(path: &Path, file: &File) -> Result<(), KeyFileError> {
    let metadata = file.metadata().map_err(|source| FileError::System {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::OpenToOthers {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

fn parse_pem(path: &Path, bytes: &[u8]) -> Result<KeyPair, KeyFileError> {
    let path = || path.to_owned();
    let text = std::str::from_utf8(bytes).map_err(|_| KeyFileError::NotPem(path()))?;
    match decode_label(bytes).map_err(|_| KeyFileError::NotPem(path()))? {
        LABEL => {}
        "ENCRYPTED PRIVATE KEY" => return Err(KeyFileError::Encrypted(path())),
        label => {
            return Err(KeyFileError::WrongLabel {
                path: path(),
                label: shorten(label),
            });
        }
    }
    let (_, document) =
        SecretDocument::from_pem(text).map_err(|_| KeyFileError::Malformed(path()))?;
    let information = PrivateKeyInfoRef::try_from(document.as_bytes())
        .map_err(|_| KeyFileError::Malformed(path()))?;
    if information.algorithm.oid != pkcs8::ALGORITHM_OID {
        return Err(KeyFileError::WrongAlgorithm {
            path: path(),
            algorithm: algorithm_name(information.algorithm.oid),
        });
    }
    SigningKey::from_pkcs8_der(document.as_bytes())
        .map(KeyPair::from)
        .map_err(|_| KeyFileError::Malformed(path()))
}

fn algorithm_name(identifier: ObjectIdentifier) -> String {
    let identifier = identifier.to_string();
    match identifier.as_str() {
        "1.2.840.113549.1.1.1" => "RSA".into(),
        "1.2.840.113549.1.1.10" => "RSA-PSS".into(),
        "1.2.840.10045.2.1" => "elliptic curves (ECDSA)".into(),
        "1.3.101.110" => "X25519".into(),
        "1.3.101.111" => "X448".into(),
        "1.3.101.113" => "Ed448".into(),
        _ => format!("the algorithm {identifier}"),
    }
}
