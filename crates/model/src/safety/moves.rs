//! Every step that the rules allow within bounds: what an exhaustive check explores.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Action, Kind, Node, Point, Protocol, Report, Reported, State, Term, Variation,
    state::{insert, of_term},
};

/// How far an exhaustive check goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Terms 0 to `terms` − 1.
    pub terms: Term,
    /// Entries of one term beyond its base, on each branch.
    pub entries: u32,
    /// Entries that a traitor signs after one point in one term.
    pub branches: u8,
    /// Whether leaders also make stop signs, authorized and false ones.
    pub stop_signs: bool,
    /// Whether nodes also enter a term on its election certificate before they adopt it, and
    /// report again when what they would report has changed.
    pub detours: bool,
}

impl Bounds {
    /// Kinds of entries that the leader of a term may make.
    fn kinds(&self, protocol: &Protocol, term: Term) -> Vec<Kind> {
        let splits = protocol.is_led_by_traitor(term) || protocol.breaks(Variation::LedSkipped);
        let branches = if splits { self.branches.max(1) } else { 1 };
        let mut kinds: Vec<_> = (0..branches).map(Kind::Entry).collect();
        if self.stop_signs {
            kinds.push(Kind::StopSign);
            if splits {
                kinds.push(Kind::FalseStopSign);
            }
        }
        kinds
    }
}

impl Protocol {
    /// The entries that may follow `parent` in a term. Branches of a traitor differ in nothing
    /// but their name, so a second one comes up only when a correct node has spoken of the first;
    /// with f > 1 two traitors may be alone in claiming two branches, so all come up.
    #[must_use]
    pub fn following(
        &self,
        state: &State,
        bounds: &Bounds,
        term: Term,
        parent: Point,
    ) -> Vec<Point> {
        let forest = self.forest();
        if forest.kind(parent).stops() && !self.breaks(Variation::StopSignFollowed) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for kind in bounds.kinds(self, term) {
            if let Kind::Entry(branch @ 1..) = kind
                && self.sizes().faulty == 1
            {
                let sibling = forest.known(parent, term, Kind::Entry(branch - 1));
                if sibling.is_none_or(|sibling| !state.mentions(forest, sibling)) {
                    continue;
                }
            }
            let point = forest.after(parent, term, kind);
            found.extend(point.filter(|&point| self.may_be_signed(state, point)));
        }
        found
    }

    /// Every step that the rules allow within the bounds, steps that change nothing left out.
    #[must_use]
    pub fn moves(&self, state: &State, bounds: &Bounds) -> Vec<Action> {
        let mut moves = Vec::new();
        let committed: Vec<_> = (0..bounds.terms)
            .map(|term| self.committed(state, term))
            .collect();
        let bases: Vec<_> = (0..bounds.terms)
            .map(|term| self.bases(state, term))
            .collect();
        for position in 0..state.nodes.len() {
            // Equal nodes have equal futures.
            if state.nodes[..position].contains(&state.nodes[position]) {
                continue;
            }
            self.entries_and_locks(state, bounds, position, &mut moves);
            self.changes_of_term(state, bounds, position, &bases, &mut moves);
            self.grants_of(state, bounds, position, &bases, &mut moves);
            for (term, points) in committed.iter().enumerate() {
                let term = Term::try_from(term).expect("terms are counted by a Term");
                moves.extend(points.iter().map(|&point| Action::Commit {
                    node: position,
                    term,
                    point,
                }));
            }
        }
        moves
    }

    fn entries_and_locks(
        &self,
        state: &State,
        bounds: &Bounds,
        position: usize,
        moves: &mut Vec<Action>,
    ) {
        let (forest, node) = (self.forest(), &state.nodes[position]);
        let term = node.pair_term;
        let mut from = vec![node.point];
        if self.breaks(Variation::AcceptsBothBranches) {
            insert(&mut from, forest.root(term, node.point));
        }
        for parent in from {
            let height = forest.index(parent) - forest.index(forest.root(term, parent));
            if height < bounds.entries {
                let after = self.following(state, bounds, term, parent);
                moves.extend(after.into_iter().map(|point| Action::Accept {
                    node: position,
                    point,
                }));
            }
        }
        if self.sizes().has_lock_round() && node.term == term {
            let certified = self.certified(state, term);
            moves.extend(certified.into_iter().map(|point| Action::Lock {
                node: position,
                point,
            }));
        }
    }

    fn changes_of_term(
        &self,
        state: &State,
        bounds: &Bounds,
        position: usize,
        bases: &[Vec<Point>],
        moves: &mut Vec<Action>,
    ) {
        let node = &state.nodes[position];
        for term in node.term..bounds.terms {
            if term + 1 < bounds.terms && self.has_leave_certificate(state, term) {
                moves.push(Action::Leave {
                    node: position,
                    term,
                });
            }
            for &base in &bases[usize::from(term)] {
                moves.push(Action::Adopt {
                    node: position,
                    term,
                    base,
                });
                if bounds.detours && term > node.term {
                    moves.push(Action::Enter {
                        node: position,
                        term,
                    });
                }
            }
        }
        if bounds.detours {
            moves.push(Action::Report { node: position });
        }
        if self.variation().shows_at_restart() {
            moves.push(Action::Restart { node: position });
        }
    }

