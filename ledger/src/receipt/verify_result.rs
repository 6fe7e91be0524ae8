//! Checking that a receipt's result is the one that the network computed.

use std::collections::BTreeSet;

use consensus::{EntryHeader, Hash, Mode, NodeId, Signed, merkle, message::Vote};

use super::{
    ReceiptError, ResultPart, ResultProof,
    build::{confirmed_by, digests_from},
    verified::VerifiedResult,
    verify::{Run, at_least, decode, decode_list, hashes, names},
};
use crate::{
    hexadecimal::HexHash,
    limits::{RECEIPT_PATH, RECEIPT_ROOTS},
    outcome::{Outcome, TransactionResult},
};

impl Run<'_> {
    pub(super) fn result(
        &self,
        part: &ResultPart,
        id: &Hash,
        position: u32,
        entry: &EntryHeader,
    ) -> Result<(VerifiedResult, String), ReceiptError> {
        let result: TransactionResult = decode("the result", &part.bytes)?;
        if result.transaction != *id {
            return Err(ReceiptError::ResultOfOther);
        }
        let whose = match (self.configuration.mode(), &part.proof) {
            (Mode::Byzantine, Some(proof)) => {
                let signers = self.result_proof(part, proof, position, entry)?;
                Some(signers)
            }
            (Mode::Raft | Mode::RaftSigned, None) => None,
            _ => return Err(ReceiptError::ResultProof),
        };
        let outcome = match &result.outcome {
            Outcome::Applied => "applied".to_owned(),
            Outcome::Rejected(rejection) => format!("rejected: {rejection}"),
            Outcome::Repeat => {
                "a repeat, and nothing was done here: it was settled before".to_owned()
            }
        };
        let repeats = result.repeats.map_or_else(String::new, |earlier| {
            format!(
                " It repeats transaction {} of entry {}, position {}, and had no effect of its own.",
                earlier.transaction, earlier.place.index, earlier.place.position
            )
        });
        let sentence = match &whose {
            Some(signers) => format!(
                "The transaction was {outcome}. {} validators ({}) signed for this result.{repeats}",
                signers.len(),
                names(signers.iter().copied()),
            ),
            None => format!(
                "The node that made this receipt says that the transaction was {outcome}. In this mode nobody signs results.{repeats}"
            ),
        };
        let certified = whose.is_some();
        Ok((VerifiedResult { result, certified }, sentence))
    }

    /// The validators that signed for the result.
    fn result_proof(
        &self,
        part: &ResultPart,
        proof: &ResultProof,
        position: u32,
        entry: &EntryHeader,
    ) -> Result<BTreeSet<NodeId>, ReceiptError> {
        let sizes = self.configuration.sizes();
        let path = hashes("hashes of the result's path", &proof.path, RECEIPT_PATH)?;
        let roots = hashes("results roots", &proof.roots_after, RECEIPT_ROOTS)?;
        let votes: Vec<Signed<Vote>> = decode_list("votes", &proof.votes, sizes.validators())?;
        let (HexHash(root), HexHash(before)) = (proof.root, proof.digest_before);
        let count = entry.count.into();
        if !merkle::includes(&root, count, position.into(), &part.bytes.0, &path) {
            return Err(ReceiptError::ResultNotIncluded);
        }
        let digests = digests_from(&before, entry.index, &root, &roots);
        let mut furthest = 0;
        for vote in &votes {
            let distance = confirmed_by(vote, entry.index, &digests);
            furthest = furthest.max(distance.ok_or(ReceiptError::ResultNotConfirmed)?);
        }
        let signers = self.signers(&votes)?;
        at_least(signers.len(), sizes.matching_answers())?;
        if furthest < roots.len() {
            return Err(ReceiptError::Unused("results roots"));
        }
        Ok(signers)
    }
}
