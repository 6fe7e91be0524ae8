//! Everything that is judged about a message before a replica sees it: pure functions of the bytes,
//! the configuration and the application's payload check (P2.2, P3.2), fit for any thread.

use std::{collections::BTreeSet, sync::Arc};

use thiserror::Error;

use crate::{
    certificate::{CertificateError, ElectionCertificate, LeaveCertificate, QuorumCertificate},
    configuration::{ClientChecks, Configuration},
    encoding::{Canonical, DecodeError},
    entry::{Entry, EntryHeader, EntryKind, SignedHeader},
    evidence::NoEvidence,
    message::{
        Justification, Message, Report, RequestVote, TermRecord, Testimony, hash_of_reports,
    },
    mode::Mode,
    mutation::{self, Mutation},
    request::{InvalidPayload, Payloads, Request},
    signature::{Signature, Verifier},
    signed::{Signed, Verified},
    types::NodeId,
};

/// Why a message was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// The bytes are no message.
    #[error("malformed message: {0}")]
    Malformed(#[from] DecodeError),
    /// The signer is not the peer whose channel brought it, in a mode where the channel decides,
    /// or the kind does not belong to the mode.
    #[error("message of the wrong sender or mode")]
    Sender,
    /// The signature is not good, or the signer or epoch unknown.
    #[error("bad signature, or unknown signer or epoch")]
    Signature,
    /// A certificate in it proves nothing.
    #[error("bad certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// An entry in it breaks P3.2.
    #[error("invalid entry: {0}")]
    Entry(#[from] InvalidEntry),
    /// A relayed request is not valid.
    #[error(transparent)]
    Payload(#[from] InvalidPayload),
    /// An accusation proves nothing.
    #[error("bad evidence: {0}")]
    Evidence(#[from] NoEvidence),
}

/// Why an entry may not be accepted, whatever came before it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InvalidEntry {
    /// The author is not configured, or not leader(T).
    #[error("its author does not lead its term")]
    Author,
    /// The author's signature is not good.
    #[error("its signature is not good")]
    Signature,
    /// Payloads and header disagree.
    #[error("its body is not the one that its header names")]
    Body,
    /// An entry of transactions without any.
    #[error("it holds no transactions")]
    Empty,
    /// A term record that does not prove its term.
    #[error("its term record does not prove its term")]
    TermRecord,
    /// Entries that do not follow each other.
    #[error("entries are not linked")]
    Unlinked,
    /// A payload is not valid.
    #[error(transparent)]
    Payload(#[from] InvalidPayload),
}

/// What it takes to judge messages. Shared by all threads that do.
#[derive(Clone)]
pub struct Verification {
    configuration: Arc<Configuration>,
    verifier: Arc<dyn Verifier>,
    payloads: Arc<dyn Payloads>,
}

impl Verification {
    /// Judges for one configuration.
    #[must_use]
    pub fn new(
        configuration: Arc<Configuration>,
        verifier: Arc<dyn Verifier>,
        payloads: Arc<dyn Payloads>,
    ) -> Self {
        Self {
            configuration,
            verifier,
            payloads,
        }
    }

    /// The configuration.
    #[must_use]
    pub const fn configuration(&self) -> &Arc<Configuration> {
        &self.configuration
    }

    /// The signature predicate.
    #[must_use]
    pub fn verifier(&self) -> &dyn Verifier {
        &*self.verifier
    }

    /// Reads and judges a message that `from`'s channel brought.
    ///
    /// # Errors
    /// [`Refused`], with the reason; the message then has no effect.
    pub fn message(&self, from: NodeId, bytes: &[u8]) -> Result<Verified<Message>, Refused> {
        let message = Message::from_bytes(&self.configuration, bytes)?;
        self.decoded_message(from, message)
    }

    /// As [`Verification::message`], for a message already read.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn decoded_message(
        &self,
        from: NodeId,
        mut message: Message,
    ) -> Result<Verified<Message>, Refused> {
        self.check_sender(from, &message)?;
        match &mut message {
            Message::AppendEntries(signed) => {
                self.signature(signed)?;
                self.optional_quorum(signed.body.commit.as_ref())?;
                self.optional_election(signed.body.election.as_ref())?;
                self.entries(&mut signed.body.entries)?;
            }
            Message::Heartbeat(signed) => {
                self.signature(signed)?;
                self.optional_quorum(signed.body.commit.as_ref())?;
                self.optional_election(signed.body.election.as_ref())?;
            }
            Message::Vote(signed) => self.signature(signed)?,
            Message::Suspect(signed) => self.signature(signed)?,
            Message::Leave(signed) => self.signature(signed)?,
            Message::Report(signed) => self.report(signed)?,
            Message::RequestVote(signed) => {
                // Many signatures are behind it: only its leader's request is worth them.
                if signed.signer != self.configuration.leader(signed.body.term) {
                    return Err(Refused::Sender);
                }
                self.reporters(&signed.body)?;
                self.signature(signed)?;
                signed
                    .body
                    .reports
                    .iter()
                    .try_for_each(|one| self.report(one))?;
            }
            Message::VoteGranted(signed) => self.signature(signed)?,
            Message::Proof(signed) => {
                self.signature(signed)?;
                self.optional_quorum(signed.body.commit.as_ref())?;
                self.optional_election(signed.body.election.as_ref())?;
                if let Some(leave) = &signed.body.leave {
                    self.leave(leave)?;
                }
            }
            Message::Fetch(signed) => self.signature(signed)?,
            Message::FetchReply(signed) => {
                self.signature(signed)?;
                self.optional_quorum(signed.body.commit.as_ref())?;
                self.entries(&mut signed.body.entries)?;
            }
            // The requests in it are judged one by one, by Verification::relayed: one bad request
            // must not take the others with it.
            Message::Relay(signed) => self.signature(signed)?,
            Message::Accuse(signed) => {
                self.signature(signed)?;
                signed.body.check(&self.configuration, &*self.verifier)?;
            }
            Message::Testimony(signed) => {
                self.signature(signed)?;
                self.testimony(&signed.body)?;
            }
            Message::RaftAppend(signed) => {
                self.signature(signed)?;
                self.entries(&mut signed.body.entries)?;
            }
            Message::RaftAppendReply(signed) => self.signature(signed)?,
            Message::RaftRequestVote(signed) => self.signature(signed)?,
            Message::RaftVote(signed) => self.signature(signed)?,
        }
        Ok(Verified::new(from, message))
    }

    /// The valid requests of a relay; the invalid ones are left out.
    #[must_use]
    pub fn relayed(&self, requests: &[Arc<[u8]>]) -> Vec<Request> {
        requests
            .iter()
            .filter_map(|payload| self.request(Arc::clone(payload)).ok())
            .collect()
    }

    /// Judges a client's request.
    ///
    /// # Errors
    /// [`InvalidPayload`].
    pub fn request(&self, payload: Arc<[u8]>) -> Result<Request, InvalidPayload> {
        Request::check(payload, &*self.payloads)
    }

    /// Reads a request's identity out of its payload, without checking its signature.
    ///
    /// # Errors
    /// [`InvalidPayload`].
    pub fn key(&self, payload: &[u8]) -> Result<crate::request::RequestKey, InvalidPayload> {
        self.payloads.key(payload)
    }

    /// Judges a quorum certificate.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn quorum(&self, certificate: &QuorumCertificate) -> Result<(), CertificateError> {
        certificate.check(&self.configuration, &*self.verifier)
    }

    /// Judges entries that follow each other and notes their requests.
    ///
    /// # Errors
    /// [`InvalidEntry`] of the first that is not valid.
    pub fn entries(&self, entries: &mut [Arc<Entry>]) -> Result<(), InvalidEntry> {
        for position in 0..entries.len() {
            if let Some(previous) = position.checked_sub(1) {
                let (previous, header) = (&entries[previous], entries[position].header());
                if header.previous != previous.point().hash
                    || header.index != previous.index().next()
                    || header.term < previous.term()
                    || header.timestamp < previous.header().timestamp
                {
                    return Err(InvalidEntry::Unlinked);
                }
            }
            self.entry(&mut entries[position])?;
        }
        Ok(())
    }

    fn entry(&self, entry: &mut Arc<Entry>) -> Result<(), InvalidEntry> {
        self.header(&entry.signed)?;
        if !entry.body_matches() {
            return Err(InvalidEntry::Body);
        }
        let keys = match entry.header().kind {
            EntryKind::TermRecord => {
                self.term_record(entry)?;
                Vec::new()
            }
            EntryKind::Transactions
                if entry.payloads.is_empty() && !mutation::active(Mutation::EmptyEntryValid) =>
            {
                return Err(InvalidEntry::Empty);
            }
            EntryKind::Transactions => match self.configuration.client_checks() {
                ClientChecks::All => self.payloads.check_all(&entry.payloads)?,
                ClientChecks::Leader => entry
                    .payloads
                    .iter()
                    .map(|payload| self.payloads.key(payload))
                    .collect::<Result<_, _>>()?,
            },
        };
        Arc::make_mut(entry).set_keys(keys);
        Ok(())
    }

    /// An entry's header on its own: its author and signature (P3.2, P4.5).
    ///
    /// # Errors
    /// [`InvalidEntry::Author`] or [`InvalidEntry::Signature`].
    pub fn header(&self, signed: &SignedHeader) -> Result<(), InvalidEntry> {
        let header = &signed.header;
        let leads = match self.configuration.mode() {
            Mode::Byzantine => header.author == self.configuration.leader(header.term),
            Mode::Raft | Mode::RaftSigned => true,
        };
        let key = self.configuration.key(header.author);
        let Some(key) = key.filter(|_| leads && header.epoch == self.configuration.epoch()) else {
            return Err(InvalidEntry::Author);
        };
        if self.configuration.mode().signs() {
            let hash = header.hash(&self.configuration);
            let digest = EntryHeader::signing_digest(&self.configuration, header.epoch, &hash);
            if !self.verifier.verify(key, &digest, &signed.signature) {
                return Err(InvalidEntry::Signature);
            }
        } else if signed.signature != Signature::NONE {
            // One entry has one encoding, in a mode without signatures too.
            return Err(InvalidEntry::Signature);
        }
        Ok(())
    }

    fn term_record(&self, entry: &Entry) -> Result<(), InvalidEntry> {
        if self.configuration.mode() != Mode::Byzantine {
            return match entry.payloads.is_empty() {
                true => Ok(()),
                false => Err(InvalidEntry::TermRecord),
            };
        }
        let [payload] = &entry.payloads[..] else {
            return Err(InvalidEntry::TermRecord);
        };
        let record = TermRecord::from_bytes(payload).map_err(|_| InvalidEntry::TermRecord)?;
        let header = entry.header();
        let proves = match &record.election {
            None => header.term.0 == 0 && record.reports.is_empty(),
            // The grants repeat the hash of the reports, so no signature in them needs checking.
            Some(election) => {
                election.check(&self.configuration, &*self.verifier).is_ok()
                    && election.term() == header.term
                    && election.base().hash == header.previous
                    && hash_of_reports(&record.reports) == election.grant.reports
            }
        };
        if proves {
            Ok(())
        } else {
            Err(InvalidEntry::TermRecord)
        }
    }

    fn check_sender(&self, from: NodeId, message: &Message) -> Result<(), Refused> {
        let of_mode = match message {
            Message::Fetch(_) | Message::FetchReply(_) | Message::Relay(_) | Message::Accuse(_) => {
                true
            }
            Message::RaftAppend(_)
            | Message::RaftAppendReply(_)
            | Message::RaftRequestVote(_)
            | Message::RaftVote(_) => self.configuration.mode() != Mode::Byzantine,
            _ => self.configuration.mode() == Mode::Byzantine,
        };
        // In Byzantine mode a signed statement counts whoever brings it; in the Raft modes, and of
        // what nobody signs, the channel is the sender.
        let carried = match message {
            Message::Suspect(_) => mutation::active(Mutation::SuspectsCarried),
            _ => self.configuration.mode() == Mode::Byzantine,
        };
        let right_channel = carried || message.signer() == from;
        if of_mode && right_channel {
            Ok(())
        } else {
            Err(Refused::Sender)
        }
    }

    fn signature<T: crate::signed::Body>(&self, signed: &Signed<T>) -> Result<(), Refused> {
        if signed.signature_holds(&self.configuration, &*self.verifier) {
            Ok(())
        } else {
            Err(Refused::Signature)
        }
    }

    fn optional_quorum(
        &self,
        certificate: Option<&QuorumCertificate>,
    ) -> Result<(), CertificateError> {
        certificate.map_or(Ok(()), |certificate| self.quorum(certificate))
    }

    fn optional_election(
        &self,
        certificate: Option<&ElectionCertificate>,
    ) -> Result<(), CertificateError> {
        certificate.map_or(Ok(()), |certificate| {
            certificate.check(&self.configuration, &*self.verifier)
        })
    }

    /// One report of each validator at most, and of the request's term: others would not count, and
    /// their signatures need no check.
    fn reporters(&self, request: &RequestVote) -> Result<(), CertificateError> {
        let mut reporters = BTreeSet::new();
        let counts = |report: &Signed<Report>| {
            report.body.term == request.term
                && self.configuration.key(report.signer).is_some()
                && reporters.insert(report.signer)
        };
        match request.reports.iter().all(counts) {
            true => Ok(()),
            false => Err(CertificateError::Signers),
        }
    }

    /// Every statement in it. The headers under votes need no signature: the votes name their hashes.
    fn testimony(&self, testimony: &Testimony) -> Result<(), Refused> {
        for signed in &testimony.headers {
            self.header(signed)?;
        }
        for shown in &testimony.votes {
            self.signature(&shown.vote)?;
        }
        testimony
            .grants
            .iter()
            .try_for_each(|grant| self.signature(grant))
    }

    fn leave(&self, certificate: &LeaveCertificate) -> Result<(), CertificateError> {
        certificate.check(&self.configuration, &*self.verifier)
    }

    /// Every signature in a report. Whether the report is void (P4.5) is for the collector.
    fn report(&self, report: &Signed<Report>) -> Result<(), Refused> {
        self.signature(report)?;
        let body = &report.body;
        self.optional_quorum(body.accept.as_ref())?;
        self.optional_quorum(body.commit.as_ref())?;
        self.leave(&body.leave)?;
        match &body.pair.justification {
            Justification::Opening => {}
            Justification::Election(certificate) => {
                certificate.check(&self.configuration, &*self.verifier)?;
            }
            Justification::Commit(certificate) => self.quorum(certificate)?,
        }
        body.pair
            .headers
            .iter()
            .try_for_each(|header| self.header(header))?;
        Ok(())
    }
}
