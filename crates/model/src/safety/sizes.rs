//! Sizes (P1.2), computed here a second time from the rule's text.

/// The sizes of a network in byzantine mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// How many nodes there are.
    pub nodes: usize,
    /// f: how many may be Byzantine.
    pub faulty: usize,
    /// Q: votes of an accept certificate, grants of an election, Leaves of a departure.
    pub quorum: usize,
    /// F: votes that commit in one round.
    pub fast_quorum: usize,
}

impl Sizes {
    /// The sizes of a network of `nodes`; `None` below four.
    #[must_use]
    pub const fn new(nodes: usize) -> Option<Self> {
        if nodes < 4 {
            return None;
        }
        let faulty = (nodes - 1) / 3;
        let quorum = (nodes + faulty + 1).div_ceil(2);
        let most = nodes - (nodes - 3 * faulty).div_ceil(2);
        let fast_quorum = if most > quorum { most } else { quorum };
        Some(Self {
            nodes,
            faulty,
            quorum,
            fast_quorum,
        })
    }

    /// t: nodes that may be bad or slow for a commit in one round.
    #[must_use]
    pub const fn slack(&self) -> usize {
        self.nodes - self.fast_quorum
    }

    /// n − f: reports that a leader change needs; also the number of correct nodes.
    #[must_use]
    pub const fn reports(&self) -> usize {
        self.nodes - self.faulty
    }

    /// Whether a second round of votes is ever sent (P3.5).
    #[must_use]
    pub const fn has_lock_round(&self) -> bool {
        self.quorum < self.fast_quorum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_those_of_the_table_in_p1_2() {
        for (nodes, faulty, quorum, fast, slack) in [
            (4, 1, 3, 3, 1),
            (5, 1, 4, 4, 1),
            (6, 1, 4, 4, 2),
            (7, 2, 5, 6, 1),
            (9, 2, 6, 7, 2),
            (10, 3, 7, 9, 1),
        ] {
            let sizes = Sizes::new(nodes).unwrap();
            assert_eq!(
                (sizes.faulty, sizes.quorum, sizes.fast_quorum, sizes.slack()),
                (faulty, quorum, fast, slack),
                "n = {nodes}"
            );
        }
        assert_eq!(Sizes::new(3), None);
    }
}
