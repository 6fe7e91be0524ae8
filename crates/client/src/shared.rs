//! What a client's tasks share.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use consensus::{Configuration, NodeId};
use keys::KeyPair;
use node::{
    Complaint,
    frames::{ClientFrame, Id, ServerFrame, Submission},
    limits::WATCHED_ACCOUNTS,
};
use tokio::{
    sync::watch,
    time::{Duration, Instant, timeout_at},
};

use crate::{
    error::{ClientError, Unreachable},
    link::{Link, LinkState},
    questions::Questions,
    requests::{Done, Requests, Step},
    view::Views,
};

/// Shared by the client's handles and its tasks.
pub(crate) struct Shared {
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) key: KeyPair,
    pub(crate) links: Vec<Link>,
    /// Counts changes of links, so that whoever waits for one looks again.
    pub(crate) changes: watch::Sender<u64>,
    pub(crate) questions: Questions,
    views: Mutex<Views>,
    requests: Mutex<Requests>,
    watched: Mutex<Watched>,
    next_id: AtomicU64,
}

#[derive(Default)]
struct Watched {
    known: HashSet<[u8; 32]>,
    order: Vec<Id>,
}

impl Shared {
    pub(crate) fn new(configuration: Arc<Configuration>, key: KeyPair, links: Vec<Link>) -> Self {
        let nodes = links.len();
        Self {
            configuration,
            key,
            links,
            changes: watch::Sender::new(0),
            questions: Questions::default(),
            views: Mutex::new(Views::new(nodes)),
            requests: Mutex::default(),
            watched: Mutex::default(),
            next_id: AtomicU64::new(1),
        }
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Relaxed)
    }

    pub(crate) fn matching(&self) -> usize {
        self.configuration.sizes().matching_answers()
    }

    pub(crate) fn requests(&self) -> MutexGuard<'_, Requests> {
        // Nothing in there panics halfway through a change.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn views(&self) -> MutexGuard<'_, Views> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.views().leader()
    }

    pub(crate) fn link(&self, node: NodeId) -> Option<&Link> {
        self.links.get(node.position())
    }

    pub(crate) fn reachable(&self) -> usize {
        self.links.iter().filter(|link| link.is_up()).count()
    }

    /// The error for too few connected nodes.
    pub(crate) fn no_quorum(&self, needed: usize) -> ClientError {
        let unreachable = self.links.iter().filter_map(|link| {
            let (reason, cause) = link.problem()?;
            Some(Unreachable {
                node: link.node,
                name: link.name.clone(),
                reason,
                cause,
            })
        });
        ClientError::NoQuorum {
            reachable: self.reachable(),
            needed,
            unreachable: unreachable.collect(),
        }
    }

    /// Adds accounts to those whose outcomes every node sends.
    pub(crate) fn watch(&self, accounts: &[[u8; 32]]) {
        let fresh: Vec<Id> = {
            let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            let room = WATCHED_ACCOUNTS.saturating_sub(watched.order.len());
            let unknown = accounts
                .iter()
                .filter(|account| !watched.known.contains(*account));
            let fresh: Vec<Id> = unknown.take(room).copied().map(Id).collect();
            watched.known.extend(fresh.iter().map(|account| account.0));
            watched.order.extend(&fresh);
            fresh
        };
        if !fresh.is_empty() {
            for link in &self.links {
                link.post(ClientFrame::Watch(fresh.clone()));
            }
        }
    }

    pub(crate) fn watched(&self) -> Vec<Id> {
        self.watched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .order
            .clone()
    }

    /// Waits until a link changes that makes `enough` true, at most until `deadline`.
    pub(crate) async fn wait_for_links(&self, deadline: Instant, enough: impl Fn(&Self) -> bool) {
        let mut changes = self.changes.subscribe();
        while !enough(self) {
            match timeout_at(deadline, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }

    /// Waits a little, so that a first request finds nodes to go to.
    pub(crate) async fn settle(&self, longest: Duration) {
        let deadline = Instant::now() + longest;
        let wanted = self.matching();
        self.wait_for_links(deadline, |shared| {
            let leader_is_up = shared
                .leader()
                .and_then(|leader| shared.link(leader))
                .is_some_and(Link::is_up);
            leader_is_up && shared.reachable() >= wanted
        })
        .await;
    }

    /// A link came up, or went down.
    pub(crate) fn link_changed(&self, node: NodeId, state: LinkState) {
        let up = state == LinkState::Up;
        if let Some(link) = self.link(node) {
            link.set_state(state);
        }
        if up {
            let submissions = self.requests().eager();
            for (id, request) in submissions {
                self.submit_to(node, id, &request.payload);
            }
        } else {
            self.views().forget(node);
            self.questions.lost(node);
        }
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Takes in what a node said.
    pub(crate) fn dispatch(&self, node: NodeId, frame: ServerFrame) {
        match frame {
            ServerFrame::Leader { term, leader } => {
                self.views().set(node, term, leader);
                self.changes.send_modify(|changes| *changes += 1);
            }
            ServerFrame::Outcomes {
                index,
                term,
                outcomes,
            } => {
                let done = self.requests().outcomes(node, (index, term), outcomes);
                done.into_iter().for_each(Done::tell);
            }
            ServerFrame::Refused { id, refusal } => {
                if let node::frames::Refusal::StaleTerm { term, leader } = refusal {
                    self.views().set(node, term, leader);
                }
                let frame = ServerFrame::Refused {
                    id,
                    refusal: refusal.clone(),
                };
                if !self.questions.answer(node, id, frame) {
                    let done = self.requests().refused(node, id, &refusal, Instant::now());
                    if let Some(done) = done {
                        done.tell();
                    }
                }
            }
            other => {
                if let Some(id) = other.id() {
                    self.questions.answer(node, id, other);
                }
            }
        }
    }

    pub(crate) fn submit_to(&self, node: NodeId, id: u64, payload: &[u8]) {
        if let Some(link) = self.link(node) {
            link.submit(Submission {
                id,
                payload: payload.to_vec(),
            });
        }
    }

    /// Does what a request needs next.
    pub(crate) fn step(&self, step: &Step) {
        let leader = self
            .leader()
            .filter(|&leader| !step.to_all && self.link(leader).is_some_and(Link::is_up));
        match leader {
            Some(leader) => self.submit_to(leader, step.id, &step.request.payload),
            None => {
                for link in &self.links {
                    self.submit_to(link.node, step.id, &step.request.payload);
                }
            }
        }
        if step.complain {
            self.complain(step);
        }
    }

    /// Complains to every node about the leader that it names (P6.2).
    fn complain(&self, step: &Step) {
        for link in &self.links {
            let Some((term, leader)) = self.views().of(link.node) else {
                continue;
            };
            let complaint = Complaint {
                term: consensus::Term(term),
                leader,
                key: step.request.key,
            };
            let signature = complaint.sign(&self.configuration, self.key.signing_key());
            link.post(ClientFrame::Complain {
                id: step.id,
                term,
                leader: leader.0,
                signature: signature.0,
                payload: step.request.payload.clone(),
            });
        }
    }
}
