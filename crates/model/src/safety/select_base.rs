//! `select_base` (P4.8), written a second time from the rule's text.

use super::{Point, Protocol, Reported, Term, Variation};

impl Protocol {
    /// What a new term must keep, from sound reports of distinct nodes; `None` if they are too
    /// few.
    #[must_use]
    pub fn select_base(&self, reports: &[Reported]) -> Option<Point> {
        let (sizes, forest) = (self.sizes(), self.forest());
        if reports.len() < sizes.reports() {
            return None;
        }
        let term = reports.iter().map(|one| one.report.pair_term).max()?;
        let (start, furthest) = self.start(reports, term);
        if self.breaks(Variation::AcceptedLeftOut) {
            return Some(start);
        }
        // Heads at or below the start say nothing more.
        let heads = |among: Option<usize>| {
            reports
                .iter()
                .filter(move |one| one.report.pair_term == term && Some(one.reporter) != among)
                .map(|one| one.report.point)
                .filter(|&head| forest.index(head) > forest.index(start))
        };
        if heads(None).all(|head| forest.extends(furthest, head)) && forest.extends(furthest, start)
        {
            return Some(furthest);
        }

        // leader(term) signed two branches.
        let aside = (!self.breaks(Variation::EquivocatorCounts)).then(|| self.leader(term));
        let count = reports
            .iter()
            .filter(|one| Some(one.reporter) != aside)
            .count();
        if count < sizes.reports() {
            return None;
        }
        let threshold = self.threshold(count);
        let supports = |point: Point| {
            heads(aside)
                .filter(|&head| {
                    forest.extends(head, point)
                        && !(head == point && self.breaks(Variation::ExtendsWithoutEquality))
                })
                .count()
        };
        let mut selected = start;
        loop {
            let height = forest.index(selected) + 1;
            let next = heads(aside)
                .filter(|&head| head != selected && forest.extends(head, selected))
                .map(|head| forest.at(head, height))
                .find(|&point| supports(point) >= threshold);
            match next {
                Some(point) => selected = point,
                None => return Some(selected),
            }
        }
    }

    /// Where the walk starts, and the furthest head or certificate.
    fn start(&self, reports: &[Reported], term: Term) -> (Point, Point) {
        let forest = self.forest();
        let of_term = || {
            reports
                .iter()
                .map(|one| one.report)
                .filter(move |report| report.pair_term == term)
        };
        let furthest = |points: &mut dyn Iterator<Item = Point>| {
            points.max_by_key(|&point| forest.index(point))
        };
        let certified = furthest(&mut of_term().filter_map(|report| report.certified))
            .filter(|_| !self.breaks(Variation::CertificateIgnored));
        // Every sound report of the term hangs from base(term), shown or not.
        let base = of_term()
            .map(|report| forest.root(term, report.point))
            .next()
            .unwrap_or(Point::OPENING);
        let start = match certified {
            // A certificate lies beyond base, unless that rule is the broken one.
            Some(certified) => certified,
            None => base,
        };
        let head = furthest(&mut of_term().map(|report| report.point)).unwrap_or(start);
        if forest.index(head) > forest.index(start) {
            (start, head)
        } else {
            (start, start)
        }
    }

    fn threshold(&self, count: usize) -> usize {
        let sizes = self.sizes();
        let of = |count: usize| (count + 1).saturating_sub(sizes.faulty + sizes.slack());
        match self.variation() {
            Variation::ThresholdLower => of(count) - 1,
            Variation::ThresholdHigher => of(count) + 1,
            Variation::ThresholdConstant => of(sizes.nodes - 1),
            _ => of(count),
        }
        .max(1)
    }
}
