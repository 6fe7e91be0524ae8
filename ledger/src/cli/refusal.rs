//! What to say when a payment did not go through: what is certain, what it means for the user's
//! money, and how to repeat it safely.

use std::time::Duration;

use crate::{Outcome as Executed, Rejection, RejectionCode, TransactionResult};
use client::ClientError;
use consensus::{Hash, encoding::Canonical};
use terminal::{exit::Code, explained, show_span};

use super::{connect::Connection, failure::Failure, payment::Order, reference::Reference, show};

impl Order {
    /// Nothing certain came back, or that it is refused.
    pub fn failure(&self, connection: &Connection, id: &Hash, error: &ClientError) -> Failure {
        let nothing = "No money moved.";
        match error {
            ClientError::NoQuorum {
                reachable,
                needed,
                unreachable,
            } => {
                let purpose = "to commit a payment";
                let failure = connection.too_few(*reachable, *needed, unreachable, purpose);
                self.undecided(connection, id, failure)
            }
            ClientError::OutcomeUnknown {
                after,
                answers,
                needed,
                last_refusal,
            } => {
                let refusal = last_refusal
                    .as_ref()
                    .map_or_else(String::new, |said| format!("; a node said: {said}"));
                // What was left of the user's own span, to a tenth of a second.
                let span = show_span(Duration::from_millis(
                    u64::try_from(after.as_millis())
                        .unwrap_or(0)
                        .next_multiple_of(100),
                ));
                let message = match needed {
                    1 => format!("no outcome within {span}: no node told it{refusal}"),
                    _ => format!(
                        "no outcome within {span}: {answers} of the {needed} nodes that must say the same did{refusal}"
                    ),
                };
                let failure = Failure::new(Code::NoQuorum, message).next(explained(
                    &connection.setup.common.command(&["status"]),
                    "how the nodes are",
                ));
                self.undecided(connection, id, failure)
            }
            ClientError::Invalid(reason) => {
                Failure::new(Code::Rejected, format!("the nodes refuse it: {reason}"))
                    .meaning(nothing)
                    .known("id", id.to_string())
                    .known("status", "rejected")
                    .known(
                        "rejection",
                        serde_json::json!({"code": "invalid", "message": reason}),
                    )
            }
            ClientError::NotAdmitted { settled, result } => {
                self.not_admitted(connection, id, *settled, result)
            }
            ClientError::TooLarge(_) => Failure::usage(error.to_string()).meaning(nothing),
            error => {
                let failure = Failure::new(Code::Internal, error.to_string());
                self.undecided(connection, id, failure)
            }
        }
    }

    /// Enough nodes take no part in it, as the ledger would reject it at once.
    fn not_admitted(
        &self,
        connection: &Connection,
        id: &Hash,
        settled: bool,
        result: &[u8],
    ) -> Failure {
        let result = TransactionResult::from_bytes(result);
        let Ok(TransactionResult {
            repeats: None,
            outcome: Executed::Rejected(rejection),
            ..
        }) = result
        else {
            let what = "the nodes executed it before, and do not do so again";
            return self.undecided(connection, id, Failure::new(Code::NoQuorum, what));
        };
        let failure = rejected(&rejection).known("id", id.to_string());
        let message = format!("the nodes do not take it: {rejection}");
        let failure = Failure { message, ..failure };
        match settled {
            true => failure,
            false => failure.meaning("No money moved, and as things are none will."),
        }
    }

    /// The payment may have been made or not, and repeating it is safe.
    pub fn undecided(&self, connection: &Connection, id: &Hash, failure: Failure) -> Failure {
        let common = &connection.setup.common;
        let resend = ["resend".to_owned(), id.to_string()];
        let words: Vec<&str> = match self.repeat.is_empty() {
            true => resend.iter().map(String::as_str).collect(),
            false => self.repeat.iter().map(String::as_str).collect(),
        };
        let mut next = vec![
            explained(&common.command(&words), "repeats this payment safely"),
            explained(
                &common.command(&["tx", &id.to_string()]),
                "what became of it",
            ),
        ];
        next.splice(0..0, failure.next.clone());
        failure
            .meaning(
                "The outcome is unknown: the payment may still be carried out, once at most. \
                 Repeat it only as said here, or you may pay twice.",
            )
            .next(next.join("\n  "))
            .known("id", id.to_string())
            .known("status", "unknown")
            .known("reference", self.reference.as_ref().map(Reference::as_str))
            .known("repeat", common.command(&words))
    }

    /// The reference was used, so long ago that execution no longer knows for what.
    pub fn taken_long_ago(&self, connection: &Connection, (id, index): &(Hash, u64)) -> Failure {
        rejected(&RejectionCode::ReferenceTooOld.into())
            .meaning(format!(
                "No money moved now: the reference was used in entry {index}, by transaction {id}."
            ))
            .known("earlier", id.to_string())
            .next(explained(
                &connection.setup.common.command(&["tx", &id.to_string()]),
                "what was paid under it",
            ))
    }

    pub fn crowded(&self) -> Failure {
        Failure::new(
            Code::Rejected,
            format!(
                "others keep using the nonces of {} before this payment gets one",
                self.payer.named
            ),
        )
        .meaning("No money moved.")
        .known("status", "rejected")
        .known(
            "rejection",
            serde_json::json!({"code": RejectionCode::NonceUsed.as_str()}),
        )
    }
}

/// A rejection as the user sees it: what it means, and what to do.
pub fn rejected(rejection: &Rejection) -> Failure {
    let hint = match rejection.code {
        RejectionCode::InsufficientFunds => "Send less, or have the account paid first.",
        RejectionCode::UnknownRecipient => {
            "Check the address, or have the admin open the account first."
        }
        RejectionCode::UnknownAsset => "The assets stand in genesis.json.",
        RejectionCode::WrongKey => {
            "Sign with the account's own key: its file belongs at DIR/keys/NAME.pem"
        }
        RejectionCode::ReferenceConflict => {
            "Choose another --reference, or repeat the first payment exactly."
        }
        RejectionCode::NotAdmin => "Only the admin's key of genesis may do this.",
        RejectionCode::SelfTransfer => "Choose another recipient.",
        RejectionCode::ReferenceTooOld => "Choose another --reference for another payment.",
        RejectionCode::Expired => "Send it anew.",
        _ => "",
    };
    let failure = Failure::new(
        Code::Rejected,
        format!("the ledger rejected it: {rejection}"),
    )
    .meaning("No money moved.")
    .known("status", "rejected")
    .known(
        "rejection",
        show::rejection(&Executed::Rejected(*rejection)),
    );
    if hint.is_empty() {
        failure
    } else {
        failure.next(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rejection_says_that_no_money_moved() {
        for code in RejectionCode::ALL {
            let failure = rejected(&Rejection::from(*code));
            assert_eq!(failure.code, Code::Rejected);
            assert_eq!(failure.known["rejection"]["code"], code.as_str());
            assert!(failure.meaning.is_some());
        }
    }
}
