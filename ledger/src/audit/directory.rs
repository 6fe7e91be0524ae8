//! A node's data directory, read and never written.

use std::path::{Path, PathBuf};

use consensus::{Configuration, NodeId, Record};
use keys::Genesis;
use storage::{DirectoryDisk, Identity, OpenError, Position, Recovered, Recovery, read_only};
use thiserror::Error;

/// Why a directory cannot be audited.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// It is not there.
    #[error("there is no data directory {0}")]
    Absent(String),
    /// No node ever wrote there.
    #[error("{0} holds no node's data: nothing there was audited")]
    Empty(String),
    /// Its stream cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It belongs to none of the validators of genesis.
    #[error("{0} belongs to none of the validators in genesis")]
    Stranger(String),
}

/// See the module.
pub(super) struct Directory {
    pub(super) path: PathBuf,
    /// Whose it is.
    pub(super) node: NodeId,
    identity: Identity,
}

impl Directory {
    /// The data directory at `path`, or in a `data` folder there, and whose it is.
    pub(super) fn find(path: &Path, genesis: &Genesis) -> Result<Self, Unreadable> {
        let within = path.join("data");
        let path = if within.is_dir() {
            within
        } else {
            path.to_owned()
        };
        if !path.is_dir() {
            return Err(Unreadable::Absent(path.display().to_string()));
        }
        for (position, validator) in genesis.validators().iter().enumerate() {
            let identity = Identity {
                network: genesis.id(),
                node: *validator.key.as_bytes(),
            };
            match read_only(&DirectoryDisk::read_only(&path), identity, |_| {}) {
                Err(OpenError::OtherNode { .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(recovery) if !recovery.begun => {
                    return Err(Unreadable::Empty(path.display().to_string()));
                }
                Ok(_) => {
                    return Ok(Self {
                        path,
                        node: NodeId(u16::try_from(position).unwrap_or(u16::MAX)),
                        identity,
                    });
                }
            }
        }
        Err(Unreadable::Stranger(path.display().to_string()))
    }

    /// How many segments its stream has.
    pub(super) fn segments(&self) -> u64 {
        DirectoryDisk::read_only(&self.path).segments().unwrap_or(0)
    }

    /// Hands every whole record to `visit`, in order; a record that makes no sense is left out.
    pub(super) fn records(
        &self,
        configuration: &Configuration,
        mut visit: impl FnMut(Position, Record),
    ) -> Result<Recovery, Unreadable> {
        let disk = DirectoryDisk::read_only(&self.path);
        let recovery = read_only(&disk, self.identity, |recovered| {
            if let Recovered::Record {
                position,
                kind,
                bytes,
            } = recovered
                && let Ok(record) = Record::from_bytes(configuration, kind, bytes)
            {
                visit(position, record);
            }
        })?;
        Ok(recovery)
    }
}
