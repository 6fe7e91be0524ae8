//! Counting equal answers of distinct nodes, without any IO.

use consensus::NodeId;

/// Gathers answers until enough distinct nodes gave equal ones. Of each node only one answer
/// counts, so that no node counts twice.
#[derive(Clone, Debug)]
pub struct Tally<A> {
    needed: usize,
    answers: Vec<(NodeId, A)>,
}

impl<A> Tally<A> {
    /// Waits for `needed` equal answers; with zero, as with one, the first answer is enough.
    #[must_use]
    pub const fn new(needed: usize) -> Self {
        Self {
            needed,
            answers: Vec::new(),
        }
    }

    /// Takes in a node's answer, unless it gave one before. Returns the answer once as many nodes
    /// as needed gave an `equal` one.
    pub fn add(&mut self, node: NodeId, answer: A, equal: impl Fn(&A, &A) -> bool) -> Option<&A> {
        if self.answers.iter().any(|(known, _)| *known == node) {
            return None;
        }
        self.answers.push((node, answer));
        let (_, newest) = self.answers.last()?;
        (self.count(newest, equal) >= self.needed).then_some(newest)
    }

    /// Forgets a node's answer, because it may give a newer one.
    pub fn forget(&mut self, node: NodeId) {
        self.answers.retain(|(known, _)| *known != node);
    }

    /// How many answers there are.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.answers.len()
    }

    /// How many equal answers it takes.
    #[must_use]
    pub const fn needed(&self) -> usize {
        self.needed
    }

    /// The most answers that are equal to each other.
    #[must_use]
    pub fn most(&self, equal: impl Fn(&A, &A) -> bool + Copy) -> usize {
        self.answers
            .iter()
            .map(|(_, answer)| self.count(answer, equal))
            .max()
            .unwrap_or(0)
    }

    /// The nodes whose answers equal `answer`.
    pub fn nodes<'a>(
        &'a self,
        answer: &'a A,
        equal: impl Fn(&A, &A) -> bool + 'a,
    ) -> impl Iterator<Item = NodeId> + 'a {
        let same = move |(_, other): &&(NodeId, A)| equal(other, answer);
        self.answers.iter().filter(same).map(|(node, _)| *node)
    }

    fn count(&self, answer: &A, equal: impl Fn(&A, &A) -> bool) -> usize {
        self.answers
            .iter()
            .filter(|(_, other)| equal(other, answer))
            .count()
    }
}

/// Gathers answers of distinct nodes, any of which may have nothing to give yet: one that lags does
/// not speak for those that are ahead.
#[derive(Clone, Debug)]
pub(crate) struct Lookup<A> {
    found: Tally<A>,
    lacking: usize,
}

impl<A> Lookup<A> {
    /// As [`Tally::new`].
    pub(crate) const fn new(needed: usize) -> Self {
        Self {
            found: Tally::new(needed),
            lacking: 0,
        }
    }

    /// Takes in a node's one answer. Returns what enough nodes gave alike.
    pub(crate) fn add(
        &mut self,
        node: NodeId,
        answer: Option<A>,
        equal: impl Fn(&A, &A) -> bool,
    ) -> Option<&A> {
        match answer {
            Some(answer) => self.found.add(node, answer, equal),
            None => {
                self.lacking += 1;
                None
            }
        }
    }

    /// Whether enough nodes have nothing, so that nothing is the answer unless others come with more.
    pub(crate) const fn is_lacking(&self) -> bool {
        self.lacking >= self.found.needed
    }

    /// How many answers there are, of both kinds.
    pub(crate) fn answers(&self) -> usize {
        self.found.answers() + self.lacking
    }
}

/// How far a linearizable read must see in Byzantine mode (P7.2): the highest index among some
/// `quorum` answers. Of all such choices this takes the one with the lowest result, so that a
/// traitor who claims the end of time holds nobody up while enough others answer. `None` with fewer
/// answers.
#[must_use]
pub fn read_index(answers: &[u64], quorum: usize) -> Option<u64> {
    let mut answers = answers.to_vec();
    answers.sort_unstable();
    answers.get(quorum.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(one: &&str, other: &&str) -> bool {
        one == other
    }

    #[test]
    fn enough_distinct_nodes_decide() {
        let mut tally = Tally::new(2);
        assert_eq!(tally.add(NodeId(0), "a", equal), None);
        assert_eq!(
            tally.add(NodeId(0), "a", equal),
            None,
            "one node counts once"
        );
        assert_eq!(tally.add(NodeId(1), "b", equal), None);
        assert_eq!(tally.most(equal), 1);
        assert_eq!(tally.add(NodeId(2), "a", equal), Some(&"a"));
        assert_eq!(
            tally.nodes(&"a", equal).collect::<Vec<_>>(),
            [NodeId(0), NodeId(2)]
        );
    }

    #[test]
    fn a_node_cannot_change_its_answer() {
        let mut tally = Tally::new(2);
        tally.add(NodeId(0), "a", equal);
        tally.add(NodeId(1), "b", equal);
        assert_eq!(tally.add(NodeId(0), "b", equal), None);
        tally.forget(NodeId(0));
        assert_eq!(tally.add(NodeId(0), "b", equal), Some(&"b"));
    }

    #[test]
    fn where_every_node_is_believed_one_answer_is_enough() {
        assert_eq!(Tally::new(1).add(NodeId(3), "a", equal), Some(&"a"));
    }

    #[test]
    fn a_node_that_lags_does_not_speak_for_the_others() {
        let mut lookup = Lookup::new(1);
        assert_eq!(lookup.add(NodeId(0), None, equal), None);
        assert!(lookup.is_lacking(), "unless another node has it");
        assert_eq!(lookup.add(NodeId(1), Some("a"), equal), Some(&"a"));
        let mut lookup = Lookup::new(2);
        lookup.add(NodeId(0), None, equal);
        lookup.add(NodeId(1), Some("a"), equal);
        assert!(!lookup.is_lacking(), "one of the two may be a traitor");
        assert_eq!(lookup.answers(), 2);
    }

    #[test]
    fn a_traitors_huge_index_does_not_hold_up_a_read() {
        assert_eq!(read_index(&[5, 6], 3), None);
        assert_eq!(read_index(&[5, u64::MAX, 6], 3), Some(u64::MAX));
        assert_eq!(read_index(&[5, u64::MAX, 6, 7], 3), Some(7));
        // Whatever a quorum accepted, at least one of any other quorum accepted too.
        assert_eq!(read_index(&[0, 5, 10], 3), Some(10));
        assert_eq!(read_index(&[], 0), None);
    }
}
