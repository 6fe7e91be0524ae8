//! What an account holds, for people.

use std::time::Duration;

use client::{Client, Consistency};
use ledger::{Answer, Query};
use terminal::decimal;

use crate::network::{ASSET, DECIMALS, Network};

const PATIENCE: Duration = Duration::from_secs(2);

/// What an account of genesis holds: as genesis says in a fresh network, as the nodes say
/// otherwise. `None` if there is no such account, or too few nodes answer.
#[must_use]
pub fn of(network: &Network, name: &str, fresh: bool) -> Option<String> {
    let account = network.genesis.account_by_name(name)?;
    let units = if fresh {
        account.balances.get(ASSET).copied().unwrap_or(0)
    } else {
        ask(network, name)?
    };
    Some(format!("{} {ASSET}", decimal(units, DECIMALS)))
}

fn ask(network: &Network, name: &str) -> Option<u64> {
    let account = network.genesis.account_by_name(name)?;
    let key = network.layout.keys().load(name).ok()?;
    let question = Query::Balance {
        account: account.address(),
        asset: ASSET.parse().ok()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let answer = runtime.block_on(async {
        let client = Client::connect(&network.genesis, &key).ok()?;
        let question = question.to_bytes();
        let asked = client.query(&question, Consistency::Matching, PATIENCE);
        asked.await.ok()
    })?;
    match Answer::from_bytes(&answer.bytes).ok()? {
        Answer::Balance(balance) => balance,
        _ => None,
    }
}
