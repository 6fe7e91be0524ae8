//! What must hold after a run before any of its figures is shown: all nodes hold the same ledger,
//! money is conserved, and every acknowledged transfer is in it, exactly once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use client::{Client, Consistency};
use consensus::NodeId;
use keys::Address;
use ledger::{Answer, AssetCode, Query};
use terminal::exit::Code;

use super::book::Book;
use crate::{
    failure::{Failure, Outcome},
    network::{ASSET, Facts, Network},
};

/// How long nodes may take to reach the same point once nothing is sent any more.
const PATIENCE: Duration = Duration::from_secs(30);
const PAGE: u32 = 256;

/// What was audited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// The last entry.
    pub index: u64,
    /// How many accounts were compared.
    pub accounts: usize,
}

/// Audits the network; nothing may be under way.
///
/// # Errors
/// [`Code::AssertionFailed`] with what does not hold.
pub async fn audit(network: &Network, client: &Client, book: &Book) -> Outcome<Audited> {
    let index = settle(network).await?;
    let mut ledgers = BTreeMap::new();
    for (position, validator) in (0_u16..).zip(network.genesis.validators()) {
        let accounts = accounts(client, NodeId(position)).await?;
        ledgers.insert(validator.name.clone(), accounts);
    }
    let Some((first, ledger)) = ledgers.first_key_value() else {
        return Err(failed("there are no nodes"));
    };
    for (name, other) in &ledgers {
        if other != ledger {
            return Err(failed(format!(
                "{first} and {name} hold different accounts"
            )));
        }
    }
    check_money(network, ledger)?;
    check_acknowledged(book, ledger)?;
    Ok(Audited {
        index,
        accounts: ledger.len(),
    })
}

fn failed(message: impl Into<String>) -> Failure {
    Failure::new(
        Code::AssertionFailed,
        format!("the audit failed: {}", message.into()),
    )
    .next(
        "No figures are shown. This is a defect worth reporting, with the command that led to it.",
    )
}

/// Waits until all nodes are at one point, and returns its index.
async fn settle(network: &Network) -> Outcome<u64> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let facts = {
            let network = network.clone();
            tokio::task::spawn_blocking(move || Facts::gather(&network))
                .await
                .map_err(|error| Failure::system("look at the nodes", error))??
        };
        let points: BTreeSet<(u64, [u8; 32], u64)> = facts
            .reports()
            .map(|(_, report)| (report.commit, report.commit_hash, report.applied))
            .collect();
        if facts.reports().count() == facts.nodes.len()
            && let Some((index, _, applied)) = points.first().filter(|_| points.len() == 1)
            && index == applied
        {
            return Ok(*index);
        }
        if Instant::now() >= deadline {
            let said: Vec<String> = facts
                .nodes
                .iter()
                .map(|node| match &node.report {
                    Some(report) => format!(
                        "{} at entry {} ({})",
                        node.name,
                        report.commit,
                        &keys::to_hex(&report.commit_hash)[..8]
                    ),
                    None => format!("{} does not answer", node.name),
                })
                .collect();
            return Err(failed(format!(
                "the nodes did not come to one point within {} s: {}",
                PATIENCE.as_secs(),
                said.join(", ")
            )));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

type Balances = BTreeMap<Address, BTreeMap<AssetCode, u64>>;

/// Every account of one node.
async fn accounts(client: &Client, node: NodeId) -> Outcome<Balances> {
    let mut all = Balances::new();
    loop {
        let question = Query::Accounts {
            after: all.last_key_value().map(|(address, _)| *address),
            limit: PAGE,
        }
        .to_bytes();
        let asked = client.query(&question, Consistency::Local(Some(node)), PATIENCE);
        let answer = asked.await.map_err(|error| failed(error.to_string()))?;
        let answer =
            Answer::from_bytes(&answer.bytes).map_err(|error| failed(error.to_string()))?;
        let Answer::Accounts(page) = answer else {
            return Err(failed("a node answers something else than accounts"));
        };
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(
            page.into_iter()
                .map(|account| (account.account, account.balances)),
        );
    }
}

/// Nothing was issued, so every asset adds up to what genesis gave out.
fn check_money(network: &Network, ledger: &Balances) -> Outcome {
    for (code, &supply) in network.genesis.supplies() {
        let asset: AssetCode = code
            .parse()
            .map_err(|_| failed("genesis has a strange asset"))?;
        let held: u128 = ledger
            .values()
            .map(|balances| u128::from(balances.get(&asset).copied().unwrap_or(0)))
            .sum();
        if held != u128::from(supply) {
            return Err(failed(format!(
                "accounts hold {held} {code}, and {supply} were given out"
            )));
        }
    }
    Ok(())
}

/// Every account holds exactly what the acknowledged transfers leave it.
fn check_acknowledged(book: &Book, ledger: &Balances) -> Outcome {
    let asset: AssetCode = ASSET
        .parse()
        .map_err(|_| failed("the asset has a strange name"))?;
    for (address, expected) in book.expected() {
        let held = ledger
            .get(&address)
            .and_then(|balances| balances.get(&asset));
        let held = i128::from(held.copied().unwrap_or(0));
        if held != expected {
            return Err(failed(format!(
                "{address} holds {held}, and the acknowledged transfers leave it {expected}"
            )));
        }
    }
    Ok(())
}
