//! Whether all nodes applied the same entries, and where they part if not.

use std::collections::BTreeMap;

use super::{Facts, Network, NodeLayout};
use crate::{
    control::{self, Request, Response},
    failure::Outcome,
};

/// A sentence for each node that applied other entries than most, with the first that differs.
///
/// The log is chained, so equal entries at an index mean equal entries everywhere below it.
///
/// # Errors
/// None at present; nodes that do not answer are passed over.
pub fn divergences(network: &Network, facts: &Facts) -> Outcome<Vec<String>> {
    let nodes: Vec<&NodeLayout> = facts.reports().map(|(node, _)| &node.layout).collect();
    let common = facts.reports().map(|(_, report)| report.applied).min();
    let Some(common) = common.filter(|&common| common > 0) else {
        return Ok(Vec::new());
    };
    let mut camps: BTreeMap<String, Vec<&NodeLayout>> = BTreeMap::new();
    for node in nodes {
        if let Some(hash) = entry_at(node, common) {
            camps.entry(hash).or_default().push(node);
        }
    }
    if camps.len() < 2 {
        return Ok(Vec::new());
    }
    let mut camps: Vec<Vec<&NodeLayout>> = camps.into_values().collect();
    camps.sort_by_key(|camp| std::cmp::Reverse(camp.len()));
    let most = camps.remove(0);
    let names = |camp: &[&NodeLayout]| {
        let names: Vec<String> = camp.iter().map(|node| node.name()).collect();
        names.join(", ")
    };
    let remark = match network.genesis.mode() {
        keys::Mode::Byzantine => {
            "more nodes are faulty than the mode tolerates, or this is a defect worth reporting"
        }
        keys::Mode::Raft | keys::Mode::RaftSigned => {
            "this mode trusts its leader, and cannot notice or mend it"
        }
    };
    Ok(camps
        .iter()
        .map(|camp| {
            let first = first_difference(most[0], camp[0], common);
            format!(
                "{} applied another ledger than {} from entry {first} on: {remark}",
                names(camp),
                names(&most)
            )
        })
        .collect())
}

/// The hash of the entry that a node applied at an index, if it says so.
#[must_use]
pub fn entry_at(node: &NodeLayout, index: u64) -> Option<String> {
    match control::ask(node, &Request::Hashes(vec![index])) {
        Ok(Response::Hashes(hashes)) => hashes.into_iter().next().flatten(),
        _ => None,
    }
}

/// The first index at which two nodes differ that do at `upper`; `upper` if neither knows more.
fn first_difference(one: &NodeLayout, other: &NodeLayout, upper: u64) -> u64 {
    let (mut equal, mut different) = (0, upper);
    while different - equal > 1 {
        let middle = equal + (different - equal) / 2;
        match (entry_at(one, middle), entry_at(other, middle)) {
            (Some(first), Some(second)) if first != second => different = middle,
            // What is forgotten lies so far below that it is taken for equal.
            _ => equal = middle,
        }
    }
    different
}
