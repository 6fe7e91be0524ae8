//! Questions to nodes, each answered at most once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use consensus::NodeId;
use node::frames::{ClientFrame, ServerFrame};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::shared::Shared;

/// A node's answer; `None` if its connection was lost meanwhile.
type Reply = (NodeId, Option<ServerFrame>);

/// The questions under way, by id.
#[derive(Default)]
pub(crate) struct Questions(Mutex<HashMap<u64, (NodeId, mpsc::Sender<Reply>)>>);

impl Questions {
    /// Hands on an answer; `false` if nobody asked that of this node.
    pub(crate) fn answer(&self, node: NodeId, id: u64, frame: ServerFrame) -> bool {
        let mut questions = self.lock();
        if questions.get(&id).is_none_or(|(asked, _)| *asked != node) {
            return false;
        }
        if let Some((_, reply)) = questions.remove(&id) {
            // There is room for one answer to each question; whoever asked may have gone.
            let _ = reply.try_send((node, Some(frame)));
        }
        true
    }

    /// A node's connection was lost, and with it what was asked there.
    pub(crate) fn lost(&self, node: NodeId) {
        self.lock().retain(|_, (asked, reply)| {
            if *asked == node {
                let _ = reply.try_send((node, None));
            }
            *asked != node
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, (NodeId, mpsc::Sender<Reply>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers to come.
pub(crate) struct Asked {
    shared: Arc<Shared>,
    ids: Vec<u64>,
    replies: mpsc::Receiver<Reply>,
    expected: usize,
}

impl Asked {
    /// Asks these nodes; those that are away are left out.
    pub(crate) fn ask(
        shared: &Arc<Shared>,
        nodes: impl IntoIterator<Item = NodeId>,
        question: impl Fn(u64) -> ClientFrame,
    ) -> Self {
        let (reply, replies) = mpsc::channel(shared.links.len());
        let mut ids = Vec::new();
        for node in nodes {
            let Some(link) = shared.link(node) else {
                continue;
            };
            let id = shared.next_id();
            shared.questions.lock().insert(id, (node, reply.clone()));
            ids.push(id);
            if !link.post(question(id)) {
                shared.questions.lock().remove(&id);
                ids.pop();
            }
        }
        let expected = ids.len();
        Self {
            shared: Arc::clone(shared),
            ids,
            replies,
            expected,
        }
    }

    /// The next answer; `None` once all have come or the time is over.
    pub(crate) async fn next(&mut self, deadline: Instant) -> Option<(NodeId, ServerFrame)> {
        while self.expected > 0 {
            let (node, frame) = timeout_at(deadline, self.replies.recv()).await.ok()??;
            self.expected -= 1;
            if let Some(frame) = frame {
                return Some((node, frame));
            }
        }
        None
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut questions = self.shared.questions.lock();
        for id in &self.ids {
            questions.remove(id);
        }
    }
}
