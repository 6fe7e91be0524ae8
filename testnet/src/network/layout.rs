//! Where everything of a local network lies.
//!
//! ```text
//! DIR/genesis.json      what the network starts from
//! DIR/testnet.json      what this program remembers of it
//! DIR/keys/NAME.pem     the keys of accounts and of the admin
//! DIR/n0/key.pem        a node's own key, and nobody else's
//!       /data/          its durable stream
//!       /node.log       what it says
//!       /control.sock   how it is steered; for its owner only
//!       /pid            its process, locked while that lives
//!       /behaviour.json the misbehaviour set on it, if any
//!       /links.json     the faults set on its links, if any
//! ```

use std::path::{Path, PathBuf};

use keys::KeyStore;

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
