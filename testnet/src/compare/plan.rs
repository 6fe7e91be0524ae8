//! What is measured, how often, and how long that takes.

use std::time::Duration;

use keys::{ClientChecks, Mode};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};

/// One row of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Configuration {
    /// How the nodes agree.
    pub mode: Mode,
    /// Who checks clients' signatures (P1.4).
    pub client_checks: ClientChecks,
    /// How many nodes.
    pub nodes: usize,
}

impl Configuration {
    /// The name in tables and plots.
    #[must_use]
    pub fn name(&self) -> String {
        let Self {
            mode,
            client_checks,
            nodes,
        } = self;
        let checks = match client_checks {
            ClientChecks::Leader => "leader checks",
            ClientChecks::All => "all check",
        };
        format!("{mode}, {nodes} nodes, {checks}")
    }
}

/// Everything that is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The rows.
    pub configurations: Vec<Configuration>,
    /// How often each is run.
    pub repeats: usize,
    /// How long the network is saturated in each run.
    pub duration: Duration,
    /// Clients with connections of their own.
    pub clients: usize,
    /// Transfers under way at the same time, of all clients together, when the network is
    /// saturated.
    pub outstanding: usize,
    /// Transfers a second of the open-loop run.
    pub rate: u32,
}

/// Before the figures of a run count.
pub const WARM_UP: Duration = Duration::from_secs(1);
/// Founding, starting, waiting for an idle moment, auditing and stopping.
const AROUND: Duration = Duration::from_secs(2);
/// Most nodes that one machine is asked to run.
const MOST_NODES: usize = 32;

impl Plan {
    /// How long the network is under low load in each run.
    #[must_use]
    pub fn low_load(&self) -> Duration {
        (self.duration / 2).max(Duration::from_secs(1))
    }

    /// How many runs there are.
    #[must_use]
    pub const fn runs(&self) -> usize {
        self.configurations.len() * self.repeats
    }

    /// About how long all of it takes.
    #[must_use]
    pub fn expected(&self) -> Duration {
        let run = AROUND + 2 * WARM_UP + self.low_load() + self.duration;
        run * u32::try_from(self.runs()).unwrap_or(u32::MAX)
    }

    /// The runs in order: every repeat goes over all rows, each time beginning with another one,
    /// so that what drifts in the machine hits all alike.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let rows = self.configurations.len();
        (0..self.repeats)
            .flat_map(|repeat| (0..rows).map(move |step| (repeat + step) % rows))
            .collect()
    }
}

/// The rows for these modes. Without `checks` each mode has its default, and `raft` also a row in
/// which every node checks, because only that is comparable with the others. With a budget, rows
/// of equal budget are added: 2f + 1 nodes for Raft, 3f + 1 for byzantine mode.
///
/// # Errors
/// If there is nothing to measure, or a mode cannot work with that many nodes.
pub fn configurations(
    modes: &[Mode],
    checks: Option<&[ClientChecks]>,
    nodes: usize,
    budget: Option<usize>,
) -> Outcome<Vec<Configuration>> {
    let mut rows = Vec::new();
    for &mode in modes {
        let of_mode: Vec<ClientChecks> = match (checks, mode) {
            // Trusting the leader is what byzantine mode does not do (P1.4).
            (_, Mode::Byzantine) => vec![ClientChecks::All],
            (Some(checks), _) => checks.to_vec(),
            (None, Mode::Raft) => vec![ClientChecks::Leader, ClientChecks::All],
            (None, Mode::RaftSigned) => vec![ClientChecks::All],
        };
        let of_budget = budget.map(|faulty| match mode {
            Mode::Byzantine => 3 * faulty + 1,
            Mode::Raft | Mode::RaftSigned => 2 * faulty + 1,
        });
        for size in [Some(nodes), of_budget].into_iter().flatten() {
            for &client_checks in &of_mode {
                let row = Configuration {
                    mode,
                    client_checks,
                    nodes: size,
                };
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
    }
    for row in &rows {
        if row.nodes < row.mode.minimum_validators() {
            return Err(Failure::usage(format!(
                "mode {} needs at least {} nodes",
                row.mode,
                row.mode.minimum_validators()
            )));
        }
        if row.nodes > MOST_NODES {
            return Err(Failure::usage(format!(
                "{} nodes are more than one machine can measure; at most {MOST_NODES}",
                row.nodes
            )));
        }
    }
    if rows.is_empty() {
        return Err(Failure::usage("there is nothing to compare: name a mode"));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rows: &[Configuration]) -> Vec<String> {
        rows.iter().map(Configuration::name).collect()
    }

    #[test]
    fn the_usual_rows_price_each_step_on_its_own() {
        let rows = configurations(&Mode::ALL, None, 4, None).unwrap();
        assert_eq!(
            shown(&rows),
            [
                "raft, 4 nodes, leader checks",
                "raft, 4 nodes, all check",
                "raft-signed, 4 nodes, all check",
                "byzantine, 4 nodes, all check",
            ]
        );
    }

    #[test]
    fn a_budget_adds_rows_of_equal_budget() {
        let rows = configurations(
            &[Mode::Raft, Mode::Byzantine],
            Some(&[ClientChecks::All]),
            4,
            Some(1),
        )
        .unwrap();
        assert_eq!(
            shown(&rows),
            [
                "raft, 4 nodes, all check",
                "raft, 3 nodes, all check",
                "byzantine, 4 nodes, all check",
            ]
        );
        assert!(configurations(&[Mode::Byzantine], None, 3, None).is_err());
        assert!(configurations(&[Mode::Raft], None, 400, None).is_err());
        assert!(configurations(&[], None, 4, None).is_err());
    }

    #[test]
    fn repeats_are_interleaved_and_begin_elsewhere_each_time() {
        let plan = Plan {
            configurations: configurations(&Mode::ALL, None, 4, None).unwrap(),
            repeats: 3,
            duration: Duration::from_secs(10),
            clients: 1,
            outstanding: 1,
            rate: 1,
        };
        assert_eq!(plan.order(), [0, 1, 2, 3, 1, 2, 3, 0, 2, 3, 0, 1]);
        assert_eq!(plan.runs(), 12);
        assert_eq!(plan.expected(), Duration::from_secs(12 * 19));
    }
}
