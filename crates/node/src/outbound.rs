//! Messages on their way out: each waits for its write, is encoded once, and passes the behaviour
//! hook if there is one (P11.1).

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use bytes::Bytes;
use consensus::{Message, NodeId, Recipient, Signer, WriteId, message::Class as MessageClass};
use transport::{Class, Mesh};

use crate::{
    behaviour::{Behaviour, Context},
    shared::Shared,
};

/// Owned by the replica's thread.
pub(crate) struct Outbound {
    pub(crate) shared: Arc<Shared>,
    pub(crate) mesh: Mesh,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) behaviour: Option<Box<dyn Behaviour>>,
    durable: WriteId,
    /// At most as many as the replica has writes under way.
    waiting: BTreeMap<WriteId, Vec<(Recipient, Arc<Message>)>>,
}

impl Outbound {
    pub(crate) fn new(
        shared: Arc<Shared>,
        mesh: Mesh,
        signer: Arc<dyn Signer>,
        behaviour: Option<Box<dyn Behaviour>>,
    ) -> Self {
        let (durable, waiting) = (WriteId::default(), BTreeMap::new());
        Self {
            shared,
            mesh,
            signer,
            behaviour,
            durable,
            waiting,
        }
    }

    /// Sends once `after` is durable.
    pub(crate) fn send(&mut self, to: Recipient, message: Arc<Message>, after: Option<WriteId>) {
        match after {
            Some(write) if write > self.durable => {
                self.waiting.entry(write).or_default().push((to, message));
            }
            _ => self.release(to, &message),
        }
    }

    /// Releases what waited for writes up to this one.
    pub(crate) fn written(&mut self, write: WriteId) {
        self.durable = self.durable.max(write);
        while let Some(first) = self.waiting.first_entry() {
            if *first.key() > self.durable {
                return;
            }
            for (to, message) in first.remove() {
                self.release(to, &message);
            }
        }
    }

    /// Lets the behaviour say something of its own.
    pub(crate) fn tick(&mut self) {
        let context = context(&self.shared, &*self.signer);
        if let Some(behaviour) = &mut self.behaviour {
            for (to, message) in behaviour.tick(&context) {
                self.transmit(to, &message);
            }
        }
    }

    fn release(&mut self, to: Recipient, message: &Arc<Message>) {
        self.shared.observe(self.shared.me, message);
        let context = context(&self.shared, &*self.signer);
        let instead = self
            .behaviour
            .as_mut()
            .and_then(|behaviour| behaviour.outgoing(&context, to, message));
        match instead {
            None => self.transmit(to, message),
            Some(messages) => {
                for (to, message) in messages {
                    self.transmit(to, &message);
                }
            }
        }
    }

    fn transmit(&self, to: Recipient, message: &Message) {
        let class = match message.class() {
            MessageClass::Urgent => Class::Urgent,
            MessageClass::Bulk => Class::Bulk,
        };
        let frame = Bytes::from(message.to_bytes());
        let send = |node: NodeId| {
            self.shared
                .counters
                .sent
                .add(message.name(), 1, frame.len());
            // What is lost here is repeated by the protocol; the transport counts it.
            match self.mesh.send(node.position(), class, frame.clone()) {
                Err(dropped) => {
                    tracing::trace!(%node, kind = message.name(), %dropped, "message not sent");
                }
                Ok(()) if matches!(message, Message::Fetch(_)) => {
                    if let Some(conduct) = self.shared.conducts.of(node) {
                        conduct.asked.fetch_add(1, Relaxed);
                    }
                }
                Ok(()) => {}
            }
        };
        match to {
            Recipient::Node(node) => send(node),
            Recipient::Others => {
                let nodes = self.shared.configuration.sizes().nodes();
                nodes.filter(|&node| node != self.shared.me).for_each(send);
            }
        }
    }
}

/// What a behaviour may know now.
pub(crate) fn context<'a>(shared: &'a Shared, signer: &'a dyn Signer) -> Context<'a> {
    Context {
        configuration: &shared.configuration,
        me: shared.me,
        signer,
        now: shared.clock.now(),
    }
}
