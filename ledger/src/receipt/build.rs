//! Putting a receipt together from what a node holds.

use std::collections::{BTreeMap, BTreeSet};

use consensus::{
    Configuration, EntryHeader, Hash, Index, Mode, NodeId, Point, Signed, SignedHeader, Term,
    certificate::QuorumCertificate,
    encoding::{Canonical, DecodeError},
    message::{AppendOutcome, RaftAppendReply, Vote},
};
use node::frames::{self, CanonicalBytes, Id};
use thiserror::Error;

use super::{CommitProof, FORMAT, Receipt, ResultPart, ResultProof};
use crate::{
    hexadecimal::{HexBytes, HexHash},
    history::next_digest,
    limits::{RECEIPT_HEADERS, RECEIPT_ROOTS},
};

/// What a receipt is made of. Nothing in it needs to be believed: what does not hold together
/// makes no receipt, or one that does not verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptParts {
    /// The signed transaction's bytes.
    pub payload: Vec<u8>,
    /// Its position in the entry.
    pub position: u32,
    /// Its Merkle path to the header's body root, lowest sibling first.
    pub path: Vec<Hash>,
    /// The entry's header.
    pub header: SignedHeader,
    /// The headers after it, in order; those beyond the proof of commit are left out.
    pub following: Vec<SignedHeader>,
    /// Byzantine mode: a commit certificate for the entry or a later one.
    pub commit: Option<QuorumCertificate>,
    /// Mode `raft-signed`: followers' replies. If they make no majority, the receipt shows
    /// inclusion only.
    pub acknowledgements: Vec<Signed<RaftAppendReply>>,
    /// What became of the transaction. Without it the receipt shows the commit only.
    pub result: Option<ResultParts>,
}

/// What a receipt says about the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultParts {
    /// The result's canonical bytes.
    pub bytes: Vec<u8>,
    /// Their Merkle path to the entry's results root.
    pub path: Vec<Hash>,
    /// The result digest before the entry.
    pub digest_before: Hash,
    /// The results roots from the entry on, its own first.
    pub roots: Vec<Hash>,
    /// Byzantine mode: validators' votes; those that do not confirm the result are left out.
    pub votes: Vec<Signed<Vote>>,
}

/// Why no receipt can be made, or not yet.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IncompleteReceipt {
    /// A certificate is needed for the entry or a later one.
    #[error("there is no commit certificate for the entry yet")]
    NoCertificate,
    /// The headers do not reach the certificate.
    #[error("the headers from the entry to the commit certificate are missing")]
    MissingHeaders,
    /// Too few validators have confirmed the result so far.
    #[error("{found} validators have confirmed the result, and {needed} are needed")]
    ResultNotConfirmed {
        /// How many have.
        found: usize,
        /// f + 1.
        needed: usize,
    },
}

fn hashes(ids: Vec<Id>) -> Vec<Hash> {
    ids.into_iter().map(|Id(bytes)| Hash(bytes)).collect()
}

fn decoded<T: Canonical>(list: &[CanonicalBytes]) -> Result<Vec<T>, DecodeError> {
    list.iter().map(|bytes| T::from_bytes(&bytes.0)).collect()
}

impl TryFrom<frames::ReceiptParts> for ReceiptParts {
    type Error = DecodeError;

    fn try_from(parts: frames::ReceiptParts) -> Result<Self, DecodeError> {
        Ok(Self {
            payload: parts.payload,
            position: parts.position,
            path: hashes(parts.path),
            header: SignedHeader::from_bytes(&parts.header)?,
            following: decoded(&parts.following)?,
            commit: parts
                .commit
                .map(|bytes| QuorumCertificate::from_bytes(&bytes.0))
                .transpose()?,
            acknowledgements: decoded(&parts.acknowledgements)?,
            result: Some(ResultParts {
                bytes: parts.result,
                path: hashes(parts.result_path),
                digest_before: Hash(parts.digest_before.0),
                roots: hashes(parts.results_roots),
                votes: decoded(&parts.result_votes)?,
            }),
        })
    }
}

fn hex<T: Canonical>(value: &T) -> HexBytes {
    HexBytes(value.to_bytes())
}

fn hex_hashes(hashes: &[Hash]) -> Vec<HexHash> {
    hashes.iter().copied().map(HexHash).collect()
}

impl Receipt {
    /// Makes a receipt of the first epoch. It is not verified yet: the parts may be a stranger's.
    ///
    /// # Errors
    /// [`IncompleteReceipt`]; a node that lacks something may have it a little later.
    pub fn build(
        configuration: &Configuration,
        parts: &ReceiptParts,
    ) -> Result<Self, IncompleteReceipt> {
        let result = parts.result.as_ref();
        Ok(Self {
            format: FORMAT,
            network: HexHash(configuration.domain().network),
            transaction: HexBytes(parts.payload.clone()),
            position: parts.position,
            path: hex_hashes(&parts.path),
            entry: hex(&parts.header),
            commit: match configuration.mode() {
                Mode::Byzantine => certified(parts)?,
                Mode::RaftSigned => acknowledged(configuration, parts),
                Mode::Raft => CommitProof::InclusionOnly {},
            },
            result: result
                .map(|result| build_result(configuration, parts.header.header.index, result))
                .transpose()?,
        })
    }
}

