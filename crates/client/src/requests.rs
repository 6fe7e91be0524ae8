//! The requests under way: what came back for each, and what to do next. No IO.

use std::{collections::HashMap, sync::Arc};

use consensus::{
    NodeId, RequestKey,
    mutation::{self, Mutation},
};
use node::frames::{OutcomeFrame, Refusal};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{Duration, Instant},
};

use crate::{
    error::ClientError,
    load::{Completion, OnCompletion},
    tally::Tally,
};

/// A request as the application signed it, with what the client must know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    /// The application's bytes.
    pub payload: Vec<u8>,
    /// Its identity: what the application's [`consensus::Payloads::key`] makes of the payload.
    pub key: RequestKey,
    /// The transaction's id.
    pub transaction: [u8; 32],
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Enough nodes say where the request was committed.
    Committed,
    /// They also say the same about its result.
    Applied,
}

/// What became of a request, as enough nodes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Index of its entry.
    pub index: u64,
    /// Term of its entry.
    pub term: u64,
    /// The transaction's id.
    pub transaction: [u8; 32],
    /// The application's result bytes. With [`Wait::Committed`] one node's word.
    pub result: Vec<u8>,
}

impl Wait {
    fn equal(self, one: &Outcome, other: &Outcome) -> bool {
        one.index == other.index
            && one.transaction == other.transaction
            && (self == Self::Committed || one.result == other.result)
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) wait: Wait,
    pub(crate) needed: usize,
    /// Until it is sent to all nodes, and between repeats after that.
    pub(crate) resend: Duration,
    /// Whether to complain after the first repeat (P6.2).
    pub(crate) complain: bool,
    /// Whether to send it to every node that connects meanwhile.
    pub(crate) eager: bool,
    pub(crate) timeout: Duration,
}

/// Who is told in the end.
pub(crate) enum Teller {
    One(oneshot::Sender<Result<Outcome, ClientError>>),
    Load {
        on_completion: OnCompletion,
        since: Instant,
        _permit: OwnedSemaphorePermit,
    },
}

/// What to do for a request now.
pub(crate) struct Step {
    pub(crate) id: u64,
    pub(crate) request: Arc<SignedRequest>,
    pub(crate) to_all: bool,
    pub(crate) complain: bool,
}

struct Waiting {
    id: u64,
    request: Arc<SignedRequest>,
    pace: Pace,
    since: Instant,
    next: Instant,
    /// Repeats so far.
    repeats: u32,
    /// The next repeat answers a refusal: it is no sign of a leader that does nothing.
    refused: bool,
    outcomes: Tally<Outcome>,
    /// Outcomes of other transactions with this nonce.
    others: Tally<Outcome>,
    /// Whether all nodes were asked again because of such outcomes.
    others_confirmed: bool,
    invalid: Tally<String>,
    last_refusal: Option<String>,
    teller: Teller,
}

/// A request that is over, and what to tell.
pub(crate) struct Done {
    request: Arc<SignedRequest>,
    teller: Teller,
    result: Result<Outcome, ClientError>,
}

impl Done {
    pub(crate) fn map_error(self, change: impl FnOnce(ClientError) -> ClientError) -> Self {
        Self {
            result: self.result.map_err(change),
            ..self
        }
    }

    pub(crate) fn tell(self) {
        match self.teller {
            // Whoever waited may have gone.
            Teller::One(sender) => drop(sender.send(self.result)),
            Teller::Load {
                on_completion,
                since,
                ..
            } => on_completion(Completion {
                request: self.request,
                latency: since.elapsed(),
                outcome: self.result,
            }),
        }
    }
}

/// Requests under way, one for each account and nonce.
#[derive(Default)]
pub(crate) struct Requests {
    by_key: HashMap<RequestKey, Waiting>,
    by_id: HashMap<u64, RequestKey>,
}

impl Requests {
    /// Takes a request up and says what to do first; gives the teller back if one of the same
    /// identity is under way.
    pub(crate) fn begin(
        &mut self,
        id: u64,
        request: Arc<SignedRequest>,
        pace: Pace,
        now: Instant,
        teller: Teller,
    ) -> Result<Step, Box<Done>> {
        if self.by_key.contains_key(&request.key) {
            let result = Err(ClientError::UnderWay);
            return Err(Box::new(Done {
                request,
                teller,
                result,
            }));
        }
        let step = Step {
            id,
            request: Arc::clone(&request),
            to_all: false,
            complain: false,
        };
        let needed = match mutation::active(Mutation::OneReplyIsEnough) {
            true => 1,
            false => pace.needed,
        };
        self.by_id.insert(id, request.key);
        self.by_key.insert(
            request.key,
            Waiting {
                id,
                request,
                pace,
                since: now,
                next: now + pace.resend,
                repeats: 0,
                refused: false,
                outcomes: Tally::new(needed),
                others: Tally::new(needed),
                others_confirmed: false,
                invalid: Tally::new(needed),
                last_refusal: None,
                teller,
            },
        );
        Ok(step)
    }

    /// Forgets a request for which nobody waits any more.
    pub(crate) fn abandon(&mut self, id: u64) {
        if let Some(key) = self.by_id.remove(&id) {
            self.by_key.remove(&key);
        }
    }

