//! Places in the network. A node has one; a node with a twin has two.

use std::fmt;

use consensus::NodeId;

/// A running copy of a node. Copies share name and key, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    node: NodeId,
    position: usize,
}

impl Seat {
    /// The seat at `position` of the second copy of a node.
    #[must_use]
    pub const fn of_twin(node: NodeId, position: usize) -> Self {
        Self { node, position }
    }

    /// Who sits there.
    #[must_use]
    pub const fn node(self) -> NodeId {
        self.node
    }

    /// Its place among all seats: first those of all nodes in order, then those of twins.
    #[must_use]
    pub const fn position(self) -> usize {
        self.position
    }
}

/// The seat of a node's first copy.
impl From<NodeId> for Seat {
    fn from(node: NodeId) -> Self {
        Self {
            node,
            position: node.position(),
        }
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.position == self.node.position() {
            ""
        } else {
            "'"
        };
        write!(f, "{}{mark}", self.node)
    }
}
