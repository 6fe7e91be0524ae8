//! What must hold after a run.

mod ledgers;
mod order;
mod receipts;

use std::{fmt, path::Path, time::Duration};

use client::Client;
use keys::to_hex;
use serde::Serialize;
use testnet::failure::Outcome;

use crate::{
    cluster::Cluster,
    history::{Answer, History},
    linearizability::Verdict,
    workload::{Acknowledged, Bank},
};

/// How many positions of a group's history are searched before its checking is given up.
const BUDGET: u64 = 20_000_000;
/// How long correct nodes may take to apply the same entries once nothing is sent any more.
const SETTLE: Duration = Duration::from_secs(30);

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Violation {
    /// No order of the operations explains what the clients of a group saw.
    NotLinearizable {
        /// The group.
        group: usize,
        /// How far an order explains them, and where it ends.
        detail: String,
    },
    /// Whether there is such an order could not be found out.
    Undecided {
        /// The group.
        group: usize,
        /// Positions searched.
        steps: u64,
    },
    /// An operation that began after another had ended was executed before it.
    OutOfOrder {
        /// Both.
        detail: String,
    },
    /// A client was told something that no correct network says.
    UnexpectedAnswer {
        /// What.
        detail: String,
    },
    /// Correct nodes hold different ledgers, or did not come to one point.
    LedgersDiffer {
        /// Who and where.
        detail: String,
    },
    /// An acknowledged transfer is gone, or its receipt does not hold.
    AcknowledgedLost {
        /// Its id.
        transaction: String,
        /// Why.
        detail: String,
    },
    /// The accounts of a node do not add up to what was given out.
    MoneyNotConserved {
        /// Who, and how much.
        detail: String,
    },
    /// Clients had nothing acknowledged in time after everything was mended.
    NoProgress {
        /// Who, and after how long.
        detail: String,
    },
    /// What was broken could not be mended: a node did not start again, or did not become healthy.
    NotMended {
        /// Why.
        detail: String,
    },
    /// There is evidence against a node that never misbehaved (P7.3).
    CorrectAccused {
        /// Which.
        node: String,
        /// The evidence's id.
        evidence: String,
    },
    /// A node ended that nobody had ended.
    NodeEnded {
        /// Which.
        node: String,
        /// How, and what it said last.
        detail: String,
    },
    /// A node panicked.
    Panic {
        /// Which.
        node: String,
        /// What it said.
        detail: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLinearizable { group, detail } => {
                write!(
                    f,
                    "the history of group {group} is not linearizable: {detail}"
                )
            }
            Self::Undecided { group, steps } => write!(
                f,
                "whether the history of group {group} is linearizable was not found out in {steps} \
                 steps"
            ),
            Self::OutOfOrder { detail } => write!(f, "executed out of order: {detail}"),
            Self::UnexpectedAnswer { detail } => write!(f, "an unexpected answer: {detail}"),
            Self::LedgersDiffer { detail } => write!(f, "ledgers differ: {detail}"),
            Self::AcknowledgedLost {
                transaction,
                detail,
            } => write!(f, "the acknowledged transfer {transaction}: {detail}"),
            Self::MoneyNotConserved { detail } => write!(f, "money is not conserved: {detail}"),
            Self::NoProgress { detail } => write!(f, "no progress: {detail}"),
            Self::NotMended { detail } => write!(f, "not mended: {detail}"),
            Self::CorrectAccused { node, evidence } => {
                write!(
                    f,
                    "evidence {evidence} accuses {node}, which never misbehaved"
                )
            }
            Self::NodeEnded { node, detail } => write!(f, "{node} ended by itself: {detail}"),
            Self::Panic { node, detail } => write!(f, "{node} panicked: {detail}"),
        }
    }
}

/// What was checked, and how much of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Operations of which an order was found.
    pub operations: u64,
    /// Positions searched for it.
    pub steps: u64,
    /// Entries whose hashes are the same on all correct nodes.
    pub entries: u64,
    /// Receipts that hold.
    pub receipts: u64,
    /// Nodes whose accounts add up.
    pub balanced: u64,
    /// Pieces of evidence, all against traitors.
    pub evidence: u64,
}

