//! How the lines of `ledger submit` ended: one by one, and together.

use crate::{Outcome as Executed, TransactionResult};
use consensus::{Hash, encoding::Canonical};
use serde_json::{Map, Value, json};
use terminal::{Output, exit::Code};

use super::{
    failure::{Failure, Outcome},
    show,
};

/// How many lines ended how.
#[derive(Default)]
pub struct Totals {
    applied: u64,
    repeated: u64,
    rejected: u64,
    unknown: u64,
    unsent: u64,
    invalid: u64,
    failed: u64,
}

impl Totals {
    /// The exit code of them all.
    pub const fn code(&self) -> Code {
        if self.unknown > 0 || self.unsent > 0 {
            Code::NoQuorum
        } else if self.rejected > 0 {
            Code::Rejected
        } else if self.failed > 0 {
            Code::Internal
        } else if self.invalid > 0 {
            Code::Usage
        } else {
            Code::Ok
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        format!(
            "{} applied, {} done before, {} rejected, {} of unknown outcome, {} not sent, \
             {} unreadable, {} failed",
            self.applied,
            self.repeated,
            self.rejected,
            self.unknown,
            self.unsent,
            self.invalid,
            self.failed
        )
    }

    /// Counts one.
    pub fn note(&mut self, end: &End) {
        match end {
            End::Done { result, .. } => match result.outcome {
                Executed::Repeat => self.repeated += 1,
                Executed::Applied => self.applied += 1,
                Executed::Rejected(_) => self.rejected += 1,
            },
            End::Failed(failure) => match failure.code {
                Code::Usage => self.invalid += 1,
                Code::NoQuorum | Code::TestnetState if failure.unsent => self.unsent += 1,
                Code::NoQuorum | Code::TestnetState => self.unknown += 1,
                Code::Rejected => self.rejected += 1,
                _ => self.failed += 1,
            },
        }
    }
}

/// How a line ended.
pub enum End {
    Done {
        id: Hash,
        index: u64,
        term: u64,
        result: TransactionResult,
    },
    Failed(Failure),
}

/// A line's number, its reference, and how it ended.
pub type Finished = (u64, Option<String>, End);

/// Reports a line that is over.
pub fn finish(
    done: Result<Finished, tokio::task::JoinError>,
    totals: &mut Totals,
    output: Output,
) -> Outcome {
    let (number, reference, end) = done.map_err(|error| Failure::system("finish a line", error))?;
    totals.note(&end);
    let (mut json, text) = match end {
        End::Done {
            id,
            index,
            term,
            result,
        } => {
            let first = result.repeats.map_or(id, |earlier| earlier.transaction);
            let index = result.repeats.map_or(index, |earlier| earlier.place.index);
            // Under a reference only what was applied is repeated.
            let status = match result.outcome {
                Executed::Repeat => show::status(&Executed::Applied),
                outcome => show::status(&outcome),
            };
            let json = json!({
                "id": first.to_string(),
                "status": status,
                "index": index,
                "term": result.repeats.is_none().then_some(term),
                "repeated": result.repeats.is_some(),
                "rejection": show::rejection(&result.outcome),
                "result": keys::to_hex(&result.to_bytes()),
            });
            let text = match &result.outcome {
                Executed::Applied | Executed::Repeat => {
                    format!("applied in entry {index}  {first}")
                }
                Executed::Rejected(rejection) => format!("rejected: {rejection}  {first}"),
            };
            (json, text)
        }
        End::Failed(failure) => {
            let status = match failure.code {
                Code::Usage => "invalid",
                Code::Rejected => "rejected",
                _ if failure.unsent => "unsent",
                _ => "unknown",
            };
            let mut object = failure.json();
            object.entry("status").or_insert_with(|| status.into());
            (
                Value::Object(object),
                format!("{status}: {}", failure.message),
            )
        }
    };
    let mut line = Map::from_iter([("line".to_owned(), number.into())]);
    line.insert("reference".to_owned(), reference.into());
    if let Value::Object(object) = &mut json {
        line.append(object);
    }
    output.line(&line, &format!("line {number}: {text}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_weighs_most() {
        let mut totals = Totals::default();
        assert_eq!(totals.code(), Code::Ok);
        totals.invalid = 1;
        assert_eq!(totals.code(), Code::Usage);
        totals.rejected = 1;
        assert_eq!(totals.code(), Code::Rejected);
        totals.unsent = 1;
        assert_eq!(totals.code(), Code::NoQuorum);
        totals.unknown = 1;
        assert_eq!(totals.code(), Code::NoQuorum);
    }

    #[test]
    fn only_what_was_sent_is_of_unknown_outcome() {
        let mut totals = Totals::default();
        let failure = Failure::new(Code::NoQuorum, "0 of 4 nodes answer");
        totals.note(&End::Failed(failure.clone().unsent()));
        totals.note(&End::Failed(failure.clone().unsent().under_reference()));
        assert_eq!((totals.unsent, totals.unknown), (2, 0));
        totals.note(&End::Failed(failure));
        assert_eq!((totals.unsent, totals.unknown), (2, 1));
    }
}
