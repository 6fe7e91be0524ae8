//! Certificates (P2.7): distinct configured signers mapped to votes of one network, mode, epoch
//! and term.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::{
    configuration::Configuration,
    encoding::{Canonical, DecodeError, Reader, Writer},
    entry::EntryHeader,
    limits,
    message::{Grant, Leave, Vote},
    mode::FaultModel,
    mutation::{self, Mutation},
    signature::{Signature, Verifier},
    signed::{Signed, body},
    types::{Epoch, Hash, NodeId, Point, Term},
};

/// Why a certificate proves nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CertificateError {
    /// A signer stands in it twice, or is not configured.
    #[error("a signer is counted twice or unknown")]
    Signers,
    /// Fewer signers than the quorum that it needs.
    #[error("{found} signers are fewer than the {needed} needed")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// A signed part is of another epoch or term, or speaks about another point.
    #[error("a signed part is of another epoch or term, or does not cover the point")]
    Mismatch,
    /// The headers that lead to the votes are not linked, too many, or of another term.
    #[error("its headers do not link the point to the votes")]
    Headers,
    /// A signature is not good.
    #[error("a signature is not good")]
    Signature,
}

fn distinct(
    configuration: &Configuration,
    signers: impl IntoIterator<Item = NodeId>,
) -> Result<usize, CertificateError> {
    let mut seen = BTreeSet::new();
    let mut found = 0;
    for signer in signers {
        let new = seen.insert(signer) || mutation::active(Mutation::DuplicateSigners);
        if configuration.key(signer).is_none() || !new {
            return Err(CertificateError::Signers);
        }
        found += 1;
    }
    Ok(found)
}

const fn at_least(found: usize, needed: usize) -> Result<(), CertificateError> {
    if found < needed {
        return Err(CertificateError::TooFew { found, needed });
    }
    Ok(())
}

/// Which point of the votes a [`QuorumCertificate`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// `accepted`.
    Accepted,
    /// `locked`.
    Locked,
}

impl Counted {
    /// How many votes for a point commit it.
    #[must_use]
    pub fn committing(self, sizes: FaultModel) -> usize {
        match self {
            Self::Accepted if !mutation::active(Mutation::OneRoundCommitByQuorum) => {
                sizes.fast_quorum()
            }
            Self::Accepted | Self::Locked => sizes.quorum(),
        }
    }
}

/// Votes of one term that cover one point: an accept or a commit certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumCertificate {
    /// Which point of the votes counts.
    pub counted: Counted,
    /// Header of the point that the certificate speaks about. Its term is the certificate's.
    pub header: EntryHeader,
    /// Headers after it, up to the furthest voted point.
    pub following: Vec<EntryHeader>,
    /// The votes.
    pub votes: Vec<Signed<Vote>>,
}

impl QuorumCertificate {
    /// The epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.header.epoch
    }

    /// The term of the votes and of the point.
    #[must_use]
    pub fn term(&self) -> Term {
        match self.votes.first() {
            Some(vote) if mutation::active(Mutation::CertificateBelowBase) => vote.body.term,
            _ => self.header.term,
        }
    }

    /// The point that it speaks about.
    #[must_use]
    pub fn point(&self, configuration: &Configuration) -> Point {
        self.header.point(configuration)
    }

    /// Whether its votes commit the point: Q that locked it, or F that accepted it.
    #[must_use]
    pub fn commits(&self, sizes: FaultModel) -> bool {
        self.votes.len() >= self.counted.committing(sizes)
    }

    /// Checks everything: signers, headers, terms, coverage, signatures.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        configuration: &Configuration,
        verifier: &dyn Verifier,
    ) -> Result<(), CertificateError> {
        let found = distinct(configuration, self.votes.iter().map(|vote| vote.signer))?;
        at_least(found, configuration.sizes().quorum())?;
        let points = self.points(configuration)?;
        for vote in &self.votes {
            let voted = match self.counted {
                Counted::Accepted => vote.body.accepted,
                Counted::Locked => vote.body.locked,
            };
            if vote.body.epoch != self.epoch()
                || vote.body.term != self.term()
                || !voted.is_some_and(|point| points.contains(&point))
            {
                return Err(CertificateError::Mismatch);
            }
        }
        let good = |vote: &Signed<Vote>| vote.signature_holds(configuration, verifier);
        if !self.votes.iter().all(good) {
            return Err(CertificateError::Signature);
        }
        Ok(())
    }

    /// The points from the certificate's own to the furthest, each linked to the one before.
    fn points(&self, configuration: &Configuration) -> Result<Vec<Point>, CertificateError> {
        if self.following.len() as u64 > limits::WINDOW || self.epoch() != configuration.epoch() {
            return Err(CertificateError::Headers);
        }
        let mut points = vec![self.point(configuration)];
        for header in &self.following {
            let last = points[points.len() - 1];
            if header.previous != last.hash
                || header.index != last.index.next()
                || (header.term != self.term() && !mutation::active(Mutation::CertificateBelowBase))
                || header.epoch != self.epoch()
            {
                return Err(CertificateError::Headers);
            }
            points.push(header.point(configuration));
        }
        Ok(points)
    }
}

