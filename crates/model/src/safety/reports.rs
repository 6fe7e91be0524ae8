//! Which reports count (P4.4, P4.5).

use super::{Kind, Member, Node, Point, Protocol, Report, Reported, State, Term, Variation};

impl Protocol {
    /// Whether a report for `term` counts for a node that collects or checks it: it was sent, if
    /// its reporter is correct, and is not void.
    #[must_use]
    pub fn counts(&self, state: &State, collector: &Node, term: Term, one: &Reported) -> bool {
        match self.member(one.reporter) {
            Some(Member::Correct(position)) => {
                state.nodes[position]
                    .reports
                    .binary_search(&(term, one.report))
                    .is_ok()
                    && self.stop_sign_counts(collector, one.report.point)
            }
            Some(Member::Byzantine) => {
                one.report.pair_term < term
                    && self.is_sound(state, &one.report)
                    && self.stop_sign_counts(collector, one.report.point)
            }
            None => false,
        }
    }

    /// A stop sign counts only once the collector has applied what comes before it and found that
    /// it authorizes it. The same holds when a base is adopted.
    pub(super) fn stop_sign_counts(&self, collector: &Node, point: Point) -> bool {
        let forest = self.forest();
        self.breaks(Variation::StopSignUnchecked)
            || match forest.kind(point) {
                Kind::Entry(_) => true,
                Kind::FalseStopSign => false,
                Kind::StopSign => forest.extends(collector.commit, forest.parent(point)),
            }
    }

    /// Whether a report that a traitor makes up is not void: everything in it can be shown.
    fn is_sound(&self, state: &State, report: &Report) -> bool {
        let (forest, term) = (self.forest(), report.pair_term);
        if self.breaks(Variation::VoidReportsCount)
            && forest.is_of(report.point, term)
            && self.is_led_by_traitor(term)
        {
            return true;
        }
        let Some(certified) = self.shown(state, term, report.certified) else {
            return false;
        };
        // Every header on the way down has term w and its leader's signature, and follows no
        // stop sign, until base(w) or a certified point.
        let mut point = report.point;
        while Some(point) != certified && !self.is_base(state, term, point) {
            if !forest.is_of(point, term)
                || !self.may_be_signed(state, point)
                || self.follows_stop_sign(point)
            {
                return false;
            }
            point = forest.parent(point);
        }
        true
    }

    /// What the certificate in a report speaks about; `None` if there is no such certificate.
    fn shown(&self, state: &State, term: Term, certified: Option<Point>) -> Option<Option<Point>> {
        let Some(point) = certified else {
            return Some(None);
        };
        let cut_down = self.breaks(Variation::StartBelowBase)
            && self.accepts(state, term, point) >= self.sizes().quorum;
        (cut_down || self.has_accept_certificate(state, term, point)).then_some(Some(point))
    }

    /// Whether the leader of its term may have signed the point's entry. A correct leader signs
    /// one entry after another, and never two after the same (P3.8).
    pub(super) fn may_be_signed(&self, state: &State, point: Point) -> bool {
        let forest = self.forest();
        let (term, kind) = (forest.term(point), forest.kind(point));
        if self.is_led_by_traitor(term) || self.breaks(Variation::LedSkipped) {
            return true;
        }
        let parent = forest.parent(point);
        [Kind::Entry(0), Kind::StopSign].into_iter().all(|other| {
            other == kind
                || forest
                    .known(parent, term, other)
                    .is_none_or(|sibling| !state.mentions(forest, sibling))
        }) && matches!(kind, Kind::Entry(0) | Kind::StopSign)
    }

    /// Whether the entry before is a stop sign.
    pub(super) fn follows_stop_sign(&self, point: Point) -> bool {
        point != Point::OPENING
            && self.forest().kind(self.forest().parent(point)).stops()
            && !self.breaks(Variation::StopSignFollowed)
    }
}
