//! What the other validators send: judged on all cores, handed on in the order of arrival.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
};

use bytes::Bytes;
use consensus::{
    Event, Message, NodeId, PublicKey, Request, message::Relay, verification::Refused,
};
use rayon::prelude::*;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use transport::{Class, FrameReceiver, PeerConnection};

use crate::{
    limits::{INLINE_BYTES, PEER_INBOX_KIB},
    mailbox::{Input, Item, Urgency},
    shared::Shared,
};

/// What one peer may have in verification and before the replica, over all its connections.
pub(crate) struct Inbox {
    urgent: Arc<Semaphore>,
    bulk: Arc<Semaphore>,
}

impl Default for Inbox {
    fn default() -> Self {
        let fresh = || Arc::new(Semaphore::new(PEER_INBOX_KIB));
        Self {
            urgent: fresh(),
            bulk: fresh(),
        }
    }
}

/// Takes in what a validator's connection brings, until it ends.
pub(crate) fn take_in(shared: &Arc<Shared>, connection: PeerConnection) {
    let Some(from) = shared.configuration.node(&PublicKey(connection.key)) else {
        return;
    };
    let PeerConnection { urgent, bulk, .. } = connection;
    tokio::spawn(receive(Arc::clone(shared), from, Class::Urgent, urgent));
    tokio::spawn(receive(Arc::clone(shared), from, Class::Bulk, bulk));
}

async fn receive(shared: Arc<Shared>, from: NodeId, class: Class, mut receiver: FrameReceiver) {
    let Some(inbox) = shared.inboxes.get(from.position()) else {
        return;
    };
    let (inbox, urgency) = match class {
        Class::Urgent => (Arc::clone(&inbox.urgent), Urgency::Urgent),
        Class::Bulk => (Arc::clone(&inbox.bulk), Urgency::Bulk),
    };
    let lane = Arc::new(Lane::default());
    for sequence in 0.. {
        let frame = match receiver.recv().await {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(error) => {
                tracing::debug!(%from, ?class, %error, "a validator's stream ended");
                break;
            }
        };
        let kib = 1 + frame.len() / 1024;
        let kib = u32::try_from(kib.min(PEER_INBOX_KIB)).unwrap_or(1);
        // Until there is room nothing more is read: the peer is slowed down, nobody else.
        let Ok(permit) = Arc::clone(&inbox).acquire_many_owned(kib).await else {
            break;
        };
        let (task_shared, lane) = (Arc::clone(&shared), Arc::clone(&lane));
        let inline = frame.len() <= INLINE_BYTES;
        let judge = move || {
            let item = judge(&task_shared, from, &frame, permit);
            lane.finish(sequence, item, |items| {
                task_shared.mailbox.push(urgency, items)
            });
        };
        match class {
            _ if inline => judge(),
            Class::Urgent => shared.pool.spawn(judge),
            Class::Bulk => shared.bulk_judge.judge(from, Box::new(judge)),
        }
    }
}

/// Decodes and verifies; what is refused is counted and otherwise forgotten.
fn judge(
    shared: &Shared,
    from: NodeId,
    frame: &Bytes,
    permit: OwnedSemaphorePermit,
) -> Option<Item> {
    let event = match verified(shared, from, frame) {
        Ok(event) => event?,
        Err(refused) => {
            shared.counters.refused.add(1);
            if let Some(conduct) = shared.conducts.of(from) {
                conduct.refused.fetch_add(1, Relaxed);
            }
            tracing::debug!(%from, %refused, "message refused");
            return None;
        }
    };
    Some(Item {
        input: Input::Event(Box::new(event)),
        _permit: Some(permit),
    })
}

fn verified(shared: &Shared, from: NodeId, frame: &[u8]) -> Result<Option<Event>, Refused> {
    let message = shared.verification.message(from, frame)?;
    shared.counters.received.add(message.name(), 1, frame.len());
    shared.observe(from, &message);
    if let Message::Relay(relay) = &*message {
        return Ok(relayed(shared, from, &relay.body));
    }
    Ok(Some(Event::Message(message)))
}

/// The valid requests of a relay, judged on all cores.
fn relayed(shared: &Shared, from: NodeId, relay: &Relay) -> Option<Event> {
    // What the state refuses is not worth the check of its signature. The replica's thread asks once
    // more, as entries may be executed meanwhile.
    let judge = |payload: &Arc<[u8]>| {
        shared.hosted.admit(payload).ok()?;
        shared.verification.request(Arc::clone(payload)).ok()
    };
    let requests: Vec<Request> = match relay.requests.as_slice() {
        few if few.len() < 4 => few.iter().filter_map(judge).collect(),
        many => shared
            .pool
            .install(|| many.par_iter().filter_map(judge).collect()),
    };
    shared
        .counters
        .refused
        .add(relay.requests.len() - requests.len());
    let complained = relay.complained;
    (!requests.is_empty()).then_some(Event::Relayed {
        from,
        complained,
        requests,
    })
}

/// Puts what several threads finish back into order. Bounded by the permits that items hold.
#[derive(Default)]
pub(crate) struct Lane(Mutex<Ordering>);

#[derive(Default)]
struct Ordering {
    next: u64,
    finished: BTreeMap<u64, Option<Item>>,
}

impl Lane {
    /// Notes that number `sequence` is finished and delivers all that is now in order.
    fn finish(&self, sequence: u64, item: Option<Item>, deliver: impl FnOnce(Vec<Item>)) {
        let mut ordering = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ordering.finished.insert(sequence, item);
        let mut items = Vec::new();
        loop {
            let next = ordering.next;
            let Some(item) = ordering.finished.remove(&next) else {
                break;
            };
            ordering.next += 1;
            items.extend(item);
        }
        // Under the lock, or a later delivery could overtake this one.
        if !items.is_empty() {
            deliver(items);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_delivers_in_order_and_skips_what_was_refused() {
        let lane = Lane::default();
        let mut delivered = Vec::new();
        let mut finish = |sequence: u64, valid: bool| {
            let item = valid.then(|| {
                Input::Read {
                    session: 0,
                    id: sequence,
                }
                .into()
            });
            lane.finish(sequence, item, |items| {
                delivered.extend(items.into_iter().map(|item| match item.input {
                    Input::Read { id, .. } => id,
                    _ => unreachable!("only reads are put in"),
                }));
            });
        };
        for (sequence, valid) in [(2, true), (1, false), (4, true), (0, true), (3, true)] {
            finish(sequence, valid);
        }
        assert_eq!(delivered, [0, 2, 3, 4]);
    }
}
