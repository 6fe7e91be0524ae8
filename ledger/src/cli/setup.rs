//! Where the network's files lie, and the options that every command takes.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use keys::{
    Access, FileError, Genesis, GenesisError, KeyFileError, KeyPair, KeyStore, PassphraseSource,
    data_directory,
};
use terminal::{exit::Code, explained, parse_span, program, quote};

use super::failure::{Failure, Outcome, missing};

/// How long a command waits unless `--timeout` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The key of connections that need no account's.
const CLIENT_KEY: &str = "client";

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// The network's data directory [default: $HAWSER_DATA, else .hawser in the workspace]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// JSON alone on standard output, text for people on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// How long to wait for the network: 10s, 500ms, 2m [default: 10s]
    #[arg(long, global = true, value_name = "SPAN", value_parser = parse_span)]
    pub timeout: Option<Duration>,
    /// The key to connect with, a name or a file [default: the acting account's, else a key of its
    /// own in DIR/keys/client.pem]
    #[arg(long, global = true, value_name = "NAME|FILE")]
    pub client_key: Option<String>,
    /// The file that holds the passphrase of a locked key [default: $HAWSER_PASSPHRASE_FILE, else
    /// it is asked for]
    #[arg(long, global = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl Common {
    /// The data directory.
    pub fn directory(&self) -> PathBuf {
        data_directory(self.data.clone())
    }

    /// Where the passphrases of locked keys come from.
    pub fn passphrases(&self) -> PassphraseSource {
        PassphraseSource::file_or_usual(self.passphrase_file.clone())
    }

    /// How long to wait.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(TIMEOUT)
    }

    /// A command of a program of this project as the user would type it, for the same network.
    fn command_of(&self, name: &str, words: &[&str]) -> String {
        let mut command = vec![program(name)];
        command.extend(words.iter().map(|word| quote(word)));
        if let Some(data) = &self.data {
            command.push("--data".to_owned());
            command.push(quote(&data.to_string_lossy()));
        }
        command.join(" ")
    }

    /// A command of this program.
    pub fn command(&self, words: &[&str]) -> String {
        self.command_of("ledger", words)
    }

    /// A command of the local network's program.
    pub fn testnet(&self, words: &[&str]) -> String {
        self.command_of("testnet", words)
    }

    /// The genesis in that file; without one, in the data directory.
    pub fn genesis(&self, file: Option<&Path>) -> Outcome<Genesis> {
        let path = file.map_or_else(|| self.directory().join("genesis.json"), Path::to_owned);
        Genesis::load(&path).map_err(|error| match error {
            GenesisError::File(FileError::NotFound(_)) if file.is_none() => self.no_genesis(),
            GenesisError::File(error @ FileError::System { .. }) => Failure::from(error)
                .meaning("Whether there is a network is not known. Is it another user's?"),
            error => {
                let message = format!("the genesis file {} is not good: {error}", path.display());
                let failure = Failure::from(error);
                Failure { message, ..failure }
            }
        })
    }
}

impl Common {
    /// As [`Common::genesis`], for commands that take the file by `--genesis`: then that is what is
    /// missing.
    pub fn genesis_by_option(&self, file: Option<&Path>) -> Outcome<Genesis> {
        if file.is_none() && !self.directory().join("genesis.json").exists() {
            return Err(Failure::usage(format!(
                "there is no genesis.json in {}",
                self.directory().display()
            ))
            .next("Copy the network's genesis.json there, or name it with --genesis FILE"));
        }
        self.genesis(file)
    }

    /// There is no genesis in the data directory. A local network is a way out only where nothing
    /// is: in a machine's or a user's own directory it would be an unrelated one.
    fn no_genesis(&self) -> Failure {
        let directory = self.directory();
        let message = format!(
            "there is no network in {}: it has no genesis.json",
            directory.display()
        );
        // What this program makes by itself says nothing about whose directory it is.
        let mut entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        let others = entries.any(|entry| entry.file_name() != "sent");
        if others {
            return Failure::new(Code::TestnetState, message).next(format!(
                "Copy the network's genesis.json to {}, or name another directory with --data DIR",
                directory.display()
            ));
        }
        Failure::new(Code::TestnetState, message).next(explained(
            &self.testnet(&["up"]),
            "starts a local one; or name another directory with --data DIR",
        ))
    }
}

/// A network's genesis and the keys that are here.
#[derive(Clone, Debug)]
pub struct Setup {
    pub common: Common,
    pub genesis: Genesis,
    pub keys: KeyStore,
}

impl Setup {
    /// The network of the data directory.
    pub fn load(common: &Common) -> Outcome<Self> {
        Ok(Self {
            common: common.clone(),
            genesis: common.genesis(None)?,
            keys: KeyStore::new(common.directory().join("keys"))
                .with_passphrases(common.passphrases()),
        })
    }

