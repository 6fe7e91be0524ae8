//! Tagged SHA-256, and the network's part in everything signed (P2.1).

use sha2::{Digest, Sha256};

use crate::{
    mode::Mode,
    mutation::{self, Mutation},
    types::{Epoch, Hash},
};

/// What separates one network's signatures from every other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Hash of genesis.
    pub network: Hash,
    /// The network's mode.
    pub mode: Mode,
}

impl Domain {
    /// SHA-256 of `tag length ‖ tag ‖ network ‖ mode ‖ epoch ‖ body`: the digest that is signed,
    /// or, for an entry's header, the entry's hash.
    #[must_use]
    pub fn digest(&self, tag: &str, epoch: Epoch, body: &[u8]) -> Hash {
        let mut hasher = tagged(tag);
        if !mutation::active(Mutation::SignatureWithoutNetwork) {
            hasher.update(self.network.0);
        }
        if !mutation::active(Mutation::SignatureWithoutMode) {
            hasher.update([self.mode.number()]);
        }
        if !mutation::active(Mutation::SignatureWithoutEpoch) {
            hasher.update(epoch.0.to_le_bytes());
        }
        hasher.update(body);
        Hash(hasher.finalize().into())
    }
}

/// SHA-256 of `tag length ‖ tag ‖ parts`. The parts must be of fixed length or length-prefixed.
#[must_use]
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> Hash {
    let mut hasher = tagged(tag);
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

fn tagged(tag: &str) -> Sha256 {
    let length = u8::try_from(tag.len()).expect("tags are short constants");
    Sha256::new()
        .chain_update([length])
        .chain_update(tag.as_bytes())
}
