//! What a traitor has at hand: its own key, and the messages it was about to send.

use std::sync::Arc;

use consensus::{
    Entry, EntryHeader, Message, NodeId, Recipient, SignedHeader, merkle,
    signed::{Body, Signed},
};
use node::Context;

/// Messages in place of one, each with its receiver.
pub type Instead = Vec<(Recipient, Arc<Message>)>;

/// The other nodes.
pub fn peers(context: &Context<'_>) -> impl Iterator<Item = NodeId> {
    let me = context.me;
    let nodes = context.configuration.sizes().nodes();
    nodes.filter(move |&node| node != me)
}

/// The nodes that a recipient stands for.
pub fn recipients(context: &Context<'_>, to: Recipient) -> Vec<NodeId> {
    match to {
        Recipient::Node(node) => vec![node],
        Recipient::Others => peers(context).collect(),
    }
}

/// Whether a node is among those that are shown something else: the next ones in order after the
/// traitor, as many as the network can spare, at least one.
pub fn is_victim(context: &Context<'_>, node: NodeId) -> bool {
    let count = context.configuration.sizes().validators();
    let victims = ((count - 1) / 3).max(1);
    let distance = (node.position() + count - context.me.position()) % count;
    (1..=victims).contains(&distance)
}

/// Signs a statement with the traitor's own key.
pub fn sign<T: Body>(context: &Context<'_>, body: T) -> Arc<Message>
where
    Message: From<Signed<T>>,
{
    let signed = Signed::new(context.configuration, context.me, context.signer, body);
    Arc::new(Message::from(signed))
}

/// An entry of the traitor's own making: `header` with the root and count of `payloads`, signed if
/// the mode signs.
pub fn entry(
    context: &Context<'_>,
    header: EntryHeader,
    payloads: Vec<Arc<[u8]>>,
) -> Option<Arc<Entry>> {
    let configuration = context.configuration;
    let header = EntryHeader {
        body_root: merkle::root(&payloads),
        count: u32::try_from(payloads.len()).ok()?,
        ..header
    };
    let signature = if configuration.mode().signs() {
        let hash = header.hash(configuration);
        let digest = EntryHeader::signing_digest(configuration, header.epoch, &hash);
        context.signer.sign(&digest)
    } else {
        consensus::Signature::NONE
    };
    let signed = SignedHeader { header, signature };
    Some(Arc::new(Entry::new(configuration, signed, payloads)))
}
