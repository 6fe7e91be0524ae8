//! What may happen.

use std::sync::Arc;

use consensus::{Message, NodeId, Request, RequestKey, Term, Verified};

use crate::{
    fault::Fault,
    plan::{Act, RequestPlan},
    seat::Seat,
};

/// A judged message on its way, shared by all its receivers.
#[derive(Clone)]
pub enum Parcel {
    /// For the replica.
    Message(Arc<Verified<Message>>),
    /// Requests that were judged one by one.
    Relayed(Arc<Relayed>),
}

/// The valid requests of a relay.
pub struct Relayed {
    /// The message as it came.
    pub message: Message,
    /// See [`Relay::complained`].
    pub complained: bool,
    /// The requests.
    pub requests: Vec<Request>,
}

impl Parcel {
    /// The message in it.
    #[must_use]
    pub fn message(&self) -> &Message {
        match self {
            Self::Message(verified) => verified,
            Self::Relayed(relayed) => &relayed.message,
        }
    }
}

/// Something that is going to happen.
pub enum Happening {
    /// A message arrives.
    Deliver {
        /// From whom.
        from: NodeId,
        /// To whom.
        to: Seat,
        /// What.
        parcel: Parcel,
    },
    /// A node's sync ends, unless it crashed meanwhile.
    Synced {
        /// Whose.
        seat: Seat,
        /// Of which life.
        life: u32,
    },
    /// A node's deadline may have passed.
    Timer {
        /// Whose.
        seat: Seat,
    },
    /// A Byzantine node gets to act unasked.
    Tick {
        /// Who.
        node: NodeId,
    },
    /// A Byzantine node sends something that it held back.
    Emit {
        /// Who.
        from: NodeId,
        /// To whom.
        to: NodeId,
        /// What.
        message: Arc<Message>,
    },
    /// A client asks for something new.
    Ask,
    /// A client looks whether it was answered.
    AskAgain(RequestKey),
    /// Something breaks.
    Fault(Fault),
    /// Something breaks that a plan says.
    Act(Act),
    /// A term had a leader for a while: everybody should follow it.
    Elected(Term),
    /// A client asks for what a plan says.
    Request(RequestPlan),
}

impl Happening {
    /// The node that it happens to.
    #[must_use]
    pub const fn node(&self) -> Option<NodeId> {
        match self {
            Self::Deliver { to: seat, .. } | Self::Synced { seat, .. } | Self::Timer { seat } => {
                Some(seat.node())
            }
            Self::Tick { node } | Self::Emit { from: node, .. } => Some(*node),
            Self::Ask
            | Self::AskAgain(_)
            | Self::Fault(_)
            | Self::Act(_)
            | Self::Elected(_)
            | Self::Request(_) => None,
        }
    }

    /// Whether it does what a plan says by acts and requests. All else happens whether things are
    /// drawn or planned.
    #[must_use]
    pub fn is_decision(&self) -> bool {
        match self {
            Self::Ask | Self::Act(_) | Self::Request(_) => true,
            Self::Fault(fault) => !fault.is_end(),
            _ => false,
        }
    }
}
