//! `harness list`.

use clap::Args;
use keys::Mode;
use serde::Serialize;
use terminal::{Align, Output, exit::Code, explained, table};
use testnet::failure::Outcome;

use crate::nemesis::{Machine, all};

#[derive(Args)]
pub struct Arguments {
    /// How the nodes agree: raft, raft-signed or byzantine
    #[arg(long, default_value = "byzantine")]
    mode: Mode,
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    family: &'static str,
    summary: &'static str,
    available: bool,
    reason: Option<String>,
}

pub fn run(arguments: &Arguments, output: &Output) -> Outcome<Code> {
    let machine = Machine::probe();
    let lines: Vec<Line> = all()
        .into_iter()
        .map(|nemesis| {
            let checked = nemesis.check(arguments.mode, 1, &machine);
            Line {
                name: nemesis.name,
                family: nemesis.family.name(),
                summary: nemesis.summary,
                available: checked.is_ok(),
                reason: checked.err().map(|reason| reason.to_string()),
            }
        })
        .collect();
    let mut rows = Vec::new();
    for line in &lines {
        let state = line.reason.as_ref();
        let state = state.map_or_else(String::new, |reason| format!("not here: {reason}"));
        rows.push(vec![
            line.name.to_owned(),
            line.family.to_owned(),
            format!("{} {state}", line.summary).trim_end().to_owned(),
        ]);
    }
    let text = table(
        &[
            ("nemesis", Align::Left),
            ("family", Align::Left),
            ("what it does", Align::Left),
        ],
        &rows,
    );
    output.result(&lines, &text);
    output.next(&explained(
        "cargo harness run --nemesis kill-leader,partition",
        "uses two of them",
    ));
    Ok(Code::Ok)
}
