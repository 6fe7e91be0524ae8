//! Which certificates exist: what correct nodes said, and f arbitrary statements (P2.6, P2.7).

use super::{
    Node, Point, Protocol, State, Term, Variation,
    state::{insert, of_term},
};

impl Protocol {
    /// How many signatures Byzantine nodes add to any certificate.
    fn arbitrary(&self) -> usize {
        if self.breaks(Variation::SignersCountTwice) {
            2 * self.sizes().faulty
        } else {
            self.sizes().faulty
        }
    }

    /// How many signers can stand behind a point of a term.
    fn signers(
        &self,
        state: &State,
        said: impl Fn(&Node) -> &[(Term, Point)],
        term: Term,
        point: Point,
    ) -> usize {
        let any_term = self.breaks(Variation::VotesOfAnyTerm);
        let correct = state
            .nodes
            .iter()
            .filter(|&node| {
                said(node).iter().any(|&(of, voted)| {
                    (of == term || any_term) && self.forest().extends(voted, point)
                })
            })
            .count();
        correct + self.arbitrary()
    }

    /// Votes of `term` that can exist for `accepted` at the point or beyond.
    #[must_use]
    pub fn accepts(&self, state: &State, term: Term, point: Point) -> usize {
        self.signers(state, |node| &node.accepted, term, point)
    }

    /// Votes of `term` that can exist for `locked` at the point or beyond.
    #[must_use]
    pub fn locks(&self, state: &State, term: Term, point: Point) -> usize {
        self.signers(state, |node| &node.locked, term, point)
    }

    /// Whether a certificate of the term may speak about the point at all (P2.7).
    #[must_use]
    pub fn is_spoken_of(&self, state: &State, term: Term, point: Point) -> bool {
        self.forest().is_of(point, term) || self.is_base(state, term, point)
    }

    /// Whether an accept certificate exists.
    #[must_use]
    pub fn has_accept_certificate(&self, state: &State, term: Term, point: Point) -> bool {
        self.is_spoken_of(state, term, point)
            && self.accepts(state, term, point) >= self.sizes().quorum
    }

    /// Whether a commit certificate exists.
    #[must_use]
    pub fn has_commit_certificate(&self, state: &State, term: Term, point: Point) -> bool {
        let one_round = if self.breaks(Variation::OneRoundWithQuorum) {
            self.sizes().quorum
        } else {
            self.sizes().fast_quorum
        };
        self.is_spoken_of(state, term, point)
            && (self.accepts(state, term, point) >= one_round
                || self.locks(state, term, point) >= self.sizes().quorum)
    }

    /// Whether an election certificate of the term for the base exists (P4.7). What opened the
    /// epoch is that of term 0.
    #[must_use]
    pub fn is_base(&self, state: &State, term: Term, base: Point) -> bool {
        if term == 0 {
            return base == Point::OPENING;
        }
        let correct = state
            .nodes
            .iter()
            .filter(|node| node.grants.binary_search(&(term, base)).is_ok())
            .count();
        correct > 0 && correct + self.arbitrary() >= self.sizes().quorum
    }

    /// The bases of a term: one at most, unless a rule is broken.
    #[must_use]
    pub fn bases(&self, state: &State, term: Term) -> Vec<Point> {
        if term == 0 {
            return vec![Point::OPENING];
        }
        let mut bases = Vec::new();
        for base in state.nodes.iter().flat_map(|node| node.granted(term)) {
            if self.is_base(state, term, base) {
                insert(&mut bases, base);
            }
        }
        bases
    }

    /// Whether a leave certificate of the term exists (P4.3).
    #[must_use]
    pub fn has_leave_certificate(&self, state: &State, term: Term) -> bool {
        let correct = state
            .nodes
            .iter()
            .filter(|node| node.would_leave.contains(&term))
            .count();
        let needed = if self.breaks(Variation::LeaveByFewLeaves) {
            self.sizes().faulty + 1
        } else {
            self.sizes().quorum
        };
        correct + self.arbitrary() >= needed
    }

    /// The points of a term with an accept certificate.
    #[must_use]
    pub fn certified(&self, state: &State, term: Term) -> Vec<Point> {
        self.points_voted_for(state, term, |point| {
            self.has_accept_certificate(state, term, point)
        })
    }

    /// The points of a term with a commit certificate.
    #[must_use]
    pub fn committed(&self, state: &State, term: Term) -> Vec<Point> {
        self.points_voted_for(state, term, |point| {
            self.has_commit_certificate(state, term, point)
        })
    }

    /// The points that a certificate of the term could speak about and `holds` for.
    fn points_voted_for(
        &self,
        state: &State,
        term: Term,
        holds: impl Fn(Point) -> bool,
    ) -> Vec<Point> {
        let forest = self.forest();
        let mut seen = Vec::new();
        let mut found = Vec::new();
        for voted in state
            .nodes
            .iter()
            .flat_map(|node| of_term(&node.accepted, term))
        {
            let mut point = voted;
            while !seen.contains(&point) {
                seen.push(point);
                if holds(point) {
                    insert(&mut found, point);
                }
                if !forest.is_of(point, term) {
                    break;
                }
                point = forest.parent(point);
            }
        }
        found
    }
}
