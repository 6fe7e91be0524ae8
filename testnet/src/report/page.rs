//! The page.

use std::fmt::Write;

use terminal::Align;

use super::{
    bars::{Bar, bars},
    escape,
    lines::{Line, lines},
};
use crate::compare::{Comparison, conclusion::cells, result::Row};

/// Colours that people with colour-blindness can tell apart (Okabe and Ito), on light and dark; the
/// lines of the further ones are broken, too.
const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1b1f24;--faint:#667;--grid:#d8dce2;--back:#fff;--card:#f6f7f9}\
@media(prefers-color-scheme:dark){:root{--text:#e6e8eb;--faint:#9aa3ad;--grid:#39404a;--back:#14171b;--card:#1c2026}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem;margin-bottom:.3rem}h2{font-size:1.15rem;margin:2.2rem 0 .4rem}\
.conclusion{font-size:1.1rem;border-left:4px solid #0072b2;padding:.5rem 1rem;background:var(--card)}\
.caution{border-left:4px solid #d55e00;padding:.5rem 1rem;background:var(--card)}\
.note,.mark,.legend,td.label{color:var(--faint)}.note{font-size:.9rem}\
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}\
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--grid);text-align:left;white-space:nowrap}\
th.right,td.right{text-align:right}code{background:var(--card);padding:.1rem .3rem;white-space:normal}\
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--text)}svg .mark{fill:var(--faint)}\
svg .value{font-weight:600}.grid{stroke:var(--grid)}.whisker{stroke:var(--text);fill:none}.dot{fill:var(--back);stroke:var(--text)}\
.line{fill:none;stroke-width:2}.legend span{margin-right:1.2rem;white-space:nowrap;font-size:.9rem}\
.legend i{display:inline-block;width:1rem;height:.6rem;margin-right:.35rem}\
.c0,.b0{fill:#0072b2;background:#0072b2}.c1,.b1{fill:#56b4e9;background:#56b4e9}.c2,.b2{fill:#009e73;background:#009e73}\
.c3,.b3{fill:#d55e00;background:#d55e00}.c4,.b4{fill:#cc79a7;background:#cc79a7}.c5,.b5{fill:#e69f00;background:#e69f00}\
.c6,.b6{fill:#7f8792;background:#7f8792}.c7,.b7{fill:#f0e442;background:#f0e442}.c8,.b8{fill:#004b76;background:#004b76}\
.c9,.b9{fill:#005c44;background:#005c44}.c10,.b10{fill:#8c3d00;background:#8c3d00}.c11,.b11{fill:#7d3c62;background:#7d3c62}\
.s0{stroke:#0072b2}.s1{stroke:#56b4e9}.s2{stroke:#009e73}.s3{stroke:#d55e00}.s4{stroke:#cc79a7}.s5{stroke:#e69f00}\
.s6{stroke:#7f8792}.s7{stroke:#f0e442}.s8{stroke:#004b76}.s9{stroke:#005c44}.s10{stroke:#8c3d00}.s11{stroke:#7d3c62}\
.s6,.s7,.s8,.s9,.s10,.s11{stroke-dasharray:7 4}";

/// As many as a comparison can have rows.
const COLOURS: usize = 12;

/// The whole page.
#[must_use]
pub fn page(comparison: &Comparison) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>Hawser: the modes compared</title><style>{STYLE}</style></head><body>\n\
         <h1>The modes compared</h1>\n<p class=\"conclusion\">{}</p>\n",
        escape(&comparison.conclusion)
    );
    if let Some(caution) = &comparison.caution {
        let _ = writeln!(html, "<p class=\"caution\">{}</p>", escape(caution));
    }
    html.push_str(&throughput(&comparison.results));
    html.push_str(&latency(comparison));
    html.push_str(&costs(&comparison.results));
    html.push_str(&over_time(&comparison.results));
    html.push_str(&figures(&comparison.results));
    html.push_str(&method(comparison));
    html.push_str("</body></html>\n");
    html
}

fn name(row: &Row) -> String {
    row.configuration.name()
}

fn section(title: &str, note: &str, content: &str) -> String {
    format!("<h2>{title}</h2>\n<p class=\"note\">{note}</p>\n{content}\n")
}

fn throughput(rows: &[Row]) -> String {
    let shown: Vec<Bar> = rows
        .iter()
        .enumerate()
        .map(|(position, row)| Bar {
            name: name(row),
            parts: vec![(row.throughput.median, position % COLOURS)],
            range: Some((row.throughput.low, row.throughput.high)),
            dots: row.repeats.clone(),
        })
        .collect();
    let title = "Transfers a second, saturated";
    section(
        title,
        "The median of the repeats; each repeat is a dot. More is better.",
        &bars(title, "acknowledged transfers a second", &shown),
    )
}

fn latency(comparison: &Comparison) -> String {
    let rows = &comparison.results;
    let title = "Latency at low load";
    let shown: Vec<Bar> = rows
        .iter()
        .enumerate()
        .map(|(position, row)| Bar {
            name: name(row),
            parts: vec![(row.latency_ms.p50, position % COLOURS)],
            range: Some((row.latency_ms.p50, row.latency_ms.p99)),
            dots: Vec::new(),
        })
        .collect();
    let curves: Vec<Line> = rows
        .iter()
        .enumerate()
        .map(|(position, row)| Line {
            name: name(row),
            points: row
                .latency_curve
                .iter()
                .map(|&(share, latency)| (latency, share * 100.0))
                .collect(),
            colour: position % COLOURS,
        })
        .collect();
    section(
        title,
        &format!(
            "At {} transfers a second, from when a transfer was due until enough nodes had answered \
             that it was applied. The bar is the median, the whisker reaches to what one in a \
             hundred exceeds. Less is better.",
            comparison.method.rate
        ),
        &format!(
            "{}\n{}",
            bars(title, "milliseconds", &shown),
            lines(
                "Distribution of latencies at low load",
                "milliseconds",
                "% of transfers done",
                &curves
            )
        ),
    )
}

fn costs(rows: &[Row]) -> String {
    let plot = |title: &str, unit: &str, parts: &dyn Fn(&Row) -> Vec<(f64, usize)>| {
        let shown: Vec<Bar> = rows
            .iter()
            .map(|row| Bar {
                name: name(row),
                parts: parts(row),
                range: None,
                dots: Vec::new(),
            })
            .collect();
        format!("<h3>{title}</h3>\n{}\n", bars(title, unit, &shown))
    };
    let legend = |names: [&str; 2], colours: [usize; 2]| {
        format!(
            "<p class=\"legend\"><span><i class=\"b{}\"></i>{}</span> <span><i class=\"b{}\"></i>{}</span></p>",
            colours[0], names[0], colours[1], names[1]
        )
    };
    let mut content = plot(
        "Processor time",
        "microseconds for each transfer, all processes together",
        &|row| {
            let costs = &row.per_transfer;
            vec![(costs.node_cpu_micros, 0), (costs.client_cpu_micros, 5)]
        },
    );
    content.push_str(&legend(["nodes", "clients"], [0, 5]));
    content.push_str(&plot(
        "Signature checks",
        "checks for each transfer, all nodes together",
        &|row| {
            let costs = &row.per_transfer;
            vec![
                (costs.client_signature_checks, 2),
                (costs.node_signature_checks, 3),
            ]
        },
    ));
    content.push_str(&legend(["of clients", "of nodes"], [2, 3]));
    content.push_str(&plot(
        "Bytes sent",
        "bytes for each transfer, by all nodes, to each other and to clients",
        &|row| vec![(row.per_transfer.bytes, 4)],
    ));
    section(
        "What a transfer costs",
        "While saturated, divided by the transfers applied in that time.",
        &content,
    )
}

fn over_time(rows: &[Row]) -> String {
    let shown: Vec<Line> = rows
        .iter()
        .enumerate()
        .map(|(position, row)| Line {
            name: name(row),
            points: row.over_time.clone(),
            colour: position % COLOURS,
        })
        .collect();
    let title = "Over time";
    section(
        title,
        "Transfers a second in the repeat whose throughput is nearest to the median.",
        &lines(title, "seconds", "transfers a second", &shown),
    )
}

fn figures(rows: &[Row]) -> String {
    let (headings, cells) = cells(rows);
    let class = |align: Align| match align {
        Align::Left => "",
        Align::Right => " class=\"right\"",
    };
    let mut table = String::from("<div class=\"wide\"><table><thead><tr>");
    for (heading, align) in &headings {
        let _ = write!(table, "<th{}>{}</th>", class(*align), escape(heading));
    }
    table.push_str("</tr></thead><tbody>");
    for row in &cells {
        table.push_str("<tr>");
        for (cell, (_, align)) in row.iter().zip(&headings) {
            let _ = write!(table, "<td{}>{}</td>", class(*align), escape(cell));
        }
        table.push_str("</tr>");
    }
    table.push_str("</tbody></table></div>");
    section(
        "All figures",
        "p50 and p99 are latencies at low load. The audit after every run: all nodes at one entry, \
         the same accounts on all, money conserved, and on every account exactly what the \
         acknowledged transfers leave it.",
        &table,
    )
}

fn method(comparison: &Comparison) -> String {
    let method = &comparison.method;
    let mut table = String::from("<div class=\"wide\"><table><tbody>");
    for (label, value) in comparison.environment.rows() {
        let value = escape(&value);
        let value = match label {
            "command" => format!("<code>{value}</code>"),
            _ => value,
        };
        let _ = write!(
            table,
            "<tr><td class=\"label\">{label}</td><td>{value}</td></tr>"
        );
    }
    table.push_str("</tbody></table></div>");
    section(
        "How it was measured",
        &format!(
            "Real processes on one machine over QUIC on the loopback interface, every node with its \
             own files, syncs on; {} clients in one more process, each with connections to all \
             nodes, share the machine with them. Every transfer is a transaction with one Ed25519 \
             signature, made by the client when there is room for it, none ahead. It counts once \
             f + 1 nodes say that it was applied, one node in the Raft modes. Each row was run {} \
             times in turn with the others: a second of warming up, {} s at {} transfers a second \
             (open loop), a second of warming up again, and {} s with {} transfers under way at all \
             times (closed loop).",
            method.clients,
            method.repeats,
            method.low_load_seconds,
            method.rate,
            method.saturated_seconds,
            method.outstanding
        ),
        &table,
    )
}
