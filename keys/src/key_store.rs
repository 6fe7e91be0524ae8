//! A folder of named key files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::directory::data_directory;
use crate::file::{FileError, Overwrite};
use crate::key_file::{KeyFileError, PublicSide};
use crate::key_pair::{KeyPair, RandomnessError};
use crate::name::{NameError, check_name};
use crate::passphrase::{Passphrase, PassphraseSource};

const EXTENSION: &str = "pem";

/// Why a named key could not be read or written.
#[derive(Debug, Error)]
pub enum KeyStoreError {
    /// The name cannot be a key's.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key's file could not be read or written.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// No new key could be made.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

/// A folder that holds the key `NAME` in the file `NAME.pem`. Names are checked
/// ([`check_name`]), so none leads out of the folder.
#[derive(Clone, Debug)]
pub struct KeyStore {
    directory: PathBuf,
    passphrases: PassphraseSource,
}

impl KeyStore {
    /// The store in that folder, which need not exist yet.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            passphrases: PassphraseSource::Usual,
        }
    }

    /// The same store, with the passphrases of locked keys from that source.
    #[must_use]
    pub fn with_passphrases(mut self, passphrases: PassphraseSource) -> Self {
        self.passphrases = passphrases;
        self
    }

    /// The store of the data directory `data` (see [`data_directory`]): its folder `keys`.
    #[must_use]
    pub fn in_data_directory(data: Option<PathBuf>) -> Self {
        Self::new(data_directory(data).join("keys"))
    }

    /// The folder.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file of that key, which need not exist.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn path(&self, name: &str) -> Result<PathBuf, NameError> {
        check_name(name)?;
        Ok(self.directory.join(format!("{name}.{EXTENSION}")))
    }

    /// The names of all keys, sorted; none if the folder does not exist. Files that are not named
    /// like a key's are passed over.
    ///
    /// # Errors
    /// [`FileError::System`] if the folder cannot be read.
    pub fn list(&self) -> Result<Vec<String>, FileError> {
        let refused = |source| FileError::System {
            action: "read the folder",
            path: self.directory.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(refused)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = PathBuf::from(entry.map_err(refused)?.file_name());
            if path.extension().is_some_and(|found| found == EXTENSION)
                && let Some(name) = path.file_stem().and_then(|name| name.to_str())
                && check_name(name).is_ok()
            {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Reads the key of that name.
    ///
    /// # Errors
    /// [`KeyStoreError::Name`], or what is wrong with its file.
    pub fn load(&self, name: &str) -> Result<KeyPair, KeyStoreError> {
        Ok(KeyPair::read_pem_with(
            &self.path(name)?,
            &self.passphrases,
        )?)
    }

    /// The public side of the key of that name, which takes no passphrase if the file is ours.
    ///
    /// # Errors
    /// As [`KeyStore::load`].
    pub fn public_side(&self, name: &str) -> Result<PublicSide, KeyStoreError> {
        Ok(PublicSide::read(&self.path(name)?, &self.passphrases)?)
    }

    /// Makes a new key of that name. One that exists is never replaced.
    ///
    /// # Errors
    /// [`KeyStoreError`]; [`FileError::Exists`] in it if there is such a key.
    pub fn create(&self, name: &str) -> Result<KeyPair, KeyStoreError> {
        let path = self.path(name)?;
        let key = KeyPair::generate()?;
        key.write_pem(&path, Overwrite::Refuse)?;
        Ok(key)
    }

    /// Keeps `key` under that name.
    ///
    /// # Errors
    /// As [`KeyStore::create`].
    pub fn save(
        &self,
        name: &str,
        key: &KeyPair,
        overwrite: Overwrite,
    ) -> Result<(), KeyStoreError> {
        key.write_pem(&self.path(name)?, overwrite)?;
        Ok(())
    }

    /// Keeps `key` under that name, locked by a passphrase.
    ///
    /// # Errors
    /// As [`KeyStore::create`].
    pub fn save_locked(
        &self,
        name: &str,
        key: &KeyPair,
        passphrase: &Passphrase,
        overwrite: Overwrite,
    ) -> Result<(), KeyStoreError> {
        key.write_locked_pem(&self.path(name)?, passphrase, overwrite)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_created_listed_and_loaded() {
        let root = tempfile::tempdir().unwrap();
        let store = KeyStore::new(root.path().join("keys"));
        assert_eq!(store.list().unwrap(), [""; 0]);
        let bob = store.create("bob").unwrap();
        store.create("alice").unwrap();
        for other in ["notes.txt", "Upper.pem", ".hidden.pem", "x.pem.bak", ".pem"] {
            fs::write(store.directory().join(other), "").unwrap();
        }
        assert_eq!(store.list().unwrap(), ["alice", "bob"]);
        assert_eq!(store.load("bob").unwrap().public_key(), bob.public_key());
    }

    #[test]
    fn a_key_is_replaced_only_when_asked() {
        let root = tempfile::tempdir().unwrap();
        let store = KeyStore::new(root.path());
        let first = store.create("alice").unwrap();
        assert!(matches!(
            store.create("alice"),
            Err(KeyStoreError::File(KeyFileError::File(FileError::Exists(
                _
            ))))
        ));
        assert_eq!(
            store.load("alice").unwrap().public_key(),
            first.public_key()
        );
        let second = KeyPair::generate().unwrap();
        store.save("alice", &second, Overwrite::Replace).unwrap();
        assert_eq!(
            store.load("alice").unwrap().public_key(),
            second.public_key()
        );
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let store = KeyStore::new(root.path().join("keys"));
        for name in ["../alice", "/etc/passwd", "a/b", "..", ""] {
            assert!(matches!(store.create(name), Err(KeyStoreError::Name(_))));
            assert!(matches!(store.load(name), Err(KeyStoreError::Name(_))));
        }
        assert!(!store.directory().exists());
    }
}
