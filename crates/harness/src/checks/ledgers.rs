//! Whether all correct nodes hold the same ledger, and whether its accounts add up.

use std::{collections::BTreeMap, time::Duration};

use client::{Client, Consistency};
use consensus::NodeId;
use ledger::{Answer, Query};
use testnet::control::{self, HASHES_LIMIT, Request, Response};

use super::{Checked, Violation};
use crate::{cluster::Cluster, workload::Bank};

const PATIENCE: Duration = Duration::from_secs(10);
const PAGE: u32 = 256;

/// Compares the hash of every entry up to that index, as far as nodes remember them.
pub fn hashes(cluster: &Cluster, index: u64) -> Option<Violation> {
    let nodes = cluster.network.nodes();
    let correct = cluster.correct();
    let mut first = 1;
    while first <= index {
        let last = index.min(first + HASHES_LIMIT as u64 - 1);
        let indexes: Vec<u64> = (first..=last).collect();
        let mut known: BTreeMap<u64, (String, String)> = BTreeMap::new();
        for &node in &correct {
            let name = cluster.name(node);
            let hashes = match control::ask(&nodes[node], &Request::Hashes(indexes.clone())) {
                Ok(Response::Hashes(hashes)) => hashes,
                Ok(other) => return Some(differ(format!("{name} answers {other:?}"))),
                Err(error) => return Some(differ(format!("{name} cannot be asked: {error}"))),
            };
            for (index, hash) in indexes.iter().zip(hashes) {
                let Some(hash) = hash else { continue };
                let (other, expected) = known
                    .entry(*index)
                    .or_insert_with(|| (name.clone(), hash.clone()));
                if *expected != hash {
                    return Some(differ(format!(
                        "entry {index} is {expected} on {other} and {hash} on {name}"
                    )));
                }
            }
        }
        first = last + 1;
    }
    None
}

/// Asks each correct node for its accounts and for the digest of all it executed, compares them,
/// and adds the money up.
pub async fn states(
    cluster: &Cluster,
    client: &Client,
    bank: &Bank,
    index: u64,
    checked: &mut Checked,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut first: Option<(String, Answer, Answer)> = None;
    for node in cluster.correct() {
        let name = cluster.name(node);
        let (block, accounts) = match state(client, node, index).await {
            Ok(state) => state,
            Err(error) => {
                violations.push(differ(format!("{name} cannot be asked: {error}")));
                continue;
            }
        };
        let held = held(&accounts, bank);
        if held == Some(bank.supply()) {
            checked.balanced += 1;
        } else {
            let supply = bank.supply();
            violations.push(Violation::MoneyNotConserved {
                detail: format!("the accounts of {name} hold {held:?}, and {supply} was given out"),
            });
        }
        match &first {
            None => first = Some((name, block, accounts)),
            Some((other, expected, expected_accounts)) => {
                if *expected != block {
                    violations.push(differ(format!(
                        "entry {index} is executed as {expected:?} on {other} and as {block:?} on \
                         {name}"
                    )));
                }
                if *expected_accounts != accounts {
                    violations.push(differ(format!(
                        "{other} and {name} hold different accounts"
                    )));
                }
            }
        }
    }
    violations
}

async fn state(client: &Client, node: usize, index: u64) -> Result<(Answer, Answer), String> {
    let node = NodeId(u16::try_from(node).map_err(|error| error.to_string())?);
    let ask = async |question: Query| {
        let question = question.to_bytes();
        let asked = client.query(&question, Consistency::Local(Some(node)), PATIENCE);
        let answer = asked.await.map_err(|error| error.to_string())?;
        Answer::from_bytes(&answer.bytes).map_err(|error| error.to_string())
    };
    let block = ask(Query::Block { index }).await?;
    // All accounts of a run fit one page.
    let accounts = ask(Query::Accounts {
        after: None,
        limit: PAGE,
    });
    Ok((block, accounts.await?))
}

/// What the accounts hold together.
fn held(accounts: &Answer, bank: &Bank) -> Option<u64> {
    let Answer::Accounts(accounts) = accounts else {
        return None;
    };
    let balances = accounts.iter();
    balances
        .map(|account| account.balances.get(&bank.asset()).copied().unwrap_or(0))
        .try_fold(0_u64, u64::checked_add)
}

fn differ(detail: String) -> Violation {
    Violation::LedgersDiffer { detail }
}
