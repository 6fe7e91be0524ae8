//! The table, and the sentence that says what it means.

use keys::{ClientChecks, Mode};
use terminal::{Align, grouped, table};

use super::result::Row;

/// Differences below this share mean nothing on a machine that does other things, too.
const NOISE: f64 = 0.2;

/// A number of about three significant digits.
#[must_use]
pub fn rounded(number: f64) -> String {
    match number {
        number if number >= 1000.0 => grouped(number.round() as u64),
        number if number >= 100.0 => format!("{number:.0}"),
        number if number >= 10.0 => format!("{number:.1}"),
        number if number >= 0.1 => format!("{number:.2}"),
        number => format!("{number:.3}"),
    }
}

/// Headings and cells of the comparison.
#[must_use]
pub fn cells(rows: &[Row]) -> (Vec<(&'static str, Align)>, Vec<Vec<String>>) {
    let headings = vec![
        ("mode", Align::Left),
        ("clients checked by", Align::Left),
        ("nodes", Align::Right),
        ("transfers/s", Align::Right),
        ("low–high", Align::Right),
        ("p50 ms", Align::Right),
        ("p99 ms", Align::Right),
        ("saturated p50 ms", Align::Right),
        ("CPU µs/tx", Align::Right),
        ("bytes/tx", Align::Right),
        ("signature checks/tx", Align::Right),
        ("syncs/tx", Align::Right),
        ("audit", Align::Left),
    ];
    let cells = rows.iter().map(|row| {
        let costs = &row.per_transfer;
        vec![
            row.configuration.mode.to_string(),
            row.configuration.client_checks.to_string(),
            row.configuration.nodes.to_string(),
            rounded(row.throughput.median),
            format!(
                "{}–{}",
                rounded(row.throughput.low),
                rounded(row.throughput.high)
            ),
            rounded(row.latency_ms.p50),
            rounded(row.latency_ms.p99),
            rounded(row.saturated_latency_ms.p50),
            rounded(costs.node_cpu_micros),
            rounded(costs.bytes),
            rounded(costs.node_signature_checks + costs.client_signature_checks),
            rounded(costs.syncs),
            row.audit.clone(),
        ]
    });
    (headings, cells.collect())
}

/// The comparison as plain text.
#[must_use]
pub fn text_table(rows: &[Row]) -> String {
    let (headings, cells) = cells(rows);
    table(&headings, &cells)
}

/// What it means, in a sentence or two.
#[must_use]
pub fn sentence(rows: &[Row]) -> String {
    let find = |mode: Mode, checks: ClientChecks, nodes: Option<usize>| {
        rows.iter().find(|row| {
            row.configuration.mode == mode
                && row.configuration.client_checks == checks
                && nodes.is_none_or(|nodes| row.configuration.nodes == nodes)
        })
    };
    let Some(byzantine) = find(Mode::Byzantine, ClientChecks::All, None) else {
        return plain_sentence(rows);
    };
    let nodes = byzantine.configuration.nodes;
    let mut clauses = Vec::new();
    if let Some(equal) = find(Mode::Raft, ClientChecks::All, Some(nodes)) {
        clauses.push(format!(
            "{} of raft's {} where every node checks clients, too",
            share(byzantine, equal),
            rounded(equal.throughput.median)
        ));
    }
    if let Some(trusting) = find(Mode::Raft, ClientChecks::Leader, Some(nodes)) {
        clauses.push(format!(
            "{} of raft's {} where the leader alone does",
            share(byzantine, trusting),
            rounded(trusting.throughput.median)
        ));
    }
    let faulty = (nodes - 1) / 3;
    let smaller = rows.iter().find(|row| {
        row.configuration.mode == Mode::Raft && row.configuration.nodes == 2 * faulty + 1
    });
    if let Some(smaller) = smaller.filter(|row| row.configuration.nodes != nodes) {
        clauses.push(format!(
            "{} of raft's {} with {} nodes, which tolerate as many crashes as it tolerates traitors",
            share(byzantine, smaller),
            rounded(smaller.throughput.median),
            smaller.configuration.nodes
        ));
    }
    let mut sentence = format!(
        "With {nodes} nodes, byzantine mode commits {} transfers a second",
        rounded(byzantine.throughput.median)
    );
    if !clauses.is_empty() {
        sentence.push_str(": ");
        sentence.push_str(&clauses.join(", "));
    }
    sentence.push('.');
    let raft = find(Mode::Raft, ClientChecks::All, Some(nodes))
        .or_else(|| find(Mode::Raft, ClientChecks::Leader, Some(nodes)));
    if let Some(raft) = raft {
        sentence.push_str(&format!(
            " At low load half of its transfers are done within {} ms; raft's within {} ms.",
            rounded(byzantine.latency_ms.p50),
            rounded(raft.latency_ms.p50)
        ));
    }
    sentence
}

fn plain_sentence(rows: &[Row]) -> String {
    let best = rows
        .iter()
        .max_by(|one, other| one.throughput.median.total_cmp(&other.throughput.median));
    best.map_or_else(String::new, |best| {
        format!(
            "The most transfers a second, {}, were committed by {}.",
            rounded(best.throughput.median),
            best.configuration.name()
        )
    })
}

fn share(row: &Row, of: &Row) -> String {
    if of.throughput.median <= 0.0 {
        return "–".to_owned();
    }
    format!("{:.2}", row.throughput.median / of.throughput.median)
}

/// A warning if repeats of one row differ so much that the figures should not be relied on.
#[must_use]
pub fn caution(rows: &[Row]) -> Option<String> {
    let wild = rows.iter().filter(|row| {
        let (low, high) = (row.throughput.low, row.throughput.high);
        high > 0.0 && (high - low) / high > NOISE
    });
    let names: Vec<String> = wild.map(|row| row.configuration.name()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "The repeats of {} differ by more than {:.0} %: the machine was busy with other things, \
             or needs longer runs.",
            names.join("; "),
            NOISE * 100.0
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::sample;

    #[test]
    fn the_sentence_names_the_shares() {
        let text = sentence(&sample::rows());
        assert!(
            text.contains("0.80 of raft's 8,000 where every node checks"),
            "{text}"
        );
        assert!(
            text.contains("0.53 of raft's 12,000 where the leader alone does"),
            "{text}"
        );
        assert!(
            text.contains("within 3.00 ms; raft's within 2.50 ms"),
            "{text}"
        );
    }

    #[test]
    fn without_byzantine_mode_the_fastest_is_named() {
        let rows: Vec<Row> = sample::rows().into_iter().take(2).collect();
        assert!(sentence(&rows).contains("12,000"));
        assert_eq!(sentence(&[]), "");
    }

    #[test]
    fn repeats_that_differ_much_are_pointed_at() {
        let mut rows = sample::rows();
        assert_eq!(caution(&rows), None);
        rows[0].throughput.low = rows[0].throughput.high * 0.7;
        assert!(
            caution(&rows)
                .unwrap()
                .contains("raft, 4 nodes, leader checks")
        );
    }

    #[test]
    fn numbers_have_about_three_digits() {
        let shown = [12_345.6, 999.4, 45.67, 1.234, 0.0123].map(rounded);
        assert_eq!(shown, ["12,346", "999", "45.7", "1.23", "0.012"]);
    }
}
