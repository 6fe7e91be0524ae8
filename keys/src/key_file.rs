//! Key files: PKCS#8 version 1 in PEM, as OpenSSL writes and reads them.
//!
//! Version 2, which would carry the public key too, cannot be read by OpenSSL 3.0; it is accepted
//! when read, and its public key must then match. A file may be locked by a passphrase.

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::{LineEnding, decode_label};
use ed25519_dalek::pkcs8::{
    ALGORITHM_OID, DecodePrivateKey, EncodePrivateKey, KeypairBytes, ObjectIdentifier,
    PrivateKeyInfoRef, SecretDocument,
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::file::{self, FileError, Overwrite};
use crate::key_pair::{KeyPair, RandomnessError};
use crate::locked::{self, Refused};
use crate::name::shorten;
use crate::passphrase::{Passphrase, PassphraseError, PassphraseSource};
use crate::public_key::PublicKey;

/// The largest key file that is read. One of ours has 119 bytes, 365 if it is locked; comments may
/// precede the key.
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
    /// The file is locked, and there is no passphrase.
    #[error("{} is locked by a passphrase: {source}", .path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// Why there is none.
        source: PassphraseError,
    },
    /// The passphrase is another one.
    #[error(
        "the passphrase does not unlock {}: it is not the right one, or the file is damaged",
        .0.display()
    )]
    WrongPassphrase(PathBuf),
    /// The file is locked in a way that is not read here.
    #[error("{path} is locked by {how}; write it anew: openssl pkcs8 -topk8 -v2 aes-256-cbc -scrypt -in {path} -out NEW-FILE", path = .path.display())]
    UnsupportedLock {
        /// The file.
        path: PathBuf,
        /// How.
        how: &'static str,
    },
    /// The public key in front of the locked key is not the key's.
    #[error("{} names a public key in its first line that is not the key's", .0.display())]
    OtherPublicKey(PathBuf),
    /// There is no randomness to lock the file with.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
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

    /// As [`KeyPair::write_pem`], locked by a passphrase: PBES2 with scrypt and AES-256-CBC, which
    /// OpenSSL reads too.
    ///
    /// # Errors
    /// As [`KeyPair::write_pem`], and [`KeyFileError::Randomness`].
    pub fn write_locked_pem(
        &self,
        path: &Path,
        passphrase: &Passphrase,
        overwrite: Overwrite,
    ) -> Result<(), KeyFileError> {
        let contents = locked::lock(self, passphrase)?;
        file::write(path, contents.as_bytes(), 0o600, 0o700, overwrite)?;
        Ok(())
    }

    /// Reads a key file: at most 16 KiB, open to nobody but its owner. The passphrase of a locked
    /// one comes from [`PassphraseSource::Usual`].
    ///
    /// # Errors
    /// [`KeyFileError`], which says what is wrong with the file and what to do.
    pub fn read_pem(path: &Path) -> Result<Self, KeyFileError> {
        Self::read_pem_with(path, &PassphraseSource::Usual)
    }

    /// As [`KeyPair::read_pem`], with the passphrase of a locked file from that source.
    ///
    /// # Errors
    /// As [`KeyPair::read_pem`].
    pub fn read_pem_with(
        path: &Path,
        passphrases: &PassphraseSource,
    ) -> Result<Self, KeyFileError> {
        Self::from_pem(path, &read(path)?, passphrases)
    }

    /// Reads the contents of a key file; `path` only serves to name it in errors.
    ///
    /// # Errors
    /// [`KeyFileError`], which says what is wrong with the contents.
    pub fn from_pem(
        path: &Path,
        contents: &[u8],
        passphrases: &PassphraseSource,
    ) -> Result<Self, KeyFileError> {
        let text = text(path, contents)?;
        let document = document(path, text)?;
        if !is_locked(path, contents)? {
            return from_document(path, &document);
        }
        let passphrase = passphrases
            .passphrase(path)
            .map_err(|source| KeyFileError::Locked {
                path: path.to_owned(),
                source,
            })?;
        let document = locked::unlock(document.as_bytes(), &passphrase).map_err(|refused| {
            let path = path.to_owned();
            match refused {
                Refused::Malformed => KeyFileError::Malformed(path),
                Refused::Unsupported(how) => KeyFileError::UnsupportedLock { path, how },
                Refused::Wrong => KeyFileError::WrongPassphrase(path),
            }
        })?;
        let key = from_document(path, &document)?;
        match locked::named_public_key(text) {
            Some(named) if named != key.public_key() => {
                Err(KeyFileError::OtherPublicKey(path.to_owned()))
            }
            _ => Ok(key),
        }
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

/// What is known of a key file without its passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicSide {
    /// The public key. In a locked file it stands before the key, where whoever may write the file
    /// could change it: that is noticed when the key is used.
    pub key: PublicKey,
    /// Whether it takes a passphrase to use the key.
    pub locked: bool,
}

impl PublicSide {
    /// Reads the public side of a key file. The passphrase is needed only for a locked file that
    /// other software wrote.
    ///
    /// # Errors
    /// As [`KeyPair::read_pem_with`].
    pub fn read(path: &Path, passphrases: &PassphraseSource) -> Result<Self, KeyFileError> {
        let contents = read(path)?;
        let locked = is_locked(path, &contents)?;
        let named = locked::named_public_key(text(path, &contents)?).filter(|_| locked);
        let key = match named {
            Some(key) => key,
            None => KeyPair::from_pem(path, &contents, passphrases)?.public_key(),
        };
        Ok(Self { key, locked })
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let file = file::open(path)?;
    let mode = file::mode(path, &file)?;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::OpenToOthers {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(file::read(path, &file, MAX_KEY_FILE_BYTES)?)
}

fn text<'a>(path: &Path, contents: &'a [u8]) -> Result<&'a str, KeyFileError> {
    std::str::from_utf8(contents).map_err(|_| KeyFileError::NotPem(path.to_owned()))
}

fn is_locked(path: &Path, contents: &[u8]) -> Result<bool, KeyFileError> {
    match decode_label(contents).map_err(|_| KeyFileError::NotPem(path.to_owned()))? {
        LABEL => Ok(false),
        locked::LABEL => Ok(true),
        label => Err(KeyFileError::WrongLabel {
            path: path.to_owned(),
            label: shorten(label),
        }),
    }
}

/// What the PEM holds, whatever its label.
fn document(path: &Path, text: &str) -> Result<SecretDocument, KeyFileError> {
    is_locked(path, text.as_bytes())?;
    let (_, document) =
        SecretDocument::from_pem(text).map_err(|_| KeyFileError::Malformed(path.to_owned()))?;
    Ok(document)
}

fn from_document(path: &Path, document: &SecretDocument) -> Result<KeyPair, KeyFileError> {
    let malformed = || KeyFileError::Malformed(path.to_owned());
    let information = PrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| malformed())?;
    if information.algorithm.oid != ALGORITHM_OID {
        return Err(KeyFileError::WrongAlgorithm {
            path: path.to_owned(),
            algorithm: algorithm_name(information.algorithm.oid),
        });
    }
    SigningKey::from_pkcs8_der(document.as_bytes())
        .map(KeyPair::from)
        .map_err(|_| malformed())
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
