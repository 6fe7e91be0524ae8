//! `ledger receipt verify`: judges a receipt from the genesis file alone.

use std::path::PathBuf;

use crate::{
    Assurance, Outcome as Executed, Receipt, ReceiptFailure, VerifiedReceipt,
    limits::RECEIPT_BYTES,
    receipt::{Shown, Step},
};
use clap::Args;
use consensus::encoding::Canonical;
use serde_json::{Value, json};
use terminal::{Output, exit::Code};

use super::{
    failure::{Failure, Outcome},
    files,
    setup::Common,
    show,
};

#[derive(Args)]
pub struct Arguments {
    /// The receipt's file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The genesis file to check against [default: the data directory's]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
}

pub fn run(common: &Common, arguments: &Arguments, output: Output) -> Outcome {
    let genesis = common.genesis_by_option(arguments.genesis.as_deref())?;
    let bytes = files::read(&arguments.file, RECEIPT_BYTES)?;
    let receipt = Receipt::from_json(&bytes).map_err(|error| {
        Failure::unverified(format!("{}: {error}", arguments.file.display()))
            .meaning("The receipt proves nothing.")
            .known("valid", false)
    })?;
    match receipt.verify(&genesis) {
        Ok(verified) => {
            let names = |account: &keys::Address| {
                let known = genesis.account_by_address(account);
                known.map_or_else(|| account.to_string(), |account| account.name.clone())
            };
            let transaction = &verified.transaction.transaction;
            // What happened to the payment comes first: the rest is how that is known.
            let mut lines = vec![happened(&verified)];
            let operations = show::operations(&genesis, transaction, names);
            lines.extend(operations.into_iter().map(|line| format!("  {line}")));
            lines.push(String::new());
            lines.extend(verified.steps.iter().map(passed));
            lines.push(String::new());
            lines.push(format!("The receipt holds: {}.", conclusion(&verified)));
            if verified.shown() == Shown::Applied {
                output.result(&described(&verified), &lines.join("\n"));
                return Ok(());
            }
            for line in &lines {
                output.remark(line);
            }
            Err(not_paid(&verified))
        }
        Err(failure) => Err(refused(&failure, output)),
    }
}

/// A sentence about the payment.
fn happened(verified: &VerifiedReceipt) -> String {
    let index = verified.place.index;
    match verified.shown() {
        Shown::Applied => format!("APPLIED in entry {index}: this was done."),
        Shown::Rejected => {
            format!("REJECTED in entry {index}: nothing of this was done, and never will be.")
        }
        Shown::Repeat => format!(
            "REPEAT in entry {index}: nothing of this was done there, it was settled before."
        ),
        Shown::Unproven => {
            "NOT PROVEN: this receipt does not show whether this was done.".to_owned()
        }
    }
}

/// The receipt holds, and nobody should take it for a payment.
fn not_paid(verified: &VerifiedReceipt) -> Failure {
    let result = verified.result.as_ref().map(|result| &result.result);
    let (code, message, meaning) = match verified.shown() {
        Shown::Rejected => (
            Code::Rejected,
            match result.map(|result| &result.outcome) {
                Some(Executed::Rejected(rejection)) => {
                    format!("the transaction was rejected: {rejection}")
                }
                _ => "the transaction was rejected".to_owned(),
            },
            "No money moved by it, and none will.",
        ),
        Shown::Repeat => (
            Code::Rejected,
            match result.and_then(|result| result.repeats) {
                Some(earlier) => format!(
                    "the receipt is of a repeat: transaction {} of entry {} was applied under its reference",
                    earlier.transaction, earlier.place.index
                ),
                None => "the receipt is of a repeat: the nonce was settled before".to_owned(),
            },
            "No money moved where this receipt points. The receipt of the first execution shows what was done.",
        ),
        Shown::Applied | Shown::Unproven => (
            Code::Unproven,
            "the receipt does not prove that the transaction was applied".to_owned(),
            "Do not take it for a payment. Ask for a receipt with a certified result; in the Raft modes nobody signs results.",
        ),
    };
    let mut failure = Failure::new(code, message).meaning(meaning);
    if let Value::Object(known) = described(verified) {
        failure.known = known;
    }
    failure
}

fn passed(step: &Step) -> String {
    let word = if step.proven { "ok" } else { "none" };
    format!("{word:<5} {:<12} {}", step.check, step.sentence)
}

fn conclusion(verified: &VerifiedReceipt) -> &'static str {
    match (verified.assurance, &verified.result) {
        (Assurance::Certified, Some(result)) if result.certified => {
            "place, commit and result are certified"
        }
        (Assurance::Certified, _) => "place and commit are certified, the result is not",
        (Assurance::MajorityAcknowledged, _) => {
            "a majority acknowledged the entry; the result is one node's word"
        }
        (Assurance::InclusionOnly, _) => {
            "the transaction is signed and stands in the entry shown; nothing proves that the entry was committed"
        }
    }
}

fn described(verified: &VerifiedReceipt) -> Value {
    let result = verified.result.as_ref();
    json!({
        "valid": true,
        "applied": verified.shown() == Shown::Applied,
        "shown": match verified.shown() {
            Shown::Applied => "applied",
            Shown::Rejected => "rejected",
            Shown::Repeat => "repeat",
            Shown::Unproven => "unproven",
        },
        "id": verified.id.to_string(),
        "assurance": match verified.assurance {
            Assurance::InclusionOnly => "inclusion-only",
            Assurance::MajorityAcknowledged => "majority-acknowledged",
            Assurance::Certified => "certified",
        },
        "index": verified.place.index,
        "position": verified.place.position,
        "term": verified.term.0,
        "entry": verified.entry.hash.to_string(),
        "timestamp_unix_ms": verified.timestamp,
        "result": result.map(|result| json!({
            "certified": result.certified,
            "status": show::status(&result.result.outcome),
            "rejection": show::rejection(&result.result.outcome),
            "repeats": show::repeats(&result.result),
            "bytes": keys::to_hex(&result.result.to_bytes()),
        })),
        "steps": verified.steps.iter().map(|step| step_json(step, true)).collect::<Vec<_>>(),
    })
}

fn step_json(step: &Step, passed: bool) -> Value {
    json!({
        "check": step.check.to_string(),
        "passed": passed,
        "text": step.sentence,
    })
}

fn refused(failure: &ReceiptFailure, output: Output) -> Failure {
    for step in &failure.passed {
        output.remark(&passed(step));
    }
    output.remark(&format!("FAIL  {:<12} {}", failure.failed, failure.error));
    let mut steps: Vec<Value> = failure
        .passed
        .iter()
        .map(|step| step_json(step, true))
        .collect();
    steps.push(json!({
        "check": failure.failed.to_string(),
        "passed": false,
        "text": failure.error.to_string(),
    }));
    Failure::unverified(format!(
        "the receipt does not hold: {}: {}",
        failure.failed, failure.error
    ))
    .meaning("Do not accept it: it was changed, is of another network, or was made up.")
    .known("valid", false)
    .known("steps", steps)
}
