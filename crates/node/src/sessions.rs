//! The connected clients: who watches what, who submitted what, and how to reach them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use consensus::RequestKey;
use transport::{Origin, SessionSender};

use crate::{
    complaint::Allowances,
    frames::{self, Id, OutcomeFrame, Refusal, ServerFrame},
    limits::{OUTCOME_FRAME_BYTES, REMEMBERED_SUBMITTERS, WATCHED_ACCOUNTS},
    outcomes::{EntryOutcomes, Found},
    recent::Recent,
};

/// A transaction that this node took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It has heard nothing of it since.
    Waits,
    /// The state after that index refuses it for ever. It may be the one that is executed there.
    Lost {
        /// The index.
        index: u64,
    },
}

/// The sessions of a node. Their number is bounded by the transport's admission.
pub(crate) struct Sessions {
    state: Mutex<State>,
    /// Who submitted what: the session, and its name for the request.
    submitted: Mutex<Recent<RequestKey, (u64, u64)>>,
    /// Ids of transactions that this node took.
    taken: Mutex<Recent<[u8; 32], Taken>>,
    complaints: Mutex<Allowances>,
}

#[derive(Default)]
struct State {
    next: u64,
    senders: HashMap<u64, SessionSender>,
    watchers: HashMap<[u8; 32], Vec<u64>>,
    watched: HashMap<u64, Vec<[u8; 32]>>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            submitted: Mutex::new(Recent::new(REMEMBERED_SUBMITTERS)),
            taken: Mutex::new(Recent::new(REMEMBERED_SUBMITTERS)),
            complaints: Mutex::default(),
        }
    }
}

impl Sessions {
    /// Takes up a session and names it.
    pub(crate) fn enter(&self, sender: SessionSender) -> u64 {
        let mut state = self.lock();
        let session = state.next;
        state.next += 1;
        state.senders.insert(session, sender);
        session
    }

