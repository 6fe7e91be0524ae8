//! The requests under way: what came back for each, and what to do next. No IO.

mod waiting;

use std::{collections::HashMap, sync::Arc};

use consensus::{NodeId, RequestKey};
use node::frames::{OutcomeFrame, Refusal};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{Duration, Instant},
};

use crate::{
    error::ClientError,
    load::{Completion, OnCompletion},
};
use waiting::Waiting;

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
        self.by_id.insert(id, request.key);
        let key = request.key;
        let waiting = Waiting::new(id, request, pace, now, teller);
        self.by_key.insert(key, waiting);
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

#[cfg(test)]
mod tests;