    /// Those to send to a node that just connected.
    pub(crate) fn eager(&self) -> Vec<(u64, Arc<SignedRequest>)> {
        let eager = self.by_key.values().filter(|waiting| waiting.pace.eager);
        eager
            .map(|waiting| (waiting.id, Arc::clone(&waiting.request)))
            .collect()
    }

    /// A node says what became of requests.
    pub(crate) fn outcomes(
        &mut self,
        node: NodeId,
        (index, term): (u64, u64),
        outcomes: Vec<OutcomeFrame>,
    ) -> Vec<Done> {
        let mut done = Vec::new();
        for frame in outcomes {
            let key = RequestKey::from(frame.key);
            let Some(waiting) = self.by_key.get_mut(&key) else {
                continue;
            };
            let transaction = frame.transaction.0;
            let outcome = Outcome {
                index,
                term,
                transaction,
                result: frame.result,
            };
            if let Some(result) = waiting.outcome(node, outcome) {
                done.extend(self.finish(key, result));
            }
        }
        done
    }

    /// A node does not take a request.
    pub(crate) fn refused(
        &mut self,
        node: NodeId,
        id: u64,
        refusal: &Refusal,
        now: Instant,
    ) -> Option<Done> {
        let key = *self.by_id.get(&id)?;
        let waiting = self.by_key.get_mut(&key)?;
        let result = waiting.refusal(node, refusal, now)?;
        self.finish(key, Err(result))
    }

    /// What is due, and what is over because its time is.
    pub(crate) fn due(&mut self, now: Instant) -> (Vec<Step>, Vec<Done>) {
        let (mut steps, mut over) = (Vec::new(), Vec::new());
        for (key, waiting) in &mut self.by_key {
            if now >= waiting.since + waiting.pace.timeout {
                over.push(*key);
            } else if now >= waiting.next {
                steps.push(waiting.step(now));
            }
        }
        let done = over.into_iter().filter_map(|key| {
            let error = self.by_key.get(&key)?.unknown();
            self.finish(key, Err(error))
        });
        let done = done.collect();
        (steps, done)
    }

    fn finish(&mut self, key: RequestKey, result: Result<Outcome, ClientError>) -> Option<Done> {
        let Waiting {
            id,
            request,
            teller,
            ..
        } = self.by_key.remove(&key)?;
        self.by_id.remove(&id);
        Some(Done {
            request,
            teller,
            result,
        })
    }
}

impl Waiting {
    fn outcome(&mut self, node: NodeId, outcome: Outcome) -> Option<Result<Outcome, ClientError>> {
        let wait = self.pace.wait;
        let equal = |one: &Outcome, other: &Outcome| wait.equal(one, other);
        if outcome.transaction == self.request.transaction {
            return self.outcomes.add(node, outcome, equal).cloned().map(Ok);
        }
        // A node may speak of a later transaction that was refused because this one came first. So
        // all are asked again, and then they answer with the first that had the nonce.
        let Outcome {
            transaction, index, ..
        } = self.others.add(node, outcome, equal)?.clone();
        if self.others_confirmed {
            return Some(Err(ClientError::NonceUsed { transaction, index }));
        }
        self.others_confirmed = true;
        self.others = Tally::new(self.pace.needed);
        self.ask_all_again();
        None
    }

    fn refusal(&mut self, node: NodeId, refusal: &Refusal, now: Instant) -> Option<ClientError> {
        let (text, again) = match refusal {
            Refusal::Invalid(reason) => {
                // Whatever the reasons, so many nodes say that it is not valid.
                if let Some(reason) = self.invalid.add(node, reason.clone(), |_, _| true) {
                    return Some(ClientError::Invalid(reason.clone()));
                }
                self.last_refusal = Some(format!("invalid: {reason}"));
                self.ask_all_again();
                return None;
            }
            Refusal::Busy { retry_after } => (
                "busy",
                Duration::from_millis((*retry_after).clamp(10, 1000)),
            ),
            Refusal::NoLeader => ("no leader is known", Duration::from_millis(100)),
            Refusal::NotLeader(_) => ("another node leads", Duration::from_millis(100)),
            Refusal::StaleTerm { .. } => return None,
            Refusal::BadSignature => ("the complaint's signature does not hold", self.pace.resend),
            Refusal::TooMany => ("too many at once", Duration::from_millis(200)),
            Refusal::Stopping => ("stopping", Duration::from_millis(200)),
        };
        self.last_refusal = Some(text.to_owned());
        let next = now + again.min(self.pace.resend);
        if next < self.next {
            self.next = next;
            self.refused = true;
        }
        None
    }

    fn ask_all_again(&mut self) {
        self.next = self.since;
        self.refused = true;
        self.repeats = self.repeats.max(1);
    }

    fn step(&mut self, now: Instant) -> Step {
        let refused = std::mem::take(&mut self.refused);
        if !refused {
            self.repeats += 1;
        }
        self.next = now + self.pace.resend;
        Step {
            id: self.id,
            request: Arc::clone(&self.request),
            to_all: self.repeats > 0,
            complain: self.pace.complain && !refused && self.repeats > 1,
        }
    }

    fn unknown(&self) -> ClientError {
        let wait = self.pace.wait;
        ClientError::OutcomeUnknown {
            after: self.pace.timeout,
            answers: self.outcomes.most(|one, other| wait.equal(one, other)),
            needed: self.pace.needed,
            last_refusal: self.last_refusal.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
