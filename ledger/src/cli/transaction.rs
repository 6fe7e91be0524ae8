//! `ledger tx ID`: what became of a transaction.

use crate::{Outcome as Executed, RejectionCode, SignedTransaction};
use clap::Args;
use client::TransactionState;
use consensus::Hash;
use serde_json::{Value, json};
use terminal::{Output, exit::Code, explained};

use super::{
    connect::{Connection, Level},
    failure::{Failure, Outcome},
    payment::result_of,
    receipts::{self, Gathered, MOMENT},
    sent::Sent,
    setup::{Common, Setup},
    show,
};

pub const EXAMPLES: &str = "\
One of these, and nothing else:
  unknown    no node that was asked knows it
  pending    a node has taken it, and it is not in the ledger yet
  committed  its place in the ledger is certain, its result is not yet known to enough nodes
  applied    it took effect
  rejected   it had no effect and never will have, for the reason given by a code
  superseded it is in no entry and never will be: another transaction has settled its nonce, or its
             time is over
  repeat     it had no effect: its nonce was settled before by another transaction, or the payment
             of its reference was made before
  expired    its time is over: it had no effect and never will have

The exit code is 3 while the outcome is open (unknown, pending), and 0 once it is one of the others.

Examples:
  ledger tx 8f0c…
  ledger tx 8f0c… --json";

/// A transaction's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Pending,
    Committed,
    Applied,
    Rejected,
    Repeat,
    Superseded,
    Expired,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Committed => "committed",
            Self::Applied => "applied",
            Self::Rejected => "rejected",
            Self::Repeat => "repeat",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
        }
    }

    const fn of(outcome: &Executed) -> Self {
        match outcome {
            Executed::Applied => Self::Applied,
            Executed::Repeat => Self::Repeat,
            Executed::Rejected(rejection) => match rejection.code {
                RejectionCode::Expired => Self::Expired,
                _ => Self::Rejected,
            },
        }
    }
}

#[derive(Args)]
pub struct Arguments {
    /// The transaction's id: 64 hexadecimal digits
    id: String,
}

/// Reads an id.
pub fn parse_id(text: &str) -> Outcome<Hash> {
    keys::from_hex(&text.to_lowercase())
        .map(Hash)
        .ok_or_else(|| Failure::usage(format!("{text:?} is no id: an id is 64 hexadecimal digits")))
}

pub async fn run(common: &Common, arguments: &Arguments, output: Output) -> Outcome {
    let id = parse_id(&arguments.id)?;
    let setup = Setup::load(common)?;
    let connection = Connection::open(&setup, None)?;
    let state = connection.client.transaction(id.0, connection.left()).await;
    let state = state.map_err(|error| connection.unanswered(&error))?;
    match state {
        TransactionState::Applied {
            index,
            term,
            position,
            outcome,
        } => {
            Sent::forget(common, &id);
            let result = result_of(&outcome.result)?;
            let state = State::of(&result.outcome);
            let rejection = show::rejection(&result.outcome);
            let mut text = format!(
                "{} in entry {index}, term {term}, position {position}",
                state.as_str()
            );
            if let Executed::Rejected(rejection) = &result.outcome {
                text.push_str(&format!(": {rejection}. No money moved"));
            }
            text.push('.');
            match (&result.outcome, result.repeats) {
                (Executed::Repeat, Some(earlier)) => text.push_str(&format!(
                    "\nIt repeats {} of entry {} and had no effect of its own.",
                    earlier.transaction, earlier.place.index
                )),
                (Executed::Repeat, None) => text.push_str(
                    "\nAnother transaction had settled its nonce. It had no effect and never will have.",
                ),
                _ => {}
            }
            let place = json!({
                "index": index,
                "term": term,
                "position": position,
                "rejection": rejection,
                "repeats": show::repeats(&result),
            });
            output.result(&described(&id, state, place), &text);
            output.next(&common.command(&[
                "receipt",
                "get",
                &id.to_string(),
                "--out",
                "receipt.json",
            ]));
        }
        TransactionState::Pending => pending(&connection, &id, output).await?,
        TransactionState::Superseded { applied } => {
            superseded(&id, applied, output);
        }
        TransactionState::Unknown { applied } => match lost_nonce(&connection, &id).await {
            Some(applied) => superseded(&id, applied, output),
            None => unknown(&connection, &id, applied, output)?,
        },
    }
    Ok(())
}

