//! Checking that a receipt's entry is committed, as far as the mode can show it.

use consensus::{
    Configuration, EntryHeader, Mode, Point, Signed, SignedHeader,
    certificate::QuorumCertificate,
    message::{AppendOutcome, RaftAppendReply},
};

use terminal::counted;

use super::{
    CommitProof, Receipt, ReceiptError,
    verified::Assurance,
    verify::{Run, at_least, decode, decode_list, names},
};
use crate::{hexadecimal::HexBytes, limits::RECEIPT_HEADERS};

/// Checks that each header follows the one before.
fn check_linked<'a>(
    configuration: &Configuration,
    headers: impl IntoIterator<Item = &'a EntryHeader>,
) -> Result<(), ReceiptError> {
    let mut last: Option<&EntryHeader> = None;
    for header in headers {
        let follows = last.is_none_or(|last| {
            header.previous == last.hash(configuration)
                && header.index.previous() == last.index
                && header.index != last.index
                && header.term >= last.term
                && header.epoch == last.epoch
        });
        if !follows {
            return Err(ReceiptError::Unlinked);
        }
        last = Some(header);
    }
    Ok(())
}

impl Run<'_> {
    pub(super) fn commit(
        &self,
        receipt: &Receipt,
        entry: &SignedHeader,
    ) -> Result<(Assurance, String), ReceiptError> {
        let mode = self.configuration.mode();
        match (mode, &receipt.commit) {
            (
                Mode::Byzantine,
                CommitProof::Certificate {
                    between,
                    certificate,
                },
            ) => {
                let sentence = self.certified(&entry.header, between, certificate)?;
                Ok((Assurance::Certified, sentence))
            }
            (Mode::Byzantine, CommitProof::InclusionOnly {}) => {
                Err(ReceiptError::NoCommitCertificate)
            }
            (Mode::RaftSigned, CommitProof::Acknowledgements { following, replies }) => {
                let sentence = self.acknowledged(entry, following, replies)?;
                Ok((Assurance::MajorityAcknowledged, sentence))
            }
            (Mode::Raft | Mode::RaftSigned, CommitProof::InclusionOnly {}) => Ok((
                Assurance::InclusionOnly,
                match mode {
                    Mode::RaftSigned => "Nothing shows that the entry is committed: it is its leader's word only.",
                    _ => "Nothing shows that the entry is committed: in mode raft no validator signs anything, so whoever made this file could have made it up.",
                }
                .to_owned(),
            )),
            _ => Err(ReceiptError::ProofOfOtherMode { mode }),
        }
    }

    fn certified(
        &self,
        entry: &EntryHeader,
        between: &[HexBytes],
        certificate: &HexBytes,
    ) -> Result<String, ReceiptError> {
        let between: Vec<EntryHeader> =
            decode_list("headers after the entry", between, RECEIPT_HEADERS)?;
        let certificate: QuorumCertificate = decode("the commit certificate", certificate)?;
        let direct = between.is_empty() && certificate.header == *entry;
        if !direct {
            let chain = [entry].into_iter().chain(&between);
            check_linked(self.configuration, chain.chain([&certificate.header]))?;
        }
        self.verification.quorum(&certificate)?;
        let votes = certificate.votes.len();
        if !certificate.commits(self.configuration.sizes()) {
            return Err(ReceiptError::NotCommitting(votes));
        }
        let sizes = self.configuration.sizes();
        let whose = certificate.votes.iter().map(|vote| vote.signer);
        Ok(format!(
            "The votes of {votes} of {} validators ({}) commit entry {}{}. Only more than {} could undo it.",
            sizes.validators(),
            names(whose),
            certificate.header.index,
            if direct {
                String::new()
            } else {
                format!(
                    ", and entry {} is linked to it by {}",
                    entry.index,
                    counted(between.len() + 1, "header")
                )
            },
            counted(sizes.faulty(), "traitor"),
        ))
    }

    fn acknowledged(
        &self,
        entry: &SignedHeader,
        following: &[HexBytes],
        replies: &[HexBytes],
    ) -> Result<String, ReceiptError> {
        let sizes = self.configuration.sizes();
        let following: Vec<SignedHeader> =
            decode_list("headers after the entry", following, RECEIPT_HEADERS)?;
        let replies: Vec<Signed<RaftAppendReply>> =
            decode_list("acknowledgements", replies, sizes.validators())?;
        let chain: Vec<&SignedHeader> = [entry].into_iter().chain(&following).collect();
        check_linked(
            self.configuration,
            chain.iter().map(|signed| &signed.header),
        )?;
        for signed in &following {
            self.verification.header(signed)?;
        }
        let points: Vec<Point> = chain
            .iter()
            .map(|signed| signed.header.point(self.configuration))
            .collect();
        let term = replies
            .first()
            .map_or(entry.header.term, |reply| reply.body.term);
        let mut lowest = replies.is_empty().then_some(0);
        let mut highest = 0;
        for reply in &replies {
            let AppendOutcome::Matched(matched) = reply.body.outcome else {
                return Err(ReceiptError::NotAcknowledged);
            };
            let position = points.iter().position(|point| *point == matched);
            let position = position.ok_or(ReceiptError::NotAcknowledged)?;
            // Raft commits by counting only entries of the leader's own term (P10.1).
            if reply.body.term != term || chain[position].header.term != term {
                return Err(ReceiptError::NotAcknowledged);
            }
            lowest = Some(lowest.map_or(position, |lowest: usize| lowest.min(position)));
            highest = highest.max(position);
        }
        let mut signers = self.signers(&replies)?;
        // The leader sends itself no reply; it stands for what it signed.
        signers.insert(chain[lowest.unwrap_or(0)].header.author);
        at_least(signers.len(), sizes.quorum())?;
        if highest < following.len() {
            return Err(ReceiptError::Unused("headers"));
        }
        Ok(format!(
            "{} of {} validators ({}) acknowledged entry {} or one that extends it, which is a majority. This holds if none of them lies.",
            signers.len(),
            sizes.validators(),
            names(signers.iter().copied()),
            entry.header.index,
        ))
    }
}
