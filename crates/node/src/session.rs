//! One client's connection: reads its frames and does what they ask.

use std::sync::{
    Arc,
    mpsc::{SyncSender, TrySendError},
};

use consensus::{Event, NodeId, PublicKey, Request, Signature, Term, encoding::Canonical};
use rayon::prelude::*;
use tokio::{
    sync::{Semaphore, oneshot},
    time::{Instant, sleep, timeout_at},
};
use transport::{Origin, PeerKey, Session};

use crate::{
    application_task::{Query, Work},
    client_reads::ClientReads,
    complaint::Complaint,
    frames::{
        CanonicalBytes, ClientFrame, Id, MAX_SUBMISSIONS, OutcomeFrame, ReceiptParts, Refusal,
        ServerFrame, Submission, TransactionState,
    },
    limits::{RECEIPT_PATIENCE, RECEIPT_PAUSE, RETRY_AFTER_MILLIS, WAITING_RECEIPTS_PER_SESSION},
    mailbox::{Input, Item},
    outcomes::Found,
    receipts,
    replica_task::leader_frame,
    reporting::Reporter,
    sessions::Taken,
    shared::Shared,
};

/// Up to so many requests are judged where they arrive; more go to the pool.
const FEW: usize = 2;

/// Serves one client until its connection ends.
pub(crate) struct Server {
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) application: SyncSender<Work>,
    pub(crate) reads: ClientReads<Shared>,
}

struct Client<'a> {
    server: &'a Arc<Server>,
    shared: &'a Arc<Shared>,
    key: PeerKey,
    origin: Origin,
    session: u64,
    /// Places for receipts whose proofs are waited for.
    receipts: Arc<Semaphore>,
}

impl Server {
    pub(crate) async fn serve(self: &Arc<Self>, session: Session) {
        let Session {
            key,
            origin,
            sender,
            mut receiver,
            ..
        } = session;
        let shared = &self.reporter.shared;
        let client = Client {
            server: self,
            shared,
            key,
            origin,
            session: shared.sessions.enter(sender),
            receipts: Arc::new(Semaphore::new(WAITING_RECEIPTS_PER_SESSION)),
        };
        client.send(&leader_frame(shared.view()));
        loop {
            let bytes = match receiver.recv().await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, "a client's connection ended");
                    break;
                }
            };
            match ClientFrame::decode(&bytes) {
                Ok(frame) => client.handle(frame).await,
                Err(error) => {
                    shared.counters.refused.add(1);
                    tracing::info!(%error, "a client sent what is no frame and is dropped");
                    break;
                }
            }
        }
        shared.sessions.leave(client.session);
    }
}

