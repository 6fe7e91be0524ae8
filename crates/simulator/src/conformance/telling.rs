//! The model's steps in words.

use model::safety::{Action, Node, Point as Place, Report};

use super::names::Names;

impl Names {
    /// A step, as what a node does.
    #[must_use]
    pub fn action(&self, action: &Action) -> String {
        match action {
            Action::WouldLeave { .. } => "would leave its term".to_owned(),
            Action::Leave { term, .. } => format!("leaves term {term}"),
            Action::Enter { term, .. } => format!("enters term {term}"),
            Action::Report { .. } => "reports again".to_owned(),
            Action::Grant { base, reports, .. } => {
                let reports: Vec<_> = reports
                    .iter()
                    .map(|one| format!("n{}: {}", one.reporter, self.report(&one.report)))
                    .collect();
                let base = self.point(*base);
                format!("grants {base} from [{}]", reports.join("; "))
            }
            Action::Adopt { term, base, .. } => {
                format!("adopts {} in term {term}", self.point(*base))
            }
            Action::Accept { point, .. } => format!("accepts {}", self.point(*point)),
            Action::Lock { point, .. } => format!("locks {}", self.point(*point)),
            Action::Commit { term, point, .. } => {
                format!("commits {} in term {term}", self.point(*point))
            }
            Action::Restart { .. } => "restarts".to_owned(),
        }
    }

    /// What a report says.
    #[must_use]
    pub fn report(&self, report: &Report) -> String {
        let (point, term) = (self.point(report.point), report.pair_term);
        let certified = self.optional(report.certified);
        format!("accepted {point} in term {term}, certified {certified}")
    }

    /// Where a node stands.
    #[must_use]
    pub fn node(&self, node: &Node) -> String {
        let commit = self.point(node.commit);
        let report = self.report(&node.report());
        format!("in term {}, {report}, committed {commit}", node.term)
    }

    /// A point that may be missing.
    #[must_use]
    pub fn optional(&self, point: Option<Place>) -> String {
        point.map_or_else(|| "nothing".to_owned(), |point| self.point(point))
    }
}

/// A step's kind in a word.
pub const fn kind(action: &Action) -> &'static str {
    match action {
        Action::WouldLeave { .. } => "would-leave",
        Action::Leave { .. } => "leave",
        Action::Enter { .. } => "enter",
        Action::Report { .. } => "report",
        Action::Grant { .. } => "grant",
        Action::Adopt { .. } => "adopt",
        Action::Accept { .. } => "accept",
        Action::Lock { .. } => "lock",
        Action::Commit { .. } => "commit",
        Action::Restart { .. } => "restart",
    }
}