fn certified(parts: &ReceiptParts) -> Result<CommitProof, IncompleteReceipt> {
    let index = parts.header.header.index;
    let certificate = parts
        .commit
        .as_ref()
        .filter(|certificate| certificate.header.index >= index)
        .ok_or(IncompleteReceipt::NoCertificate)?;
    let distance = certificate.header.index.beyond(index);
    let between = usize::try_from(distance.saturating_sub(1))
        .ok()
        .filter(|between| *between <= RECEIPT_HEADERS)
        .and_then(|between| parts.following.get(..between))
        .ok_or(IncompleteReceipt::MissingHeaders)?;
    Ok(CommitProof::Certificate {
        between: between.iter().map(|signed| hex(&signed.header)).collect(),
        certificate: hex(certificate),
    })
}

/// A majority's replies of one term, or nothing.
fn acknowledged(configuration: &Configuration, parts: &ReceiptParts) -> CommitProof {
    let following = parts.following.iter().take(RECEIPT_HEADERS);
    let chain: Vec<(Point, &EntryHeader)> = [&parts.header]
        .into_iter()
        .chain(following)
        .map(|signed| (signed.header.point(configuration), &signed.header))
        .collect();
    let mut by_term: BTreeMap<Term, BTreeMap<NodeId, (usize, &Signed<RaftAppendReply>)>> =
        BTreeMap::new();
    // The leader's signature alone is a majority of one.
    by_term.entry(parts.header.header.term).or_default();
    for reply in &parts.acknowledgements {
        let AppendOutcome::Matched(matched) = reply.body.outcome else {
            continue;
        };
        let covers = |&(point, header): &(Point, &EntryHeader)| {
            point == matched && header.term == reply.body.term
        };
        if let Some(position) = chain.iter().position(covers) {
            let of_term = by_term.entry(reply.body.term).or_default();
            of_term.insert(reply.signer, (position, reply));
        }
    }
    for of_term in by_term.into_values() {
        let positions = || of_term.values().map(|(position, _)| *position);
        let author = chain[positions().min().unwrap_or(0)].1.author;
        let mut signers: BTreeSet<NodeId> = of_term.keys().copied().collect();
        signers.insert(author);
        if signers.len() >= configuration.sizes().quorum() {
            let furthest = positions().max().unwrap_or(0);
            return CommitProof::Acknowledgements {
                following: parts.following[..furthest].iter().map(hex).collect(),
                replies: of_term.values().map(|(_, reply)| hex(*reply)).collect(),
            };
        }
    }
    CommitProof::InclusionOnly {}
}

fn build_result(
    configuration: &Configuration,
    index: Index,
    parts: &ResultParts,
) -> Result<ResultPart, IncompleteReceipt> {
    let proof = match configuration.mode() {
        Mode::Byzantine => Some(result_proof(configuration, index, parts)?),
        Mode::Raft | Mode::RaftSigned => None,
    };
    Ok(ResultPart {
        bytes: HexBytes(parts.bytes.clone()),
        proof,
    })
}

fn result_proof(
    configuration: &Configuration,
    index: Index,
    parts: &ResultParts,
) -> Result<ResultProof, IncompleteReceipt> {
    let needed = configuration.sizes().matching_answers();
    let missing = |found| IncompleteReceipt::ResultNotConfirmed { found, needed };
    let (root, after) = parts.roots.split_first().ok_or(missing(0))?;
    let after = &after[..after.len().min(RECEIPT_ROOTS)];
    let digests = digests_from(&parts.digest_before, index, root, after);
    let mut confirming: BTreeMap<NodeId, (usize, &Signed<Vote>)> = BTreeMap::new();
    for vote in &parts.votes {
        if vote.body.epoch == configuration.epoch()
            && let Some(distance) = confirmed_by(vote, index, &digests)
        {
            confirming.insert(vote.signer, (distance, vote));
        }
    }
    let mut nearest: Vec<_> = confirming.into_values().collect();
    if nearest.len() < needed {
        return Err(missing(nearest.len()));
    }
    nearest.sort_by_key(|(distance, vote)| (*distance, vote.signer));
    nearest.truncate(needed);
    let furthest = nearest.last().map_or(0, |(distance, _)| *distance);
    Ok(ResultProof {
        root: HexHash(*root),
        path: hex_hashes(&parts.path),
        digest_before: HexHash(parts.digest_before),
        roots_after: hex_hashes(&after[..furthest]),
        votes: nearest.iter().map(|(_, vote)| hex(*vote)).collect(),
    })
}

/// The result digests of an entry with that results root, and of those after it.
pub(super) fn digests_from(
    before: &Hash,
    index: Index,
    root: &Hash,
    roots_after: &[Hash],
) -> Vec<Hash> {
    let mut at = index;
    let mut last = next_digest(before, at, root);
    let mut digests = vec![last];
    for root in roots_after {
        at = at.next();
        last = next_digest(&last, at, root);
        digests.push(last);
    }
    digests
}

/// Which of the digests, the first of which is that of `index`, the vote's applied pair repeats.
pub(super) fn confirmed_by(vote: &Signed<Vote>, index: Index, digests: &[Hash]) -> Option<usize> {
    let applied = vote.body.applied?;
    let distance = usize::try_from(applied.index.0.checked_sub(index.0)?).ok()?;
    (*digests.get(distance)? == applied.digest).then_some(distance)
}