impl Client<'_> {
    fn send(&self, frame: &ServerFrame) {
        self.shared.sessions.send(self.session, frame);
    }

    fn refuse(&self, id: u64, refusal: Refusal) {
        self.send(&ServerFrame::Refused { id, refusal });
    }

    /// Refuses what a node that has diverged does not answer (P8.2): everything but questions about
    /// itself and the evidence that it holds.
    fn refuse_if_diverged(&self, frame: &ClientFrame) -> bool {
        if self.shared.diverged.get().is_none() {
            return false;
        }
        match frame {
            ClientFrame::Status { .. }
            | ClientFrame::EvidenceList { .. }
            | ClientFrame::EvidenceGet { .. } => return false,
            ClientFrame::Submit(submissions) => {
                for submission in submissions {
                    self.refuse(submission.id, Refusal::Stopping);
                }
            }
            ClientFrame::Watch(_) => self.refuse(0, Refusal::Stopping),
            ClientFrame::Complain { id, .. }
            | ClientFrame::Query { id, .. }
            | ClientFrame::ReadIndex { id }
            | ClientFrame::Transaction { id, .. }
            | ClientFrame::Receipt { id, .. }
            | ClientFrame::Block { id, .. } => self.refuse(*id, Refusal::Stopping),
        }
        true
    }

    async fn handle(&self, frame: ClientFrame) {
        if self.refuse_if_diverged(&frame) {
            return;
        }
        match frame {
            ClientFrame::Submit(submissions) => self.submit(submissions).await,
            ClientFrame::Complain {
                id,
                term,
                leader,
                signature,
                payload,
            } => {
                let about = (Term(term), NodeId(leader));
                self.complain(id, about, Signature(signature), payload.into());
            }
            ClientFrame::Watch(accounts) => {
                if !self.shared.sessions.watch(self.session, &accounts) {
                    self.refuse(0, Refusal::TooMany);
                }
            }
            ClientFrame::Query {
                id,
                at_least,
                question,
            } => {
                self.query(Query {
                    session: self.session,
                    id,
                    at_least,
                    question,
                });
            }
            ClientFrame::ReadIndex { id } => {
                let read = Input::Read {
                    session: self.session,
                    id,
                };
                if !self
                    .shared
                    .mailbox
                    .push_client(&self.origin, vec![read.into()])
                    .is_empty()
                {
                    self.refuse(id, busy());
                }
            }
            ClientFrame::Status { id } => match self.server.reporter.report().await {
                Some(report) => self.send(&ServerFrame::Status {
                    id,
                    report: Box::new(report),
                }),
                None => self.refuse(id, Refusal::Stopping),
            },
            ClientFrame::Transaction { id, transaction } => {
                let read = move |shared: &Shared| Some(state_of(shared, &transaction));
                match self.server.reads.read(read).await {
                    Ok(Some(state)) => self.send(&ServerFrame::Transaction { id, state }),
                    Ok(None) => self.refuse(id, Refusal::Stopping),
                    Err(refusal) => self.refuse(id, refusal),
                }
            }
            ClientFrame::Receipt { id, transaction } => self.receipt(id, transaction).await,
            ClientFrame::Block { id, index } => {
                let read = move |shared: &Shared| receipts::block(shared, index);
                match self.server.reads.read(read).await {
                    Ok(block) => self.send(&ServerFrame::Block { id, block }),
                    Err(refusal) => self.refuse(id, refusal),
                }
            }
            ClientFrame::EvidenceList { id } => {
                let list = self.shared.evidence.list();
                self.send(&ServerFrame::EvidenceList { id, list });
            }
            ClientFrame::EvidenceGet { id, evidence } => {
                let evidence = self.shared.evidence.get(&evidence.0);
                let evidence = evidence.map(|found| CanonicalBytes(found.to_bytes()));
                self.send(&ServerFrame::Evidence { id, evidence });
            }
        }
    }

    async fn submit(&self, submissions: Vec<Submission>) {
        if submissions.len() > MAX_SUBMISSIONS {
            for submission in submissions {
                self.refuse(submission.id, Refusal::TooMany);
            }
            return;
        }
        let mut requests = Vec::with_capacity(submissions.len());
        for (id, judged) in judge(self.shared, submissions).await {
            match judged {
                Judged::Taken(request) => requests.push((id, request)),
                Judged::Known(known) => self.send(&outcome_frame(&known)),
                Judged::Refused(refusal) => self.refuse(id, refusal),
            }
        }
        self.hand_on(requests, Event::Submit);
    }

    /// Gives requests to the replica, or tells the client that too much waits.
    fn hand_on(&self, requests: Vec<(u64, Request)>, event: impl Fn(Request) -> Event) {
        let keys = requests.iter().map(|(id, request)| (request.key(), *id));
        self.shared.sessions.submitted(self.session, keys);
        if let Some(transaction_id) = &self.shared.transaction_id {
            let ids = requests
                .iter()
                .filter_map(|(_, request)| transaction_id(request.payload()));
            self.shared.sessions.taken(ids);
        }
        let items: Vec<Item> = requests
            .into_iter()
            .map(|(_, request)| event(request).into())
            .collect();
        for item in self.shared.mailbox.push_client(&self.origin, items) {
            if let Input::Event(event) = item.input
                && let Event::Submit(request) | Event::Complain(request) = &*event
            {
                self.shared.sessions.refused(&request.key(), &busy());
            }
        }
    }

    fn complain(
        &self,
        id: u64,
        (term, leader): (Term, NodeId),
        signature: Signature,
        payload: Arc<[u8]>,
    ) {
        if let Err(wait) = self.shared.sessions.complain(self.origin) {
            let retry_after = u64::try_from(wait.as_millis())
                .unwrap_or(RETRY_AFTER_MILLIS)
                .max(1);
            return self.refuse(id, Refusal::Busy { retry_after });
        }
        let request = match Judged::of(self.shared, payload) {
            Judged::Taken(request) => request,
            Judged::Known(known) => return self.send(&outcome_frame(&known)),
            Judged::Refused(refusal) => return self.refuse(id, refusal),
        };
        let complaint = Complaint {
            term,
            leader,
            key: request.key(),
        };
        let verifier = self.shared.verification.verifier();
        let key = PublicKey(self.key);
        if !complaint.holds(&self.shared.configuration, &key, &signature, verifier) {
            return self.refuse(id, Refusal::BadSignature);
        }
        let view = self.shared.view();
        if term < view.term {
            let (term, leader) = (view.term.0, view.leader.map(|leader| leader.0));
            return self.refuse(id, Refusal::StaleTerm { term, leader });
        }
        self.hand_on(vec![(id, request)], Event::Complain);
    }

    fn query(&self, query: Query) {
        let id = query.id;
        let places = if self.origin.is_stranger() {
            &self.shared.questions_of_strangers
        } else {
            &self.shared.queries
        };
        let Ok(permit) = Arc::clone(places).try_acquire_owned() else {
            return self.refuse(id, busy());
        };
        let work = Work::Query(query, permit);
        match self.server.application.try_send(work) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.refuse(id, busy()),
            Err(TrySendError::Disconnected(_)) => self.refuse(id, Refusal::Stopping),
        }
    }

    /// Answers with what a receipt is made of. Proofs come a moment after the outcome: the question
    /// waits for them here, beside whatever else the client asks.
    async fn receipt(&self, id: u64, transaction: Id) {
        let found = self.server.parts(transaction).await;
        let mode = self.shared.configuration.mode();
        if let Ok(Some(parts)) = &found
            && !receipts::is_whole(mode, parts)
            && let Ok(place) = Arc::clone(&self.receipts).try_acquire_owned()
        {
            let (server, session) = (Arc::clone(self.server), self.session);
            tokio::spawn(async move {
                let found = server.wait_for_proofs(transaction, found).await;
                server.send_receipt(session, id, found);
                drop(place);
            });
        } else {
            self.server.send_receipt(self.session, id, found);
        }
    }
}