    /// Forgets a session.
    pub(crate) fn leave(&self, session: u64) {
        let mut state = self.lock();
        state.senders.remove(&session);
        for account in state.watched.remove(&session).unwrap_or_default() {
            if let Some(watchers) = state.watchers.get_mut(&account) {
                watchers.retain(|&watcher| watcher != session);
                if watchers.is_empty() {
                    state.watchers.remove(&account);
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().senders.len()
    }

    /// Sends outcomes of these accounts to a session from now on; `false` if they are too many.
    pub(crate) fn watch(&self, session: u64, accounts: &[Id]) -> bool {
        let mut state = self.lock();
        if !state.senders.contains_key(&session) {
            return true;
        }
        let watched = state.watched.entry(session).or_default();
        if watched.len() + accounts.len() > WATCHED_ACCOUNTS {
            return false;
        }
        watched.extend(accounts.iter().map(|account| account.0));
        for account in accounts {
            let watchers = state.watchers.entry(account.0).or_default();
            if !watchers.contains(&session) {
                watchers.push(session);
            }
        }
        true
    }

    /// Notes who submitted requests.
    pub(crate) fn submitted(
        &self,
        session: u64,
        requests: impl IntoIterator<Item = (RequestKey, u64)>,
    ) {
        let mut submitted = self
            .submitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (key, id) in requests {
            submitted.insert(key, (session, id));
        }
    }

    /// Notes the ids of transactions that this node took.
    pub(crate) fn taken(&self, transactions: impl IntoIterator<Item = [u8; 32]>) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for transaction in transactions {
            taken.insert(transaction, Taken::Waits);
        }
    }

    /// Notes that a transaction that this node took is refused for ever, by the state after that
    /// index.
    pub(crate) fn lost(&self, transaction: [u8; 32], index: u64) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.get(&transaction).is_some() {
            taken.insert(transaction, Taken::Lost { index });
        }
    }

    /// What is known here of a transaction, if this node took it not long ago.
    pub(crate) fn known(&self, transaction: &[u8; 32]) -> Option<Taken> {
        self.taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(transaction)
            .copied()
    }

    /// Uses up one complaint of a client (P6.3).
    pub(crate) fn complain(&self, origin: Origin) -> Result<(), Duration> {
        let mut complaints = self
            .complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        complaints.take(origin, Instant::now())
    }

    /// Sends to one session, if it still exists. A client that does not read loses its session.
    pub(crate) fn send(&self, session: u64, frame: &ServerFrame) {
        let sender = self.lock().senders.get(&session).cloned();
        if let Some(sender) = sender {
            deliver(&sender, frame);
        }
    }

    /// Sends to all sessions.
    pub(crate) fn broadcast(&self, frame: &ServerFrame) {
        let senders: Vec<SessionSender> = self.lock().senders.values().cloned().collect();
        senders.iter().for_each(|sender| deliver(sender, frame));
    }

    /// Tells the submitter what became of its request, which was executed before.
    pub(crate) fn settled(&self, key: &RequestKey, entry: &EntryOutcomes, position: usize) {
        let submitter = self
            .submitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
        if let (Some((session, _)), Some(outcome)) = (submitter, entry.outcomes.get(position)) {
            let frame = ServerFrame::Outcomes {
                index: entry.index(),
                term: entry.term,
                outcomes: vec![outcome.into()],
            };
            self.send(session, &frame);
        }
    }

    /// Tells the submitter that the replica does not take its request.
    pub(crate) fn refused(&self, key: &RequestKey, refusal: &Refusal) {
        let submitter = self
            .submitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
        if let Some((session, id)) = submitter {
            self.send(
                session,
                &ServerFrame::Refused {
                    id,
                    refusal: refusal.clone(),
                },
            );
        }
    }

    /// Sends the outcomes of an entry to everyone who waits for them: one frame for each session,
    /// more only if it would be too large. What stands in `first`, by position, is answered with an
    /// earlier execution instead.
    pub(crate) fn publish(&self, entry: &EntryOutcomes, first: &BTreeMap<usize, Found>) {
        let mut by_session: BTreeMap<(u64, u64, u64), Vec<OutcomeFrame>> = BTreeMap::new();
        {
            let mut submitted = self
                .submitted
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let state = self.lock();
            for (position, outcome) in entry.outcomes.iter().enumerate() {
                let (index, term, outcome) = match first.get(&position) {
                    Some((entry, position)) => {
                        (entry.index(), entry.term, &entry.outcomes[*position])
                    }
                    None => (entry.index(), entry.term, outcome),
                };
                let submitter = submitted.remove(&outcome.key).map(|(session, _)| session);
                let watchers = state.watchers.get(&outcome.key.account);
                let watchers = watchers.map_or(&[][..], Vec::as_slice);
                for &session in watchers {
                    let frames = by_session.entry((session, index, term)).or_default();
                    frames.push(outcome.into());
                }
                if let Some(session) = submitter.filter(|session| !watchers.contains(session)) {
                    let frames = by_session.entry((session, index, term)).or_default();
                    frames.push(outcome.into());
                }
            }
        }
        for ((session, index, term), outcomes) in by_session {
            for outcomes in in_frames(outcomes) {
                let frame = ServerFrame::Outcomes {
                    index,
                    term,
                    outcomes,
                };
                self.send(session, &frame);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn deliver(sender: &SessionSender, frame: &ServerFrame) {
    match frames::encode(frame) {
        Ok(bytes) => {
            if let Err(error) = sender.send(bytes) {
                tracing::debug!(%error, "a client cannot be answered");
            }
        }
        Err(error) => tracing::error!(%error, "an answer does not fit a frame"),
    }
}

/// Splits outcomes so that each part fits a frame.
fn in_frames(outcomes: Vec<OutcomeFrame>) -> Vec<Vec<OutcomeFrame>> {
    let mut parts = Vec::new();
    let (mut part, mut bytes) = (Vec::new(), 0);
    for outcome in outcomes {
        let length = 100 + outcome.result.len();
        if bytes + length > OUTCOME_FRAME_BYTES && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += length;
        part.push(outcome);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Key;

    #[test]
    fn many_outcomes_are_split_and_none_is_lost() {
        let outcome = |nonce, bytes| OutcomeFrame {
            key: Key {
                account: [0; 32],
                nonce,
            },
            transaction: Id([0; 32]),
            result: vec![0; bytes],
        };
        let outcomes: Vec<_> = (0..5000).map(|nonce| outcome(nonce, 100)).collect();
        let parts = in_frames(outcomes.clone());
        assert!(parts.len() > 1);
        for part in &parts {
            let frame = ServerFrame::Outcomes {
                index: 1,
                term: 1,
                outcomes: part.clone(),
            };
            assert!(frames::encode(&frame).unwrap().len() < 2 * OUTCOME_FRAME_BYTES);
        }
        assert_eq!(parts.concat(), outcomes);
        assert_eq!(in_frames(vec![outcome(0, OUTCOME_FRAME_BYTES)]).len(), 1);
        assert!(in_frames(Vec::new()).is_empty());
    }
}
