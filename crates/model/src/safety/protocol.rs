//! Who takes part, and under which rules.

use super::{Forest, Sizes, Term, Variation};

/// What a node of the configuration is to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// The correct node at this position of `State::nodes`.
    Correct(usize),
    /// A node that says whatever its key allows.
    Byzantine,
}

/// The network that a state belongs to: its sizes, its traitors, its rules, its points.
#[derive(Debug)]
pub struct Protocol {
    sizes: Sizes,
    members: Vec<Member>,
    /// The number in the configuration of each correct node.
    correct: Vec<usize>,
    variation: Variation,
    leaves_at_once: bool,
    forest: Forest,
}

impl Protocol {
    /// A network of `nodes`, of which those named are Byzantine: exactly f of them, as a node
    /// that could lie and does not is among what the model explores. `None` if the sizes do not
    /// allow it.
    #[must_use]
    pub fn new(nodes: usize, byzantine: &[usize], variation: Variation) -> Option<Self> {
        let sizes = Sizes::new(nodes)?;
        let mut correct = Vec::new();
        let members: Vec<_> = (0..nodes)
            .map(|node| {
                if byzantine.contains(&node) {
                    Member::Byzantine
                } else {
                    correct.push(node);
                    Member::Correct(correct.len() - 1)
                }
            })
            .collect();
        (correct.len() == sizes.reports()).then(|| Self {
            sizes,
            members,
            correct,
            variation,
            leaves_at_once: true,
            forest: Forest::new(1 << 16),
        })
    }

    /// With room for so many points.
    #[must_use]
    pub fn with_points(mut self, capacity: usize) -> Self {
        self.forest = Forest::new(capacity);
        self
    }

    /// With Leaves as actions of their own, as a replayed trace has them. Otherwise every node
    /// signs a Leave of each term as it enters it. That loses nothing: a Leave takes
    /// nothing from the node that sends it (P4.2), so having sent one only allows more.
    #[must_use]
    pub const fn with_leaves_as_actions(mut self) -> Self {
        self.leaves_at_once = false;
        self
    }

    /// The sizes of P1.2.
    #[must_use]
    pub const fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// Which rule is broken.
    #[must_use]
    pub const fn variation(&self) -> Variation {
        self.variation
    }

    /// Whether this is the broken rule.
    #[must_use]
    pub(super) fn breaks(&self, variation: Variation) -> bool {
        self.variation == variation
    }

    /// The points.
    #[must_use]
    pub const fn forest(&self) -> &Forest {
        &self.forest
    }

    /// Whether Leaves are not actions of their own.
    #[must_use]
    pub const fn leaves_at_once(&self) -> bool {
        self.leaves_at_once
    }

    /// The number in the configuration of whoever leads a term (P4.1).
    #[must_use]
    pub fn leader(&self, term: Term) -> usize {
        usize::from(term) % self.sizes.nodes
    }

    /// Whether a traitor leads the term.
    #[must_use]
    pub fn is_led_by_traitor(&self, term: Term) -> bool {
        self.members[self.leader(term)] == Member::Byzantine
    }

    /// What a node of the configuration is; `None` if there is no such node.
    #[must_use]
    pub fn member(&self, node: usize) -> Option<Member> {
        self.members.get(node).copied()
    }

    /// The number in the configuration of a correct node.
    #[must_use]
    pub fn number(&self, position: usize) -> usize {
        self.correct[position]
    }

    /// The numbers of all traitors.
    pub fn traitors(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.members.len()).filter(|&node| self.members[node] == Member::Byzantine)
    }
}