type Parts = Result<Option<Box<ReceiptParts>>, Refusal>;

impl Server {
    async fn parts(&self, transaction: Id) -> Parts {
        let read = move |shared: &Shared| receipts::parts(shared, &transaction.0).map(Box::new);
        self.reads.read(read).await
    }

    /// Looks again whenever votes or certificates came, until nothing is missing or the time is
    /// over.
    async fn wait_for_proofs(&self, transaction: Id, mut found: Parts) -> Parts {
        let shared = &self.reporter.shared;
        let mode = shared.configuration.mode();
        let Some(waiter) = shared.proofs.waiter() else {
            return found;
        };
        let deadline = Instant::now() + RECEIPT_PATIENCE;
        loop {
            let notified = waiter.notified();
            found = self.parts(transaction).await;
            match &found {
                Ok(Some(parts)) if !receipts::is_whole(mode, parts) => {}
                _ => return found,
            }
            if timeout_at(deadline, notified).await.is_err() {
                return found;
            }
            // Votes of several validators come together.
            sleep(RECEIPT_PAUSE).await;
        }
    }

    fn send_receipt(&self, session: u64, id: u64, found: Parts) {
        let frame = match found {
            Ok(parts) => ServerFrame::Receipt { id, parts },
            Err(refusal) => ServerFrame::Refused { id, refusal },
        };
        self.reporter.shared.sessions.send(session, &frame);
    }
}

/// What this node knows of a transaction, or of what was done under a reference.
fn state_of(shared: &Shared, name: &Id) -> TransactionState {
    let taken = shared.sessions.known(&name.0);
    // Before the look: what is executed meanwhile may be missed, but is not denied.
    let applied = shared.applied();
    match shared.outcomes.of_transaction(&name.0) {
        Some((entry, position)) => TransactionState::Applied {
            index: entry.index(),
            term: entry.term,
            position: u32::try_from(position).unwrap_or(u32::MAX),
            outcome: (&entry.outcomes[position]).into(),
        },
        None => match taken {
            // Only once the outcomes up to that state are there to be found: it may be one of them.
            Some(Taken::Lost { index }) if applied >= index => {
                TransactionState::Superseded { applied }
            }
            Some(_) => TransactionState::Pending,
            None => TransactionState::Unknown { applied },
        },
    }
}

/// What becomes of a payload that a client sends.
enum Judged {
    /// It is taken.
    Taken(Request),
    /// It was executed before.
    Known(Found),
    /// It is not taken.
    Refused(Refusal),
}

impl Judged {
    /// What the state refuses is answered before its signature is checked: strangers cost little.
    fn of(shared: &Shared, payload: Arc<[u8]>) -> Self {
        if let Some(known) = shared.outcome_of(&payload) {
            return Self::Known(known);
        }
        if let Err(why) = shared.hosted.admit(&payload) {
            // What is refused for good may have been executed long ago: then its outcome is known.
            if why.settled
                && let Some(known) = shared.first_outcome_of(&payload)
            {
                return Self::Known(known);
            }
            shared.counters.refused.add(1);
            return Self::Refused(why.into());
        }
        match shared.verification.request(payload) {
            Ok(request) => Self::Taken(request),
            Err(invalid) => Self::Refused(Refusal::Invalid(invalid.0)),
        }
    }
}

/// Judges submissions, many of them on all cores.
async fn judge(shared: &Arc<Shared>, submissions: Vec<Submission>) -> Vec<(u64, Judged)> {
    let judge = |shared: &Shared, submission: Submission| {
        (submission.id, Judged::of(shared, submission.payload.into()))
    };
    if submissions.len() <= FEW {
        return submissions
            .into_iter()
            .map(|one| judge(shared, one))
            .collect();
    }
    let (reply, answer) = oneshot::channel();
    let pool_shared = Arc::clone(shared);
    shared.pool.spawn(move || {
        let judged: Vec<(u64, Judged)> = submissions
            .into_par_iter()
            .map(|one| judge(&pool_shared, one))
            .collect();
        // The connection may have ended.
        let _ = reply.send(judged);
    });
    answer.await.unwrap_or_default()
}

fn outcome_frame((entry, position): &Found) -> ServerFrame {
    let outcome: OutcomeFrame = (&entry.outcomes[*position]).into();
    ServerFrame::Outcomes {
        index: entry.index(),
        term: entry.term,
        outcomes: vec![outcome],
    }
}

const fn busy() -> Refusal {
    Refusal::Busy {
        retry_after: RETRY_AFTER_MILLIS,
    }
}
