//! Forgetting what can make no difference any more, so that an exhaustive check gets further.

use super::{Point, Protocol, State, Term, Variation, moves::Bounds, state::insert};

impl Protocol {
    /// The state without what no later step and no property asks for:
    ///
    /// - who would leave a term, once its leave certificate exists, or once everybody is past it;
    /// - who granted what in a term, and who reported for it, once its base is decided or
    ///   everybody is past it: no voter grants in a term that it is not in;
    /// - commit points, where there are no stop signs. They then only restrict what a node
    ///   accepts (P3.2), so without them there is more to explore, not less.
    ///
    /// That reports are forgotten hides no accusation (P7.3): no rule lets a node vote in a term
    /// below its own, so a report is false when it is made, or never. Where the broken rule is one
    /// that this rests on, nothing is forgotten.
    #[must_use]
    pub fn settled(&self, mut state: State, bounds: &Bounds) -> State {
        if !settles(self.variation()) {
            return state;
        }
        for term in 0..bounds.terms {
            let passed = state.nodes.iter().all(|node| node.term > term);
            self.settle_leaves(&mut state, term, passed);
            let base = self.bases(&state, term).first().copied();
            if term == 0 || (base.is_none() && !passed) {
                continue;
            }
            for node in &mut state.nodes {
                node.reports.retain(|&(of, _)| of != term);
                node.grants.retain(|&(of, _)| of != term);
                if let Some(base) = base {
                    insert(&mut node.grants, (term, base));
                }
            }
        }
        if !bounds.stop_signs {
            for node in &mut state.nodes {
                node.commit = Point::OPENING;
            }
        }
        state
    }

    fn settle_leaves(&self, state: &mut State, term: Term, passed: bool) {
        if passed {
            for node in &mut state.nodes {
                node.would_leave.retain(|&of| of != term);
            }
        } else if self.has_leave_certificate(state, term) {
            for node in &mut state.nodes {
                insert(&mut node.would_leave, term);
            }
        }
    }
}

/// Whether terms, votes, grants and durability are as written: only `select_base`, the reports
/// that count for it, and the number of Leaves may differ.
const fn settles(variation: Variation) -> bool {
    matches!(
        variation,
        Variation::AsWritten
            | Variation::EquivocatorCounts
            | Variation::ThresholdLower
            | Variation::ThresholdHigher
            | Variation::ExtendsWithoutEquality
            | Variation::AcceptedLeftOut
            | Variation::VoidReportsCount
            | Variation::LeaveByFewLeaves
    )
}