/// It waits, or too few nodes agree on its result while its place is proved already.
async fn pending(connection: &Connection, id: &Hash, output: Output) -> Outcome {
    let gathered = receipts::gather(connection, *id, MOMENT).await;
    let place = match &gathered {
        Gathered::Whole(found) | Gathered::Partial(found, _) => Some(&found.1),
        Gathered::Missing(_) => None,
    };
    match place {
        Some(verified) => {
            output.result(
            &described(
                id,
                State::Committed,
                json!({"index": verified.place.index, "term": verified.term.0, "position": verified.place.position}),
            ),
            &format!(
                "committed in entry {}, term {}; too few nodes have confirmed its result yet.",
                verified.place.index, verified.term
            ),
        );
            Ok(())
        }
        None => {
            output.result(
                &described(id, State::Pending, json!({})),
                "pending: a node has taken it, and it is not in the ledger yet. Ask again in a moment.",
            );
            Err(Failure::after_result(Code::NoQuorum))
        }
    }
}

/// No entry up to `applied` holds it, and none ever will.
/// The note stays: without it nobody may be able to tell it again.
fn superseded(id: &Hash, applied: u64, output: Output) {
    output.result(
        &described(id, State::Superseded, json!({"applied": applied})),
        &format!(
            "superseded: no entry up to {applied} holds it, and none ever will: another transaction has settled its nonce, or its time is over. It had no effect."
        ),
    );
}

/// Whether another transaction has settled the nonce of one that was sent from here: up to which index
/// no entry holds it. Few nodes may have taken it, and one node's word is not enough.
async fn lost_nonce(connection: &Connection, id: &Hash) -> Option<u64> {
    let network = connection.configuration.domain().network;
    let note = Sent::load(&connection.setup.common, id)?;
    let signed = SignedTransaction::read(&network, &note.payload.0).ok()?;
    let transaction = &signed.transaction;
    if transaction.id() != *id {
        return None;
    }
    let payer = transaction.account;
    let account = connection.account(payer, Level::Matching).await.ok()?;
    let account = account.answer?;
    let nonce = transaction.nonce;
    if nonce >= account.next_nonce && !account.used_ahead.contains(&nonce) {
        return None;
    }
    // It may itself be what settled the nonce, in a state that the answer above is of: whoever has
    // executed as much as was committed by now has that state behind it.
    let now = connection.account(payer, Level::Linearizable).await.ok()?;
    let state = connection.client.transaction(id.0, connection.left()).await;
    match state.ok()? {
        TransactionState::Unknown { applied } | TransactionState::Superseded { applied } => {
            (applied >= now.applied).then_some(applied)
        }
        TransactionState::Pending | TransactionState::Applied { .. } => None,
    }
}

/// No entry up to `applied` holds it. If it was sent from here, it may be certain that none ever
/// will.
fn unknown(connection: &Connection, id: &Hash, applied: u64, output: Output) -> Outcome {
    let common = &connection.setup.common;
    let note = Sent::load(common, id);
    let valid_until = note.as_ref().map(|note| note.valid_until);
    let json = json!({"valid_until": valid_until, "applied": applied});
    if let Some(last) = valid_until.filter(|last| applied >= *last) {
        Sent::forget(common, id);
        output.result(
            &described(id, State::Expired, json),
            &format!(
                "expired: it was valid until entry {last}, and no entry up to {applied} holds it. It had no effect and never will have."
            ),
        );
        return Ok(());
    }
    let text = format!(
        "unknown: no entry up to {applied} holds it, and no node that was asked has taken it."
    );
    output.result(&described(id, State::Unknown, json), &text);
    if let Some(note) = &note {
        let id = id.to_string();
        let words: Vec<&str> = match note.repeat.is_empty() {
            true => vec!["resend", &id],
            false => note.repeat.iter().map(String::as_str).collect(),
        };
        output.remark("It was sent from here, and may still be carried out, once at most.");
        output.next(&explained(&common.command(&words), "repeats it safely"));
    }
    Err(Failure::after_result(Code::NoQuorum))
}

fn described(id: &Hash, state: State, more: Value) -> Value {
    let mut json = json!({"id": id.to_string(), "status": state.as_str()});
    if let (Value::Object(object), Value::Object(more)) = (&mut json, more) {
        object.extend(more);
    }
    json
}

#[cfg(test)]
mod tests {
    use crate::Rejection;

    use super::*;

    #[test]
    fn every_outcome_is_one_of_the_states() {
        assert_eq!(State::of(&Executed::Applied), State::Applied);
        assert_eq!(State::of(&Executed::Repeat), State::Repeat);
        for code in RejectionCode::ALL {
            let state = State::of(&Executed::Rejected(Rejection::from(*code)));
            let expected = match code {
                RejectionCode::Expired => State::Expired,
                _ => State::Rejected,
            };
            assert_eq!(state, expected, "{code}");
        }
    }

    #[test]
    fn an_id_is_64_digits() {
        assert_eq!(parse_id(&"ab".repeat(32)).unwrap(), Hash([0xab; 32]));
        assert_eq!(parse_id(&"AB".repeat(32)).unwrap(), Hash([0xab; 32]));
        for bad in ["", "ab", &"g".repeat(64), &"ab".repeat(33)] {
            assert!(parse_id(bad).is_err(), "{bad:?}");
        }
    }
}