    /// The keys that are here, as far as they can be looked through without asking anybody.
    pub fn silent_keys(&self) -> KeyStore {
        self.keys
            .clone()
            .with_passphrases(PassphraseSource::Nowhere)
    }

    /// The key of that name, or in that file (anything with a `/` or ending in `.pem`).
    pub fn key(&self, text: &str) -> Outcome<KeyPair> {
        if text.contains('/') || text.ends_with(".pem") {
            let passphrases = self.common.passphrases();
            return Ok(KeyPair::read_pem_with(Path::new(text), &passphrases)?);
        }
        self.keys.load(text).map_err(|error| {
            if missing(&error) {
                Failure::usage(format!(
                    "there is no key {text:?} in {}",
                    self.keys.directory().display()
                ))
                .next(explained(
                    &self.common.command(&["account", "list"]),
                    "accounts and keys",
                ))
            } else {
                error.into()
            }
        })
    }

    /// The key to connect with: as `--client-key` says, else `own`, else one by which the network
    /// knows its members, else a key that only serves for connecting, made when it is first needed.
    pub fn client_key(&self, own: Option<&KeyPair>) -> Outcome<KeyPair> {
        match (&self.common.client_key, own) {
            (Some(chosen), _) => self.key(chosen),
            (None, Some(own)) => Ok(own.clone()),
            (None, None) => match self.member_key() {
                Some(member) => Ok(member),
                None => match self.keys.load(CLIENT_KEY) {
                    Err(error) if missing(&error) => self.new_client_key(),
                    loaded => Ok(loaded?),
                },
            },
        }
    }

    /// A key among those here that a network of members lets in, without asking anybody for a
    /// passphrase: the one for connecting before those of accounts (P12.2).
    fn member_key(&self) -> Option<KeyPair> {
        if self.genesis.access() == Access::Anybody {
            return None;
        }
        let keys = self.silent_keys();
        let mut names = keys.list().ok()?;
        names.sort_by_key(|name| name != CLIENT_KEY);
        let listed = |key: &keys::PublicKey| {
            let genesis = &self.genesis;
            genesis.readers().contains(key)
                || genesis.admin() == key
                || genesis.account_by_address(&key.address()).is_some()
        };
        let mut listed_here = names.iter().filter(|name| {
            let side = keys.public_side(name);
            side.is_ok_and(|side| listed(&side.key))
        });
        listed_here.find_map(|name| keys.load(name).ok())
    }

    fn new_client_key(&self) -> Outcome<KeyPair> {
        match self.keys.create(CLIENT_KEY) {
            Ok(key) => Ok(key),
            // Another command may have made it meanwhile; a folder that cannot be written is no
            // reason not to read.
            Err(error) => match self.keys.load(CLIENT_KEY) {
                Ok(key) => Ok(key),
                Err(_) if is_refused(&error) => Ok(KeyPair::generate()?),
                Err(_) => Err(error.into()),
            },
        }
    }
}

fn is_refused(error: &keys::KeyStoreError) -> bool {
    matches!(
        error,
        keys::KeyStoreError::File(KeyFileError::File(FileError::System { .. }))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_genesis_is_no_network() {
        let root = tempfile::tempdir().unwrap();
        let common = Common {
            data: Some(root.path().to_owned()),
            ..Common::default()
        };
        let failure = Setup::load(&common).unwrap_err();
        assert_eq!(failure.code, Code::TestnetState);
        assert!(failure.next.unwrap().contains("testnet up --data"));
    }

    #[test]
    fn in_a_directory_of_somebodys_own_the_missing_file_is_named_and_no_network_is_offered() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("key.pem"), "").unwrap();
        let common = Common {
            data: Some(root.path().to_owned()),
            ..Common::default()
        };
        let failure = Setup::load(&common).unwrap_err();
        assert_eq!(failure.code, Code::TestnetState);
        let next = failure.next.unwrap();
        assert!(
            next.contains("genesis.json") && !next.contains("testnet"),
            "{next}"
        );
    }

    #[test]
    fn a_genesis_that_is_none_is_no_missing_network() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("genesis.json"), "{}").unwrap();
        let common = Common {
            data: Some(root.path().to_owned()),
            ..Common::default()
        };
        let failure = Setup::load(&common).unwrap_err();
        assert_eq!(failure.code, Code::VerificationFailed);
        assert!(failure.message.contains("genesis.json is not good"));
    }

    #[test]
    fn commands_name_the_network_that_was_chosen() {
        let mut common = Common::default();
        assert_eq!(common.command(&["balance", "alice"]), {
            let program = program("ledger");
            format!("{program} balance alice")
        });
        common.data = Some("/a b".into());
        assert!(
            common
                .command(&["status"])
                .ends_with("status --data '/a b'")
        );
    }
}
