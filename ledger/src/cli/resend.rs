//! `ledger resend ID`: sends a payment of this directory once more, the very same one.

use crate::{Outcome as Executed, RejectionCode, SignedTransaction, request_key};
use clap::Args;
use client::{ClientError, SignedRequest, Wait};
use consensus::encoding::Canonical;
use serde_json::json;
use terminal::{Output, explained};

use super::{
    connect::Connection,
    failure::{Failure, Outcome},
    payment::{refused_for, result_of},
    refusal::rejected,
    sent::Sent,
    setup::{Common, Setup},
    show,
    transaction::parse_id,
};

pub const EXAMPLES: &str = "\
A payment whose outcome stayed unknown is kept in DIR/sent. To send it again is safe: the ledger
carries it out once at most, whoever sends it how often.

Examples:
  ledger resend 8f0c…";

#[derive(Args)]
pub struct Arguments {
    /// The transaction's id: 64 hexadecimal digits
    id: String,
}

pub async fn run(common: &Common, arguments: &Arguments, output: Output) -> Outcome {
    let id = parse_id(&arguments.id)?;
    let setup = Setup::load(common)?;
    let connection = Connection::open(&setup, None)?;
    let network = connection.configuration.domain().network;
    let ask = common.command(&["tx", &id.to_string()]);
    let none = || {
        Failure::usage(format!("no payment {id} of this network is kept here"))
            .meaning("Nothing was sent.")
            .next(explained(&ask, "what became of it"))
    };
    let note = Sent::load(common, &id).ok_or_else(none)?;
    let signed = SignedTransaction::read(&network, &note.payload.0).map_err(|_| none())?;
    if signed.transaction.id() != id {
        return Err(none());
    }
    let request = SignedRequest {
        payload: signed.to_bytes(),
        key: request_key(&signed.transaction),
        transaction: id.0,
    };
    let submitted = connection
        .client
        .submit_and_wait(request, Wait::Applied, connection.left());
    let unsettled = |error: ClientError| {
        let failure = match error {
            ClientError::NotAdmitted {
                settled: true,
                result,
            } if refused_for(&result) == Some(RejectionCode::NonceUsed) => Failure::new(
                terminal::exit::Code::Rejected,
                "another transaction has settled its nonce",
            )
            .meaning("This payment was not made and never will be."),
            error => connection.unanswered(&error).meaning(
                "The outcome is unknown: the payment may still be carried out, once at most.",
            ),
        };
        failure
            .known("id", id.to_string())
            .next(explained(&ask, "what became of it"))
    };
    let done = submitted.await.map_err(unsettled)?;
    let result = result_of(&done.result)?;
    Sent::forget(common, &id);
    if let Executed::Rejected(rejection) = &result.outcome {
        return Err(rejected(rejection).known("id", id.to_string()));
    }
    let index = done.index;
    let text = match &result.outcome {
        Executed::Repeat => format!(
            "Nothing was paid by it: its nonce or its reference was settled before entry {index}."
        ),
        _ => format!("Carried out once, in entry {index}, term {}.", done.term),
    };
    output.result(
        &json!({
            "id": id.to_string(),
            "status": show::status(&result.outcome),
            "index": index,
            "term": done.term,
            "repeats": show::repeats(&result),
        }),
        &text,
    );
    output.next(&explained(&ask, "what became of it"));
    Ok(())
}
