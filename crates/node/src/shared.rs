//! What the threads of a node share.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use consensus::{
    Configuration, Index, Message, NodeId, Request, Term, Verification,
    certificate::QuorumCertificate,
    event::Divergence,
    message::{AppendOutcome, RaftAppendReply, Vote},
};
use rayon::ThreadPool;
use tokio::sync::Semaphore;

use crate::{
    application::{NotAdmitted, TransactionId},
    bulk_judge::BulkJudge,
    chain::StoredChain,
    clock::Clock,
    conduct::Conducts,
    counters::Counters,
    evidence::EvidenceStore,
    hosted::Hosted,
    limits::{NEAR_ENTRIES, QUERIES, REMEMBERED_CERTIFICATES, STRANGERS_PART},
    mailbox::Mailbox,
    outcomes::{Found, Outcomes},
    peers::Inbox,
    proofs::Proofs,
    sessions::Sessions,
    statements::{Claims, Statements},
};

/// The term and leader as of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) term: Term,
    pub(crate) leader: Option<NodeId>,
}

/// Shared by all threads and tasks of a node.
pub(crate) struct Shared {
    pub(crate) hosted: Hosted,
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) me: NodeId,
    pub(crate) clock: Clock,
    pub(crate) verification: Verification,
    pub(crate) transaction_id: Option<TransactionId>,
    pub(crate) pool: Arc<ThreadPool>,
    pub(crate) bulk_judge: BulkJudge,
    /// By peer.
    pub(crate) inboxes: Vec<Inbox>,
    /// Places for questions on their way to the application.
    pub(crate) queries: Arc<Semaphore>,
    /// Places for questions of strangers, apart from those of members (P12.2).
    pub(crate) questions_of_strangers: Arc<Semaphore>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) chain: Arc<StoredChain>,
    pub(crate) outcomes: Outcomes,
    pub(crate) evidence: EvidenceStore,
    pub(crate) sessions: Sessions,
    /// Votes by the index that they say is applied.
    pub(crate) result_votes: Statements<Vote>,
    /// Acknowledgements of raft-signed by the index that they hold.
    pub(crate) acknowledgements: Statements<RaftAppendReply>,
    pub(crate) claims: Claims,
    pub(crate) conducts: Conducts,
    /// Told when there is more for receipts.
    pub(crate) proofs: Proofs,
    pub(crate) certificates: Certificates,
    pub(crate) applied: AtomicU64,
    /// Set once the node's own results turn out to be wrong (P8.2).
    pub(crate) diverged: OnceLock<Divergence>,
    view: RwLock<View>,
}

impl Shared {
    #[expect(clippy::too_many_arguments, reason = "called once")]
    pub(crate) fn new(
        hosted: Hosted,
        configuration: Arc<Configuration>,
        me: NodeId,
        clock: Clock,
        verification: Verification,
        transaction_id: Option<TransactionId>,
        pool: Arc<ThreadPool>,
        counters: Arc<Counters>,
        chain: Arc<StoredChain>,
        evidence: EvidenceStore,
        outcomes: Outcomes,
    ) -> Self {
        let validators = configuration.sizes().validators();
        Self {
            hosted,
            configuration,
            me,
            clock,
            verification,
            transaction_id,
            pool,
            bulk_judge: BulkJudge::new(validators),
            inboxes: (0..validators).map(|_| Inbox::default()).collect(),
            queries: Arc::new(Semaphore::new(QUERIES - QUERIES / STRANGERS_PART)),
            questions_of_strangers: Arc::new(Semaphore::new(QUERIES / STRANGERS_PART)),
            mailbox: Arc::default(),
            counters,
            chain,
            outcomes,
            evidence,
            sessions: Sessions::default(),
            result_votes: Statements::new(validators),
            acknowledgements: Statements::new(validators),
            proofs: Proofs::default(),
            claims: Claims::new(validators),
            conducts: Conducts::new(validators),
            certificates: Certificates::default(),
            applied: AtomicU64::new(0),
            diverged: OnceLock::new(),
            view: RwLock::default(),
        }
    }

