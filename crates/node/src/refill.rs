//! Getting damaged entries back from the others (P11.2).
//!
//! Which entry belongs where is known without anybody's word: an entry's successor holds its hash,
//! and the last one's hash is in the vote state or in the best commit certificate. So one peer that
//! has the entry is enough, whoever it is and whatever the others say. The node votes only after it
//! has been put back.

mod asking;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use consensus::{
    Configuration, Entry, Hash, Index, Mode, Record, Signature, Verification, VoteState,
    encoding::{Canonical, Reader},
};
use keys::{Genesis, KeyPair};
use storage::{Position, RefillError, Storage};
use tokio::time::timeout;

use crate::recovery::Opened;
use asking::{Asking, Wanted};

/// How long the others are asked for one entry before the node gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stored entry whose body is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) index: Index,
    pub(crate) position: Position,
}

/// Asks the other validators for every missing entry and puts it back where it was.
///
/// # Errors
/// A sentence that says what could not be had.
pub(crate) async fn from_peers(
    genesis: &Genesis,
    key: &KeyPair,
    verification: Verification,
    opened: &mut Opened,
) -> Result<(), String> {
    let verification = Arc::new(verification);
    let configuration = verification.configuration();
    let mut asking = Asking::new(genesis, key, &verification).map_err(|error| error.to_string())?;
    // From the last to the first: each tells the hash of the one before it.
    let mut successor: Option<Arc<Entry>> = None;
    while let Some(missing) = opened.missing.pop() {
        let next = missing.index.next();
        let successor_here = successor
            .take()
            .filter(|entry| entry.index() == next)
            .or_else(|| opened.chain.entry(next));
        let hash = match successor_here {
            Some(entry) => Some(entry.header().previous),
            None => end_of_chain(opened, configuration, missing.index),
        };
        let index = missing.index;
        if hash.is_none() && configuration.mode() == Mode::Byzantine {
            return Err(format!("nothing says what entry {index} was"));
        }
        let place = Place {
            storage: &mut opened.storage,
            position: missing.position,
            verification: &verification,
        };
        successor = Some(have_again(&mut asking, Wanted { index, hash }, place).await?);
        tracing::warn!(%index, "a damaged entry was put back");
    }
    Ok(())
}

/// Asks until an answer fits, for at most [`PATIENCE`]. Of no answer more comes than that its sender
/// is not listened to any more: a peer that lies must not keep the next one from being asked.
async fn have_again(
    asking: &mut Asking,
    wanted: Wanted,
    mut place: Place<'_>,
) -> Result<Arc<Entry>, String> {
    let index = wanted.index;
    let mut others = Vec::new();
    let mut offers = asking.about(wanted);
    let listening = async {
        while let Some(offer) = offers.next().await {
            if let Some(entry) = offer.entry
                && let Some(entry) = place.put_back(&entry)?
            {
                asking.prefer(&offer.peer);
                return Ok(Some(entry));
            }
            tracing::warn!(peer = offer.peer.name, %index, "offered another entry");
            others.push(offer.peer.name.clone());
        }
        Ok::<_, RefillError>(None)
    };
    let waited = match timeout(PATIENCE, listening).await {
        Ok(Ok(Some(entry))) => return Ok(entry),
        Ok(Err(error)) => return Err(error.to_string()),
        Ok(Ok(None)) => String::new(),
        Err(_) => format!(" within {} s", PATIENCE.as_secs()),
    };
    let mut reason = format!("no other node gave entry {index}{waited}");
    if !others.is_empty() {
        reason += &format!(" ({} offered another one)", others.join(", "));
    }
    Err(reason + "; start the node again once others are up")
}

/// Where an entry belongs.
struct Place<'a> {
    storage: &'a mut Storage,
    position: Position,
    verification: &'a Verification,
}

impl Place<'_> {
    /// Puts an entry back that has the right hash and body. Returns it as it stands there now, or
    /// `None` if it is not, to the bit, the one that stood there before.
    ///
    /// The hash leaves one thing open, the author's signature, of which an author can make several
    /// for one header. The checksum on disk decides which it was, but can be forged; so only a
    /// signature that holds is tried. If the offered one is not the right one, that on disk may
    /// have remained undamaged.
    fn put_back(&mut self, offered: &Arc<Entry>) -> Result<Option<Arc<Entry>>, RefillError> {
        let kept = self.kept_signature(offered)?;
        for signature in [Some(offered.signed.signature), kept].into_iter().flatten() {
            let mut entry = Arc::clone(offered);
            if entry.signed.signature != signature {
                Arc::make_mut(&mut entry).signed.signature = signature;
            }
            if self.verification.header(&entry.signed).is_err() {
                continue;
            }
            let (_, bytes) = Record::Entry(Arc::clone(&entry)).to_bytes();
            match self.storage.refill(self.position, &bytes) {
                Ok(()) => return Ok(Some(entry)),
                Err(RefillError::OtherBytes { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// What stands on disk where the entry's signature was.
    fn kept_signature(&self, entry: &Entry) -> Result<Option<Signature>, RefillError> {
        let damaged = self.storage.reader().read_unchecked(self.position)?;
        let signature = damaged.get(entry.header().to_bytes().len()..);
        Ok(signature.and_then(|bytes| Signature::decode(&mut Reader::new(bytes)).ok()))
    }
}

/// What the hash of the last entry must be, if it stands at `index`. `None` in the Raft modes, where
/// nothing but the checksum on disk says what stood there.
fn end_of_chain(opened: &Opened, configuration: &Configuration, index: Index) -> Option<Hash> {
    let pair = opened
        .vote_state
        .as_ref()
        .map(|state: &VoteState| state.pair_point);
    let commit = opened.fold.commit.as_ref();
    let certified = commit.map(|commit| commit.point(configuration));
    pair.into_iter()
        .chain(certified)
        .find(|point| point.index == index)
        .map(|point| point.hash)
}
