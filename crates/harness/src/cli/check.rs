//! `harness check`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use terminal::{Output, exit::Code};
use testnet::failure::{Failure, Outcome};

use crate::{checks::check_history, history::History};

#[derive(Args)]
pub struct Arguments {
    /// The history of a run: history.jsonl in its folder
    file: PathBuf,
}

pub fn run(arguments: &Arguments, output: &Output) -> Outcome<Code> {
    let history = History::load(&arguments.file)
        .map_err(|error| Failure::usage(format!("{}: {error}", arguments.file.display())))?;
    let (checked, violations) = check_history(&history);
    let mut text = format!(
        "{} operations on {} groups of accounts; {} positions searched.\n",
        history.records.len(),
        history.accounts.groups.len(),
        checked.steps
    );
    for violation in &violations {
        text.push_str(&format!("{}: {violation}\n", output.bad("violated")));
    }
    if violations.is_empty() {
        text.push_str(&output.good("The history is linearizable."));
    }
    output.result(
        &json!({"checked": checked, "violations": violations}),
        text.trim_end(),
    );
    Ok(if violations.is_empty() {
        Code::Ok
    } else {
        Code::AssertionFailed
    })
}
