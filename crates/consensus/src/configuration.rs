//! The validators of an epoch and the sizes that follow from them (P1.1, P1.2).

use crate::{
    hashing::{Domain, tagged_hash},
    mode::{FaultModel, Mode, SizeError},
    signature::PublicKey,
    types::{Epoch, Hash, Index, NodeId, Point, Term},
};

/// Who checks a client's signature (P1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientChecks {
    /// The node that takes a request from a client or a relay, and the leader.
    Leader,
    /// Every node, before it accepts an entry. The only choice of Byzantine mode.
    All,
}

impl ClientChecks {
    /// What a mode does unless told otherwise.
    #[must_use]
    pub const fn default_of(mode: Mode) -> Self {
        match mode {
            Mode::Raft => Self::Leader,
            Mode::RaftSigned | Mode::Byzantine => Self::All,
        }
    }
}

/// One epoch's validators in order, with what is derived from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    domain: Domain,
    epoch: Epoch,
    opening: Point,
    validators: Vec<PublicKey>,
    sizes: FaultModel,
    client_checks: ClientChecks,
}

impl Configuration {
    /// The configuration that genesis lists.
    ///
    /// # Errors
    /// [`SizeError`] if the mode cannot work with that many validators.
    pub fn genesis(
        domain: Domain,
        validators: Vec<PublicKey>,
        client_checks: ClientChecks,
    ) -> Result<Self, SizeError> {
        let sizes = FaultModel::new(domain.mode, validators.len())?;
        Ok(Self {
            domain,
            epoch: Epoch::ZERO,
            opening: Point {
                index: Index::ZERO,
                hash: tagged_hash(
                    "hawser/v1/opening",
                    &[&domain.network.0, &[domain.mode.number()]],
                ),
            },
            validators,
            sizes,
            client_checks: match domain.mode {
                Mode::Byzantine => ClientChecks::All,
                Mode::Raft | Mode::RaftSigned => client_checks,
            },
        })
    }

    /// Network and mode, for digests.
    #[must_use]
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.domain.mode
    }

    /// The epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The epoch's first point: what term 0 builds on (P4.1).
    #[must_use]
    pub const fn opening(&self) -> Point {
        self.opening
    }

    /// f, Q, F and what else follows from n.
    #[must_use]
    pub const fn sizes(&self) -> FaultModel {
        self.sizes
    }

    /// Who checks client signatures.
    #[must_use]
    pub const fn client_checks(&self) -> ClientChecks {
        self.client_checks
    }

    /// A validator's key.
    #[must_use]
    pub fn key(&self, node: NodeId) -> Option<&PublicKey> {
        self.validators.get(node.position())
    }

    /// The validator with this key.
    #[must_use]
    pub fn node(&self, key: &PublicKey) -> Option<NodeId> {
        self.sizes.nodes().find(|&node| self.key(node) == Some(key))
    }

    /// Every validator's key, in order.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.validators
    }

    /// leader(T) of Byzantine mode (P4.1).
    #[must_use]
    pub fn leader(&self, term: Term) -> NodeId {
        let position = term.0 % self.validators.len() as u64;
        NodeId(u16::try_from(position).expect("fewer validators than 2^16"))
    }

    /// The digest that is signed or that names an entry, of this network, mode and epoch.
    #[must_use]
    pub fn digest(&self, tag: &str, body: &[u8]) -> Hash {
        self.domain.digest(tag, self.epoch, body)
    }
}
