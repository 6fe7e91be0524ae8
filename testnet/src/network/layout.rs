//! Where everything of a local network lies.
//!
//! ```text
//! DIR/genesis.json      what the network starts from
//! DIR/testnet.json      what this program remembers of it
//! DIR/keys/NAME.pem     the keys of accounts and of the admin
//! DIR/sent/ID.json      what the ledger's command line notes of what it sent
//! DIR/compare/          what the last comparison reported
//! DIR/n0/key.pem        a node's own key, and nobody else's
//!       /data/          its durable stream
//!       /node.log       what it says
//!       /control.sock   how it is steered; for its owner only
//!       /pid            its process, locked while that lives
//!       /behaviour.json the misbehaviour set on it, if any
//!       /links.json     the faults set on its links, if any
//! ```

use std::path::{Path, PathBuf};

use keys::{KeyStore, data_directory};
use terminal::{program, quote};

/// The folders and files of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The network in that folder, which need not exist.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        // Nodes are found by the absolute path on their command line.
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        Self { root }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether a node of another network is kept here: a key of its own right in the folder.
    #[must_use]
    pub fn is_somebodys(&self) -> bool {
        self.root.join("key.pem").exists()
    }

    /// A command of this project as the user would type it for this network: it names the folder
    /// unless that is the usual one.
    #[must_use]
    pub fn command(&self, tool: &str, words: &str) -> String {
        let mut command = format!("{} {words}", program(tool));
        if *self != Self::new(&data_directory(None)) {
            command.push_str(" --data ");
            command.push_str(&quote(&self.root.to_string_lossy()));
        }
        command
    }

    /// A text in which every command that stands between backticks, such as `` `testnet heal` ``,
    /// is as the user would type it.
    #[must_use]
    pub fn spell_out(&self, text: &str) -> String {
        let mut spelled = String::with_capacity(text.len());
        for (position, part) in text.split('`').enumerate() {
            if position > 0 {
                spelled.push('`');
            }
            match part.split_once(' ') {
                Some((tool @ ("testnet" | "ledger"), words)) if position % 2 == 1 => {
                    spelled.push_str(&self.command(tool, words));
                }
                _ => spelled.push_str(part),
            }
        }
        spelled
    }

    /// The genesis file.
    #[must_use]
    pub fn genesis(&self) -> PathBuf {
        self.root.join("genesis.json")
    }

    /// What this program remembers.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.root.join("testnet.json")
    }

    /// Locked while something about the network is changed.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join("testnet.lock")
    }

    /// What the ledger's command line notes of what it sent.
    #[must_use]
    pub fn sent(&self) -> PathBuf {
        self.root.join("sent")
    }

    /// Where a comparison is reported unless the user names another folder.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.root.join("compare")
    }

    /// The keys of accounts.
    #[must_use]
    pub fn keys(&self) -> KeyStore {
        KeyStore::new(self.root.join("keys"))
    }

    /// A node's part.
    #[must_use]
    pub fn node(&self, name: &str) -> NodeLayout {
        NodeLayout {
            directory: self.root.join(name),
        }
    }
}

/// The files of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeLayout {
    directory: PathBuf,
}

impl NodeLayout {
    /// The files in that folder.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        Self { directory }
    }

    /// The folder.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The node's name: its folder's.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.directory.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The network that the node belongs to.
    #[must_use]
    pub fn network(&self) -> Layout {
        Layout::new(self.directory.parent().unwrap_or(&self.directory))
    }

    /// The other nodes of its network that have a folder beside this one.
    #[must_use]
    pub fn siblings(&self) -> Vec<Self> {
        let entries = std::fs::read_dir(self.network().root());
        let entries = entries.into_iter().flatten().flatten();
        entries
            .map(|entry| Self::new(&entry.path()))
            .filter(|other| other != self && other.key().is_file())
            .collect()
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.directory.join("key.pem")
    }

    /// Its durable stream.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// What it says.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.directory.join("node.log")
    }

    /// How it is steered.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.join("control.sock")
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> PathBuf {
        self.directory.join("pid")
    }

    /// The misbehaviour set on it.
    #[must_use]
    pub fn behaviour(&self) -> PathBuf {
        self.directory.join("behaviour.json")
    }

    /// The faults on its links.
    #[must_use]
    pub fn links(&self) -> PathBuf {
        self.directory.join("links.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_between_backticks_name_the_network_and_other_words_stay() {
        let layout = Layout::new(Path::new("/elsewhere/a network"));
        let heal = layout.command("testnet", "heal");
        assert!(heal.ends_with("testnet heal --data '/elsewhere/a network'"));
        let evidence = layout.command("ledger", "evidence list");
        assert_eq!(
            layout.spell_out("Say `testnet heal` or `ledger evidence list`: testnet `n0 n1`."),
            format!("Say `{heal}` or `{evidence}`: testnet `n0 n1`.")
        );
        let usual = Layout::new(&data_directory(None));
        assert!(!usual.command("testnet", "heal").contains("--data"));
    }
}