impl Canonical for QuorumCertificate {
    fn encode(&self, writer: &mut Writer) {
        writer.u8(match self.counted {
            Counted::Accepted => 0,
            Counted::Locked => 1,
        });
        self.header.encode(writer);
        writer.list(&self.following);
        writer.list(&self.votes);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            counted: match reader.u8()? {
                0 => Counted::Accepted,
                1 => Counted::Locked,
                found => {
                    return Err(DecodeError::Unknown {
                        what: "counted point",
                        found: found.into(),
                    });
                }
            },
            header: EntryHeader::decode(reader)?,
            following: reader.list("headers of a certificate", limits::WINDOW as usize)?,
            votes: reader.list("votes of a certificate", FaultModel::MOST_VALIDATORS)?,
        })
    }
}

/// Q grants of one term: constant-size proof of who leads and what must be kept (P4.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectionCertificate {
    /// What every grant says.
    pub grant: Grant,
    /// Who granted it, with the signature over that same statement.
    pub grants: Vec<(NodeId, Signature)>,
}

impl ElectionCertificate {
    /// The term.
    #[must_use]
    pub const fn term(&self) -> Term {
        self.grant.term
    }

    /// What the term builds on.
    #[must_use]
    pub const fn base(&self) -> Point {
        self.grant.base
    }

    /// The grants as the statements that their signers made.
    pub fn signed_grants(&self) -> impl Iterator<Item = Signed<Grant>> {
        self.grants.iter().map(|&(signer, signature)| Signed {
            signer,
            body: self.grant.clone(),
            signature,
        })
    }

    /// Checks signers, count and signatures.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        configuration: &Configuration,
        verifier: &dyn Verifier,
    ) -> Result<(), CertificateError> {
        let found = distinct(configuration, self.grants.iter().map(|(signer, _)| *signer))?;
        at_least(found, configuration.sizes().quorum())?;
        if self.grant.epoch != configuration.epoch() {
            return Err(CertificateError::Mismatch);
        }
        let good = |grant: Signed<Grant>| grant.signature_holds(configuration, verifier);
        if !self.signed_grants().all(good) {
            return Err(CertificateError::Signature);
        }
        Ok(())
    }
}

struct GrantSignature(NodeId, Signature);

impl Canonical for GrantSignature {
    fn encode(&self, writer: &mut Writer) {
        self.0.encode(writer);
        self.1.encode(writer);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(NodeId::decode(reader)?, Signature::decode(reader)?))
    }
}

impl Canonical for ElectionCertificate {
    fn encode(&self, writer: &mut Writer) {
        self.grant.encode(writer);
        writer.length(self.grants.len());
        for &(signer, signature) in &self.grants {
            GrantSignature(signer, signature).encode(writer);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            grant: Grant::decode(reader)?,
            grants: reader
                .list::<GrantSignature>("grants of a certificate", FaultModel::MOST_VALIDATORS)?
                .into_iter()
                .map(|GrantSignature(signer, signature)| (signer, signature))
                .collect(),
        })
    }
}

/// Q Leaves of one term: what makes a node leave it (P4.3). How old they are is not asked: that Q - f
/// correct nodes suspected within a short time was settled before the first correct one was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveCertificate {
    /// The epoch.
    pub epoch: Epoch,
    /// The term that is left.
    pub term: Term,
    /// The Leaves.
    pub leaves: Vec<Signed<Leave>>,
}

impl LeaveCertificate {
    /// How many Leaves end a term: Q.
    #[must_use]
    pub fn needed(sizes: FaultModel) -> usize {
        match mutation::active(Mutation::LeaveByFewLeaves) {
            true => sizes.faulty() + 1,
            false => sizes.quorum(),
        }
    }

    /// Checks signers, count, term and signatures.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        configuration: &Configuration,
        verifier: &dyn Verifier,
    ) -> Result<(), CertificateError> {
        let found = distinct(configuration, self.leaves.iter().map(|one| one.signer))?;
        at_least(found, Self::needed(configuration.sizes()))?;
        let of_term = |one: &Signed<Leave>| {
            one.body.epoch == configuration.epoch() && one.body.term == self.term
        };
        if self.epoch != configuration.epoch() || !self.leaves.iter().all(of_term) {
            return Err(CertificateError::Mismatch);
        }
        let good = |one: &Signed<Leave>| one.signature_holds(configuration, verifier);
        if !self.leaves.iter().all(good) {
            return Err(CertificateError::Signature);
        }
        Ok(())
    }
}

impl Canonical for LeaveCertificate {
    fn encode(&self, writer: &mut Writer) {
        self.epoch.encode(writer);
        self.term.encode(writer);
        writer.list(&self.leaves);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::decode(reader)?,
            term: Term::decode(reader)?,
            leaves: reader.list("leaves of a certificate", FaultModel::MOST_VALIDATORS)?,
        })
    }
}

body!(Grant, "hawser/v1/vote-granted");

/// The hash of a leader's collected reports that every grant repeats (P4.7).
#[must_use]
pub fn reports_hash(encoded_reports: &[u8]) -> Hash {
    crate::hashing::tagged_hash("hawser/v1/reports", &[encoded_reports])
}