    fn grants_of(
        &self,
        state: &State,
        bounds: &Bounds,
        position: usize,
        bases: &[Vec<Point>],
        moves: &mut Vec<Action>,
    ) {
        let node = &state.nodes[position];
        let term = node.term;
        // Where the term has its base already, another grant makes no difference.
        let decided = bases.get(usize::from(term)).is_none_or(|of| !of.is_empty());
        let granted = node.granted(term).next().is_some();
        if (granted || decided) && !self.breaks(Variation::GrantsTwice) {
            return;
        }
        let grants: Vec<_> = match self.variation() {
            Variation::PublishedPaper | Variation::PublishedCode => {
                let nothing: Arc<[Reported]> = Arc::from([]);
                self.published_bases(state)
                    .into_iter()
                    .map(|base| (base, Arc::clone(&nothing)))
                    .collect()
            }
            _ => self.electable(state, bounds, node).into_iter().collect(),
        };
        moves.extend(grants.into_iter().map(|(base, reports)| Action::Grant {
            node: position,
            base,
            reports,
        }));
    }

    fn published_bases(&self, state: &State) -> Vec<Point> {
        let mut bases = vec![Point::OPENING];
        for node in &state.nodes {
            insert(&mut bases, node.point);
        }
        bases
    }

    /// Every base that some set of reports gives, each with such a set.
    #[must_use]
    pub fn electable(
        &self,
        state: &State,
        bounds: &Bounds,
        voter: &Node,
    ) -> BTreeMap<Point, Arc<[Reported]>> {
        let term = voter.term;
        let mut choices: Vec<Vec<Reported>> = Vec::new();
        for (position, node) in state.nodes.iter().enumerate() {
            let reporter = self.number(position);
            choices.push(
                of_term(&node.reports, term)
                    .map(|report| Reported { reporter, report })
                    .filter(|one| self.counts(state, voter, term, one))
                    .collect(),
            );
        }
        let mut found = BTreeMap::new();
        let reporting = choices.iter().filter(|choice| !choice.is_empty()).count();
        if reporting + self.sizes().faulty < self.sizes().reports() {
            return found;
        }
        let lies = self.lies(state, bounds, term);
        for reporter in self.traitors() {
            choices.push(
                lies.iter()
                    .map(|&report| Reported { reporter, report })
                    .filter(|one| self.counts(state, voter, term, one))
                    .collect(),
            );
        }
        self.combine(&choices, &mut Vec::new(), &mut found);
        found
    }

    fn combine(
        &self,
        choices: &[Vec<Reported>],
        chosen: &mut Vec<Reported>,
        found: &mut BTreeMap<Point, Arc<[Reported]>>,
    ) {
        if chosen.len() + choices.len() < self.sizes().reports() {
            return;
        }
        let Some((first, rest)) = choices.split_first() else {
            if let Some(base) = self.select_base(chosen) {
                found
                    .entry(base)
                    .or_insert_with(|| Arc::from(chosen.as_slice()));
            }
            return;
        };
        self.combine(rest, chosen, found);
        for &one in first {
            chosen.push(one);
            self.combine(rest, chosen, found);
            chosen.pop();
        }
    }

    /// Every report for `term` that a traitor can make up and that is not void.
    #[must_use]
    pub fn lies(&self, state: &State, bounds: &Bounds, term: Term) -> Vec<Report> {
        let mut lies = Vec::new();
        for pair_term in 0..term {
            let mut certificates: Vec<_> = self
                .certified(state, pair_term)
                .into_iter()
                .map(Some)
                .collect();
            certificates.push(None);
            let bases = self.bases(state, pair_term);
            let mut heads = Vec::new();
            for &base in &bases {
                self.grow(state, bounds, pair_term, base, bounds.entries, &mut heads);
            }
            if self.breaks(Variation::StartBelowBase) {
                for &base in &bases {
                    if self.accepts(state, pair_term, base) >= self.sizes().quorum {
                        certificates.push(Some(Point::OPENING));
                    }
                }
            }
            if self.breaks(Variation::VoidReportsCount) && self.is_led_by_traitor(pair_term) {
                heads.extend(self.forest().after(
                    Point::OPENING,
                    pair_term,
                    Kind::Entry(bounds.branches),
                ));
            }
            for &point in &heads {
                lies.extend(certificates.iter().map(|&certified| Report {
                    pair_term,
                    point,
                    certified,
                }));
            }
        }
        lies
    }

    fn grow(
        &self,
        state: &State,
        bounds: &Bounds,
        term: Term,
        from: Point,
        entries: u32,
        heads: &mut Vec<Point>,
    ) {
        insert(heads, from);
        if entries > 0 {
            for point in self.following(state, bounds, term, from) {
                self.grow(state, bounds, term, point, entries - 1, heads);
            }
        }
    }
}
