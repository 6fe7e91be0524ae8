//! One request under way: what the nodes said of it, and when to ask again.

use std::sync::Arc;

use consensus::{
    NodeId,
    mutation::{self, Mutation},
};
use node::frames::Refusal;
use tokio::time::{Duration, Instant};

use super::{Outcome, Pace, SignedRequest, Step, Teller};
use crate::{error::ClientError, tally::Tally};

/// After this a node is asked again whether it admits a request.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// How long nodes that lag behind get to admit a request that others may admit already.
const CATCHING_UP: Duration = Duration::from_millis(300);

/// A request under way.
pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) request: Arc<SignedRequest>,
    pub(super) pace: Pace,
    pub(super) since: Instant,
    pub(super) next: Instant,
    /// Repeats so far.
    repeats: u32,
    /// The next repeat answers a refusal: it is no sign of a leader that does nothing.
    refused: bool,
    outcomes: Tally<Outcome>,
    /// Outcomes of other transactions with this nonce.
    others: Tally<Outcome>,
    /// Whether all nodes were asked again because of such outcomes.
    others_asked: bool,
    invalid: Tally<String>,
    /// Whether each node says for good that it does not admit the request, and with what result.
    not_admitted: Tally<(bool, Vec<u8>)>,
    /// Since when enough nodes say so, though not for good.
    not_admitted_since: Option<Instant>,
    last_refusal: Option<String>,
    pub(super) teller: Teller,
}

impl Waiting {
    pub(super) fn new(
        id: u64,
        request: Arc<SignedRequest>,
        pace: Pace,
        now: Instant,
        teller: Teller,
    ) -> Self {
        let needed = match mutation::active(Mutation::OneReplyIsEnough) {
            true => 1,
            false => pace.needed,
        };
        Self {
            id,
            request,
            pace,
            since: now,
            next: now + pace.resend,
            repeats: 0,
            refused: false,
            outcomes: Tally::new(needed),
            others: Tally::new(needed),
            others_asked: false,
            invalid: Tally::new(needed),
            not_admitted: Tally::new(needed),
            not_admitted_since: None,
            last_refusal: None,
            teller,
        }
    }

    /// A node says what became of it: how it ends, if that is enough.
    pub(super) fn outcome(
        &mut self,
        node: NodeId,
        outcome: Outcome,
    ) -> Option<Result<Outcome, ClientError>> {
        let wait = self.pace.wait;
        let equal = |one: &Outcome, other: &Outcome| wait.equal(one, other);
        if outcome.transaction == self.request.transaction {
            return self.outcomes.add(node, outcome, equal).cloned().map(Ok);
        }
        // Another transaction may have settled the nonce, or been rejected without using it: only
        // the application knows. So all are asked again, and answer whether they still admit this
        // one. Once is enough; after that the usual repeats ask.
        if self.others.add(node, outcome, equal).is_some() && !self.others_asked {
            self.others_asked = true;
            self.ask_all_again();
        }
        None
    }

    /// A node does not take it: how it ends, if so many do not.
    pub(super) fn refusal(
        &mut self,
        node: NodeId,
        refusal: &Refusal,
        now: Instant,
    ) -> Option<ClientError> {
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
            Refusal::NotAdmitted { settled, result } => {
                if let Some(error) = self.not_admitted(node, (*settled, result.clone()), now) {
                    return Some(error);
                }
                ("the ledger as it is would reject it", ASK_AGAIN)
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

    /// A node's state would refuse it. For good, so many are right at once; otherwise they may lag
    /// behind a little, and are asked until the others have had time to catch up.
    fn not_admitted(
        &mut self,
        node: NodeId,
        answer: (bool, Vec<u8>),
        now: Instant,
    ) -> Option<ClientError> {
        // Its state moves on, and its answer with it.
        self.not_admitted.forget(node);
        self.repeats = self.repeats.max(1);
        let (settled, result) = self
            .not_admitted
            .add(node, answer, |one, other| one == other)?
            .clone();
        let since = *self.not_admitted_since.get_or_insert(now);
        (settled || now >= since + CATCHING_UP)
            .then_some(ClientError::NotAdmitted { settled, result })
    }

    fn ask_all_again(&mut self) {
        self.next = self.since;
        self.refused = true;
        self.repeats = self.repeats.max(1);
    }

    /// What to do now that it is due.
    pub(super) fn step(&mut self, now: Instant) -> Step {
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

    /// Why it ends when its time is over.
    pub(super) fn unknown(&self) -> ClientError {
        let wait = self.pace.wait;
        ClientError::OutcomeUnknown {
            after: self.pace.timeout,
            answers: self.outcomes.most(|one, other| wait.equal(one, other)),
            needed: self.pace.needed,
            last_refusal: self.last_refusal.clone(),
        }
    }
}
