//! What a Byzantine node has at hand: its own key, chance, its accomplices, and the network.

use std::sync::Arc;

use consensus::{
    Configuration, Entry, EntryHeader, Message, NodeId, Refused, Request, Setup, SignedHeader,
    Time, Verification, Verified,
    event::Recipient,
    merkle,
    signed::{Body, Signed},
};

use super::Coalition;
use crate::random::Random;

/// A message that a Byzantine node decided to send.
pub struct Outgoing {
    /// To whom.
    pub to: NodeId,
    /// How much later.
    pub delay: Time,
    /// What.
    pub message: Arc<Message>,
}

/// See the module.
pub struct Tools<'a> {
    setup: &'a Setup,
    /// Chance.
    pub random: &'a mut Random,
    /// What all Byzantine nodes know together.
    pub coalition: &'a mut Coalition,
    /// Simulated time.
    pub now: Time,
    verification: &'a Verification,
    outgoing: Vec<Outgoing>,
}

impl<'a> Tools<'a> {
    pub(super) const fn new(
        setup: &'a Setup,
        random: &'a mut Random,
        coalition: &'a mut Coalition,
        verification: &'a Verification,
        now: Time,
    ) -> Self {
        Self {
            setup,
            verification,
            random,
            coalition,
            now,
            outgoing: Vec::new(),
        }
    }

    pub(super) fn into_outgoing(self) -> Vec<Outgoing> {
        self.outgoing
    }

    /// How many messages are on their way out.
    pub(super) const fn sent(&self) -> usize {
        self.outgoing.len()
    }

    /// Takes back what was sent since then.
    pub(super) fn take_since(&mut self, sent: usize) -> Vec<Outgoing> {
        self.outgoing.split_off(sent)
    }

    /// What was sent since then leaves so much later.
    pub(super) fn delay_since(&mut self, sent: usize, delay: Time) {
        for outgoing in &mut self.outgoing[sent..] {
            outgoing.delay = outgoing.delay.after(delay);
        }
    }

    /// What its replica was made with.
    #[must_use]
    pub const fn setup(&self) -> &'a Setup {
        self.setup
    }

    /// Judges a message as its receiver does.
    ///
    /// # Errors
    /// [`Refused`], as for anybody.
    pub fn verified(&self, from: NodeId, message: &Message) -> Result<Verified<Message>, Refused> {
        self.verification.decoded_message(from, message.clone())
    }

    /// The valid requests of a relay.
    #[must_use]
    pub fn requests(&self, payloads: &[Arc<[u8]>]) -> Vec<Request> {
        self.verification.relayed(payloads)
    }

    /// The node itself.
    #[must_use]
    pub const fn me(&self) -> NodeId {
        self.setup.me
    }

    /// The configuration.
    #[must_use]
    pub fn configuration(&self) -> &'a Configuration {
        &self.setup.configuration
    }

    /// The other nodes.
    #[must_use]
    pub fn peers(&self) -> Vec<NodeId> {
        let me = self.me();
        let nodes = self.configuration().sizes().nodes();
        nodes.filter(|&node| node != me).collect()
    }

    /// One of the other nodes.
    pub fn some_peer(&mut self) -> NodeId {
        let peers = self.peers();
        *self.random.pick(&peers).expect("a network has other nodes")
    }

    /// The nodes that a recipient stands for.
    #[must_use]
    pub fn recipients(&self, to: Recipient) -> Vec<NodeId> {
        match to {
            Recipient::Node(node) => vec![node],
            Recipient::Others => self.peers(),
        }
    }

    /// Sends a message as it is.
    pub fn pass(&mut self, to: Recipient, message: &Arc<Message>) {
        for node in self.recipients(to) {
            self.send(node, Arc::clone(message));
        }
    }

    /// Sends a message.
    pub fn send(&mut self, to: NodeId, message: Arc<Message>) {
        self.send_later(to, message, Time(0));
    }

    /// Sends a message after a while.
    pub fn send_later(&mut self, to: NodeId, message: Arc<Message>, delay: Time) {
        self.outgoing.push(Outgoing { to, delay, message });
    }

    /// Signs a statement with the node's own key.
    #[must_use]
    pub fn sign<T: Body>(&self, body: T) -> Arc<Message>
    where
        Message: From<Signed<T>>,
    {
        Arc::new(Message::from(self.signed(body)))
    }

    /// As [`Tools::sign`], before it becomes a message.
    #[must_use]
    pub fn signed<T: Body>(&self, body: T) -> Signed<T> {
        Signed::new(self.configuration(), self.me(), &*self.setup.signer, body)
    }

    /// An entry of this node's own making: `header` with the root and count of `payloads`, signed.
    #[must_use]
    pub fn entry(&self, header: EntryHeader, payloads: Vec<Arc<[u8]>>) -> Arc<Entry> {
        let configuration = self.configuration();
        let header = EntryHeader {
            author: self.me(),
            body_root: merkle::root(&payloads),
            count: u32::try_from(payloads.len()).expect("few payloads"),
            ..header
        };
        let hash = header.hash(configuration);
        let digest = EntryHeader::signing_digest(configuration, header.epoch, &hash);
        let signature = self.setup.signer.sign(&digest);
        let signed = SignedHeader { header, signature };
        Arc::new(Entry::new(configuration, signed, payloads))
    }
}
