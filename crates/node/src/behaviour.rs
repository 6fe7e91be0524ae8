//! A hook through which a node may be made to misbehave, for tests and demonstrations.
//!
//! This crate holds the hook and no misbehaviour: a node without a [`Behaviour`] takes the direct
//! path.

use std::sync::Arc;

use consensus::{Configuration, Message, NodeId, Now, Recipient, Request, Signer};

/// What a behaviour may know and use: the node's own identity, never another's.
pub struct Context<'a> {
    /// The validators.
    pub configuration: &'a Configuration,
    /// This node.
    pub me: NodeId,
    /// This node's key, for signing what it forges in its own name.
    pub signer: &'a dyn Signer,
    /// The time.
    pub now: Now,
}

/// What to do with something that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Handle it as usual.
    Allow,
    /// Pretend that it never came.
    Drop,
}

/// Changes what a node says and hears. Called on the replica's thread: it must be quick.
pub trait Behaviour: Send {
    /// The name for people and JSON.
    fn name(&self) -> &'static str;

    /// A message is about to leave, its write durable. Returns what leaves in its place; `None`
    /// lets it pass unchanged.
    fn outgoing(
        &mut self,
        context: &Context<'_>,
        to: Recipient,
        message: &Arc<Message>,
    ) -> Option<Vec<(Recipient, Arc<Message>)>> {
        let _ = (context, to, message);
        None
    }

    /// A verified message arrived.
    fn incoming(&mut self, context: &Context<'_>, from: NodeId, message: &Message) -> Verdict {
        let _ = (context, from, message);
        Verdict::Allow
    }

    /// A valid request arrived, from a client, by complaint or by relay.
    fn request(&mut self, context: &Context<'_>, request: &Request) -> Verdict {
        let _ = (context, request);
        Verdict::Allow
    }

    /// Called several times a second, whatever else happens. Returns what to send.
    fn tick(&mut self, context: &Context<'_>) -> Vec<(Recipient, Arc<Message>)> {
        let _ = context;
        Vec::new()
    }
}
