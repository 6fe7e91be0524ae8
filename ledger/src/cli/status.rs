//! `ledger status`: how the nodes are, in brief.

use std::{collections::BTreeMap, time::Duration};

use crate::observations;
use client::{NodeStatus, StatusReport};
use serde_json::{Value, json};
use terminal::{Align, Output, counted, exit::Code, explained, table};
use tokio::time::sleep;

use super::{
    connect::Connection,
    failure::{Failure, Outcome},
    reach::Local,
    setup::{Common, Setup},
};

pub const EXAMPLES: &str = "\
Healthy means: all nodes answer, are on one committed chain, and less than a second behind. The
exit code is 3 if fewer nodes answer than a quorum, else 0, healthy or not.

Examples:
  ledger status
  ledger status --json";

/// A node that does not answer for so long counts as down.
const PATIENCE: Duration = Duration::from_secs(2);
/// How far behind in time a node may be.
const BEHIND: Duration = Duration::from_secs(1);

pub async fn run(common: &Common, output: Output) -> Outcome {
    let setup = Setup::load(common)?;
    let connection = Connection::open(&setup, None)?;
    let patience = PATIENCE.min(connection.left());
    let first = connection.client.statuses(patience).await;
    let furthest = reports(&first)
        .map(|report| report.commit)
        .max()
        .unwrap_or(0);
    // Whoever is not where the furthest was a second ago is behind.
    let lags = |statuses: &[NodeStatus]| reports(statuses).any(|report| report.commit < furthest);
    let statuses = if lags(&first) {
        sleep(BEHIND).await;
        connection.client.statuses(patience).await
    } else {
        first
    };
    let reasons = reasons(&statuses, furthest);
    let sizes = connection.configuration.sizes();
    let answers: Vec<&StatusReport> = reports(&statuses).collect();
    let notes = observations::notes(&answers, sizes.faulty());
    let nodes: Vec<Value> = statuses.iter().map(described).collect();
    let json = json!({
        "mode": sizes.mode().as_str(),
        "n": sizes.validators(),
        "f": sizes.faulty(),
        "quorum": sizes.quorum(),
        "healthy": reasons.is_empty(),
        "reasons": reasons,
        "notes": notes,
        "nodes": nodes,
    });
    let rows: Vec<Vec<String>> = statuses.iter().map(row).collect();
    let mut text = format!(
        "{}, mode {}: {}, up to {} may fail, {} must agree.\n{}",
        setup.genesis.network(),
        sizes.mode(),
        counted(sizes.validators(), "node"),
        sizes.faulty(),
        sizes.quorum(),
        table(
            &[
                ("node", Align::Left),
                ("role", Align::Left),
                ("term", Align::Right),
                ("commit", Align::Right),
                ("lag", Align::Right),
                ("evidence", Align::Right),
                ("address", Align::Left)
            ],
            &rows
        )
    );
    if reasons.is_empty() {
        text.push_str("\nHealthy.");
    } else {
        text.push_str("\nNot healthy:");
        for reason in &reasons {
            text.push_str("\n  ");
            text.push_str(reason);
        }
    }
    if !notes.is_empty() {
        text.push_str("\nTo know:");
        for note in &notes {
            text.push_str("\n  ");
            text.push_str(note);
        }
    }
    output.result(&json, &text);
    if answers.is_empty() && matches!(Local::of(&setup), Some(Local::Stopped)) {
        output.next(&explained(
            &common.testnet(&["up"]),
            "starts the local network, which is stopped",
        ));
    }
    if reports(&statuses).count() < sizes.quorum() {
        return Err(Failure::after_result(Code::NoQuorum));
    }
    Ok(())
}

fn reports(statuses: &[NodeStatus]) -> impl Iterator<Item = &StatusReport> {
    statuses
        .iter()
        .filter_map(|status| status.report.as_deref().ok())
}

fn described(status: &NodeStatus) -> Value {
    match &status.report {
        Ok(report) => json!({
            "name": status.name,
            "role": report.role,
            "term": report.term,
            "commit": report.commit,
            "lag": report.lag,
            "head": report.head,
            "evidence": report.evidence,
            "address": status.address.to_string(),
        }),
        Err(reason) => json!({
            "name": status.name,
            "role": "down",
            "term": null,
            "commit": null,
            "lag": null,
            "head": null,
            "evidence": null,
            "address": status.address.to_string(),
            "reason": reason,
        }),
    }
}

fn row(status: &NodeStatus) -> Vec<String> {
    let address = status.address.to_string();
    match &status.report {
        Ok(report) => vec![
            status.name.clone(),
            report.role.clone(),
            report.term.to_string(),
            report.commit.to_string(),
            report.lag.to_string(),
            report.evidence.to_string(),
            address,
        ],
        Err(_) => {
            let mut row = vec!["-".to_owned(); 7];
            row[0].clone_from(&status.name);
            row[1] = "down".to_owned();
            row[6] = address;
            row
        }
    }
}

fn reasons(statuses: &[NodeStatus], furthest: u64) -> Vec<String> {
    let mut reasons = Vec::new();
    for status in statuses {
        match &status.report {
            Err(reason) => reasons.push(format!("{} gives no answer: {reason}", status.name)),
            Ok(report) if report.diverged.is_some() => {
                let index = report.diverged.map_or(0, |diverged| diverged.index);
                reasons.push(format!(
                    "{} has diverged: its results after entry {index} are not the certified ones, \
                     so it neither votes nor serves; its data are kept for an audit",
                    status.name
                ));
            }
            Ok(report) if report.commit < furthest => reasons.push(format!(
                "{} is {} entries behind where the network was a second ago",
                status.name,
                furthest - report.commit
            )),
            Ok(_) => {}
        }
    }
    let mut by_index: BTreeMap<u64, BTreeMap<[u8; 32], Vec<&str>>> = BTreeMap::new();
    for status in statuses {
        if let Ok(report) = &status.report {
            let of_index = by_index.entry(report.commit).or_default();
            let of_hash = of_index.entry(report.commit_hash).or_default();
            of_hash.push(&status.name);
        }
    }
    for (index, of_index) in by_index {
        if of_index.len() > 1 {
            let sides: Vec<String> = of_index.values().map(|names| names.join(", ")).collect();
            reasons.push(format!(
                "the nodes committed different entries at index {index}: {} against {}",
                sides[0],
                sides[1..].join(" against ")
            ));
        }
    }
    if reports(statuses).next().is_some() && reports(statuses).all(|report| report.role != "leader")
    {
        reasons.push("no node leads at the moment".to_owned());
    }
    reasons
}
