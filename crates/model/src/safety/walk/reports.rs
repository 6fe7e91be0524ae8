//! The reports that an election of a walk is based on.

use super::Walker;
use crate::safety::{Kind, Member, Point, Report, Reported, Term, Variation, state::of_term};

impl Walker {
    /// Reports of n − f or more nodes, those of traitors made up.
    pub(super) fn draw_reports(&mut self, term: Term) -> Vec<Reported> {
        let sizes = *self.protocol.sizes();
        let mut numbers: Vec<usize> = (0..sizes.nodes).collect();
        self.random.shuffle(&mut numbers);
        let least = sizes.reports();
        let count = least + self.random.below(sizes.nodes - least + 1);
        let mut reports = Vec::new();
        for reporter in numbers {
            if reports.len() == count {
                break;
            }
            let report = match self.protocol.member(reporter) {
                Some(Member::Correct(position)) => {
                    let said: Vec<_> = of_term(&self.state.nodes[position].reports, term).collect();
                    self.random.pick(&said).copied()
                }
                _ => self.lie(term),
            };
            reports.extend(report.map(|report| Reported { reporter, report }));
        }
        reports
    }

    /// A report that a traitor makes up: any point that a leader signed, and any certificate.
    fn lie(&mut self, term: Term) -> Option<Report> {
        if self.protocol.breaks(Variation::VoidReportsCount) && self.random.one_in(2) {
            return self.unjustified(term);
        }
        let pair_term = if self.random.one_in(3) {
            *self.random.pick(&self.elected)?
        } else {
            *self.elected.last()?
        };
        let of: Vec<_> = of_term(&self.tips, pair_term).collect();
        let bases = self.protocol.bases(&self.state, pair_term);
        let base = self.random.pick(&bases).copied()?;
        let tip = self.random.pick(&of).copied().unwrap_or(base);
        let forest = self.protocol.forest();
        if !forest.extends(tip, base) {
            return None;
        }
        let (low, high) = (forest.index(base), forest.index(tip));
        let lowered = u32::try_from(self.random.below((high - low) as usize + 1)).ok()?;
        let point = forest.at(tip, high - lowered);
        let mut certificates = self.protocol.certified(&self.state, pair_term);
        if self.protocol.breaks(Variation::StartBelowBase) && low > 0 {
            let cut = u32::try_from(self.random.below(low as usize)).ok()?;
            certificates.push(forest.at(base, cut));
        }
        let certified = if self.random.one_in(2) {
            self.random.pick(&certificates).copied()
        } else {
            None
        };
        Some(Report {
            pair_term,
            point,
            certified,
        })
    }

    /// A branch of a traitor's term that hangs from nothing.
    fn unjustified(&mut self, term: Term) -> Option<Report> {
        let led: Vec<_> = (0..term)
            .filter(|&of| self.protocol.is_led_by_traitor(of))
            .collect();
        let pair_term = *self.random.pick(&led)?;
        let (_, tip) = *self.random.pick(&self.tips)?;
        let forest = self.protocol.forest();
        let parent = forest.at(tip, u32::try_from(self.random.below(3)).ok()?);
        let below = parent == Point::OPENING || forest.term(parent) < pair_term;
        let point = forest.after(parent, pair_term, Kind::Entry(2))?;
        below.then_some(Report {
            pair_term,
            point,
            certified: None,
        })
    }
}
