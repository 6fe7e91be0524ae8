//! Who is believed to lead.

use consensus::NodeId;

/// What each node said last about term and leader.
#[derive(Clone, Debug)]
pub(crate) struct Views {
    of_node: Vec<Option<(u64, Option<NodeId>)>>,
}

impl Views {
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            of_node: vec![None; nodes],
        }
    }

    pub(crate) fn set(&mut self, node: NodeId, term: u64, leader: Option<u16>) {
        let leader = leader
            .map(NodeId)
            .filter(|leader| leader.position() < self.of_node.len());
        if let Some(view) = self.of_node.get_mut(node.position()) {
            *view = Some((term, leader));
        }
    }

    pub(crate) fn forget(&mut self, node: NodeId) {
        if let Some(view) = self.of_node.get_mut(node.position()) {
            *view = None;
        }
    }

    /// What one node says.
    pub(crate) fn of(&self, node: NodeId) -> Option<(u64, NodeId)> {
        let (term, leader) = (*self.of_node.get(node.position())?)?;
        Some((term, leader?))
    }

    /// The leader that most nodes name, of the highest term among equals. A wrong belief costs a
    /// resend, nothing else.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        let named = || {
            self.of_node
                .iter()
                .flatten()
                .filter_map(|(term, leader)| Some((*term, (*leader)?)))
        };
        named()
            .max_by_key(|view| (named().filter(|other| other == view).count(), view.0))
            .map(|(_, leader)| leader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_names_the_leader_and_the_later_term_breaks_ties() {
        let mut views = Views::new(4);
        assert_eq!(views.leader(), None);
        views.set(NodeId(0), 3, Some(1));
        views.set(NodeId(1), 9, Some(2));
        assert_eq!(views.leader(), Some(NodeId(2)));
        views.set(NodeId(2), 3, Some(1));
        views.set(NodeId(3), 1000, Some(77));
        assert_eq!(views.leader(), Some(NodeId(1)));
        assert_eq!(views.of(NodeId(3)), None);
        views.forget(NodeId(0));
        views.forget(NodeId(2));
        assert_eq!(views.leader(), Some(NodeId(2)));
    }
}