    /// The outcome of this very request, if it is a recent one. Its key may have stood for another
    /// transaction before, whose outcome says nothing about this one. An older one is answered once
    /// it is executed again, as a repeat: to look for every request on disk costs too much.
    pub(crate) fn outcome_of(&self, payload: &[u8]) -> Option<Found> {
        match &self.transaction_id {
            Some(id) => self.outcomes.of_recent(&id(payload)?),
            None => {
                let key = self.verification.key(payload).ok()?;
                self.outcomes.of_request(&key)
            }
        }
    }

    /// The outcome of this very request, however old; reads from disk.
    pub(crate) fn first_outcome_of(&self, payload: &[u8]) -> Option<Found> {
        let id = self.transaction_id.as_ref()?;
        self.outcomes.of_transaction(&id(payload)?)
    }

    /// Tells whoever submitted a request here why it is not taken: with its outcome, if it is
    /// executed.
    pub(crate) fn not_admitted(&self, request: &Request, why: NotAdmitted) {
        self.counters.refused.add(1);
        match self.outcome_of(request.payload()) {
            Some((entry, position)) => {
                self.sessions.settled(&request.key(), &entry, position);
            }
            None => {
                if why.settled
                    && let Some(id) = &self.transaction_id
                    && let Some(transaction) = id(request.payload())
                {
                    // The state that refused it is no newer than this.
                    let index = self.hosted.ask(|application| application.applied().index.0);
                    self.sessions.lost(transaction, index);
                }
                self.sessions.refused(&request.key(), &why.into());
            }
        }
    }

    pub(crate) fn view(&self) -> View {
        *self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes term and leader; whether they changed.
    pub(crate) fn set_view(&self, view: View) -> bool {
        let mut current = self.view.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, view) != view
    }

    pub(crate) fn applied(&self) -> u64 {
        self.applied.load(Relaxed)
    }

    /// How far anything can be that is to come soon: what f + 1 validators claim to hold, or this
    /// node has executed, and as much as may be under way beyond it (P3.1, P12.1).
    pub(crate) fn near(&self) -> u64 {
        let claimed = self
            .claims
            .believable(self.configuration.sizes().matching_answers());
        claimed.max(self.applied()).saturating_add(NEAR_ENTRIES)
    }

    /// Takes from a verified message what receipts and the status need.
    pub(crate) fn observe(&self, from: NodeId, message: &Message) {
        self.conducts.observe(from, message, self.clock.now().wall);
        match message {
            Message::Vote(vote) => {
                // Nobody can have executed what no correct node has heard of: such an index would
                // only take the place of one that receipts need.
                if let Some(applied) = vote.body.applied
                    && applied.index.0 <= self.near()
                {
                    self.result_votes.add(applied.index.0, vote);
                    self.proofs.changed();
                }
                if let Some(accepted) = vote.body.accepted {
                    self.claims.add(vote.signer, accepted.index.0);
                }
            }
            Message::Heartbeat(heartbeat) => {
                self.claims
                    .add(heartbeat.signer, heartbeat.body.head.index.0);
            }
            Message::RaftAppend(append) => self.claims.add(from, append.body.commit.0),
            Message::RaftAppendReply(reply) => {
                if let AppendOutcome::Matched(point) = reply.body.outcome {
                    if self.configuration.mode().signs() && point.index.0 <= self.near() {
                        self.acknowledgements.add(point.index.0, reply);
                        self.proofs.changed();
                    }
                    self.claims.add(from, point.index.0);
                }
            }
            _ => {}
        }
    }
}

/// The most recent commit certificates by index (P2.7).
#[derive(Debug, Default)]
pub(crate) struct Certificates(Mutex<std::collections::BTreeMap<Index, Arc<QuorumCertificate>>>);

impl Certificates {
    pub(crate) fn add(&self, certificate: Arc<QuorumCertificate>) {
        let mut certificates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        certificates.insert(certificate.header.index, certificate);
        if certificates.len() > REMEMBERED_CERTIFICATES {
            certificates.pop_first();
        }
    }

    /// The certificate of the lowest index within the range.
    pub(crate) fn first(&self, from: Index, to: Index) -> Option<Arc<QuorumCertificate>> {
        let certificates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        certificates
            .range(from..=to)
            .next()
            .map(|(_, certificate)| Arc::clone(certificate))
    }
}