/// Checks the clients' history alone.
#[must_use]
pub fn check_history(history: &History) -> (Checked, Vec<Violation>) {
    let mut checked = Checked::default();
    let mut violations = Vec::new();
    for group in 0..history.accounts.groups.len() {
        match history.check_group(group, BUDGET) {
            Verdict::Linearizable { steps } => {
                let records = history.records.iter();
                checked.operations += records.filter(|record| record.group == group).count() as u64;
                checked.steps += steps;
            }
            Verdict::Undecided { steps } => violations.push(Violation::Undecided { group, steps }),
            Verdict::Violation(found) => {
                let (explained, of) = found.explained;
                let stuck = found.stuck.iter().map(|&number| {
                    let record = &history.records[number];
                    serde_json::to_string(record).unwrap_or_default()
                });
                let stuck: Vec<String> = stuck.collect();
                let state = &found.state;
                violations.push(Violation::NotLinearizable {
                    group,
                    detail: format!(
                        "after {explained} of {of} operations the accounts hold {state}, and none \
                         of these fits: {}",
                        stuck.join(" ")
                    ),
                });
            }
        }
    }
    violations.extend(order::check(history));
    for record in &history.records {
        if let Answer::Unexpected(detail) = &record.answer {
            let id = record.transaction.as_deref().unwrap_or("a read");
            violations.push(Violation::UnexpectedAnswer {
                detail: format!("client {}, {id}: {detail}", record.client),
            });
        }
    }
    (checked, violations)
}

/// Checks the nodes, which must be up; nothing may be under way.
///
/// # Errors
/// If the system refuses something; what is wrong with the network is a violation.
pub async fn check_nodes(
    cluster: &mut Cluster,
    client: &Client,
    bank: &Bank,
    acknowledged: &[Acknowledged],
    checked: &mut Checked,
) -> Outcome<Vec<Violation>> {
    let mut violations = Vec::new();
    match tokio::task::block_in_place(|| cluster.settle(SETTLE)) {
        Err(failure) => violations.push(Violation::LedgersDiffer {
            detail: format!(
                "the correct nodes did not come to one point in {} s: {}",
                SETTLE.as_secs(),
                failure.message
            ),
        }),
        Ok(index) => {
            checked.entries += index;
            violations.extend(tokio::task::block_in_place(|| {
                ledgers::hashes(cluster, index)
            }));
            violations.extend(ledgers::states(cluster, client, bank, index, checked).await);
        }
    }
    violations
        .extend(receipts::check(&cluster.network.genesis, client, acknowledged, checked).await?);
    violations.extend(accusations(cluster, client, checked).await);
    cluster.look_for_ends();
    violations.extend(cluster.ends().iter().map(|end| Violation::NodeEnded {
        node: end.node.clone(),
        detail: end.reason.clone(),
    }));
    for node in cluster.network.nodes() {
        violations.extend(panics(&node.name(), &node.log()));
    }
    Ok(violations)
}

/// Evidence that any node holds against a correct one.
async fn accusations(cluster: &Cluster, client: &Client, checked: &mut Checked) -> Vec<Violation> {
    // That nodes do not answer is found elsewhere.
    let found = client.evidence(SETTLE).await.unwrap_or_default();
    let mut violations = Vec::new();
    for summary in found {
        let accused = usize::from(summary.accused);
        if cluster.traitors.contains(&accused) {
            checked.evidence += 1;
        } else {
            let name = cluster.network.names().into_iter().nth(accused);
            violations.push(Violation::CorrectAccused {
                node: name.unwrap_or_else(|| format!("#{accused}")),
                evidence: to_hex(&summary.id.0),
            });
        }
    }
    violations
}

/// The first panic in a log.
fn panics(node: &str, log: &Path) -> Option<Violation> {
    // A log is bounded by its writer, and what is not text is no panic.
    let bytes = std::fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    let line = lines.find(|line| line.contains("panicked at"))?;
    Some(Violation::Panic {
        node: node.to_owned(),
        detail: format!("{line} {}", lines.next().unwrap_or_default()),
    })
}
