//! The connection to one node: kept up in the background, dialled again when lost.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use consensus::NodeId;
use node::frames::{self, ClientFrame, MAX_SUBMISSIONS, ServerFrame, Submission};
use tokio::{sync::mpsc, time::sleep};
use transport::{ClientEndpoint, ClientSender, FrameReceiver, PeerKey};

use crate::{error::Cause, shared::Shared};

/// Frames and submissions that wait for one node.
const OUTGOING: usize = 16_384;
/// Submissions in one frame: enough to make few of them, and within a frame's size.
const SUBMISSIONS: usize = 256;
const FRAME_BYTES: usize = 512 * 1024;
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    Connecting,
    Up,
    Down(String, Cause),
}

enum Outgoing {
    Submission(Submission),
    Frame(Box<ClientFrame>),
}

/// One node as the client sees it.
pub(crate) struct Link {
    pub(crate) node: NodeId,
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    key: PeerKey,
    state: Mutex<LinkState>,
    outgoing: mpsc::Sender<Outgoing>,
    waiting: Mutex<Option<mpsc::Receiver<Outgoing>>>,
}

impl Link {
    pub(crate) fn new(node: NodeId, name: String, address: SocketAddr, key: PeerKey) -> Self {
        let (outgoing, waiting) = mpsc::channel(OUTGOING);
        Self {
            node,
            name,
            address,
            key,
            state: Mutex::new(LinkState::Connecting),
            outgoing,
            waiting: Mutex::new(Some(waiting)),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        *self.state() == LinkState::Up
    }

    /// Whether the first attempt to connect is over.
    pub(crate) fn is_settled(&self) -> bool {
        *self.state() != LinkState::Connecting
    }

    /// Why nothing can be sent, if that is so.
    pub(crate) fn problem(&self) -> Option<(String, Cause)> {
        match &*self.state() {
            LinkState::Up => None,
            LinkState::Connecting => Some(("no answer yet".to_owned(), Cause::Unheard)),
            LinkState::Down(reason, cause) => Some((reason.clone(), *cause)),
        }
    }

    pub(crate) fn set_state(&self, state: LinkState) {
        *self.state() = state;
    }

    /// Queues a request; `false` if the node is away or too much waits. It is repeated later.
    pub(crate) fn submit(&self, submission: Submission) -> bool {
        self.is_up()
            && self
                .outgoing
                .try_send(Outgoing::Submission(submission))
                .is_ok()
    }

    /// Queues a frame, likewise.
    pub(crate) fn post(&self, frame: ClientFrame) -> bool {
        self.is_up()
            && self
                .outgoing
                .try_send(Outgoing::Frame(Box::new(frame)))
                .is_ok()
    }

    fn state(&self) -> MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a link up until the client is dropped.
pub(crate) async fn run(shared: Weak<Shared>, endpoint: Arc<ClientEndpoint>, node: NodeId) {
    let Some((address, key, mut waiting)) = shared.upgrade().and_then(|shared| {
        let link = shared.link(node)?;
        let waiting = link
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        Some((link.address, link.key, waiting))
    }) else {
        return;
    };
    let mut wait = FIRST_WAIT;
    loop {
        let (ended, cause) = match endpoint.connect(address, key).await {
            Ok(connection) => {
                wait = FIRST_WAIT;
                let (sender, receiver) = connection.split();
                let ended = serve(&shared, node, &sender, receiver, &mut waiting).await;
                (ended, Cause::Lost)
            }
            Err(error) => (error.to_string(), Cause::from(&error)),
        };
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.link_changed(node, LinkState::Down(ended, cause));
        drop(shared);
        // What was meant for the lost connection is repeated by whoever wants it.
        while waiting.try_recv().is_ok() {}
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Reads and writes until the connection ends, and says how it did.
async fn serve(
    shared: &Weak<Shared>,
    node: NodeId,
    sender: &ClientSender,
    mut receiver: FrameReceiver,
    waiting: &mut mpsc::Receiver<Outgoing>,
) -> String {
    let Some(strong) = shared.upgrade() else {
        return String::new();
    };
    let watch = strong.watched();
    if !watch.is_empty()
        && let Err(error) = send(sender, &ClientFrame::Watch(watch)).await
    {
        return error;
    }
    strong.link_changed(node, LinkState::Up);
    drop(strong);
    let reading = async {
        loop {
            let bytes = match receiver.recv().await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return "the node ended the connection".to_owned(),
                Err(error) => return error.to_string(),
            };
            let frame = match ServerFrame::decode(&bytes) {
                Ok(frame) => frame,
                Err(error) => return format!("the node sent what is no frame: {error}"),
            };
            let Some(shared) = shared.upgrade() else {
                return String::new();
            };
            shared.dispatch(node, frame);
        }
    };
    tokio::select! {
        ended = reading => ended,
        ended = write(sender, waiting) => ended,
    }
}

async fn write(sender: &ClientSender, waiting: &mut mpsc::Receiver<Outgoing>) -> String {
    let mut batch = Vec::with_capacity(SUBMISSIONS);
    loop {
        if waiting.recv_many(&mut batch, SUBMISSIONS).await == 0 {
            return "the client was closed".to_owned();
        }
        for frame in packed(batch.drain(..)) {
            if let Err(error) = send(sender, &frame).await {
                return error;
            }
        }
    }
}

/// Puts neighbouring submissions into one frame, keeping the order.
fn packed(batch: impl Iterator<Item = Outgoing>) -> Vec<ClientFrame> {
    let mut frames = Vec::new();
    let (mut submissions, mut bytes) = (Vec::new(), 0);
    for outgoing in batch {
        let (submission, frame) = match outgoing {
            Outgoing::Submission(submission) => (Some(submission), None),
            Outgoing::Frame(frame) => (None, Some(frame)),
        };
        let length = submission
            .as_ref()
            .map_or(0, |submission| submission.payload.len());
        let full = submissions.len() == MAX_SUBMISSIONS || bytes + length > FRAME_BYTES;
        if (frame.is_some() || full) && !submissions.is_empty() {
            frames.push(ClientFrame::Submit(std::mem::take(&mut submissions)));
            bytes = 0;
        }
        bytes += length;
        submissions.extend(submission);
        frames.extend(frame.map(|frame| *frame));
    }
    if !submissions.is_empty() {
        frames.push(ClientFrame::Submit(submissions));
    }
    frames
}

async fn send(sender: &ClientSender, frame: &ClientFrame) -> Result<(), String> {
    match frames::encode(frame) {
        Ok(bytes) => sender.send(bytes).await.map_err(|error| error.to_string()),
        Err(error) => {
            // Only this frame is lost; its sender sees no answer.
            tracing::error!(%error, "a frame is not sent");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submissions_are_packed_and_keep_their_place_among_frames() {
        let submission = |id, bytes| {
            Outgoing::Submission(Submission {
                id,
                payload: vec![0; bytes],
            })
        };
        let status = |id| Outgoing::Frame(Box::new(ClientFrame::Status { id }));
        let batch = [
            submission(1, 10),
            submission(2, 10),
            status(3),
            submission(4, FRAME_BYTES),
            submission(5, 1),
            status(6),
        ];
        let shape: Vec<Vec<u64>> = packed(batch.into_iter())
            .iter()
            .map(|frame| match frame {
                ClientFrame::Submit(submissions) => submissions.iter().map(|one| one.id).collect(),
                ClientFrame::Status { id } => vec![*id],
                other => unreachable!("{other:?} was not put in"),
            })
            .collect();
        assert_eq!(shape, [vec![1, 2], vec![3], vec![4], vec![5], vec![6]]);
    }
}
