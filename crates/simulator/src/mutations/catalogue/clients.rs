//! Clients, receipts and reads (P6, P7).

use consensus::mutation::Mutation;

use crate::mutations::{Detector, Entry};

/// A test of the client against a node that lies.
const fn lied_to(name: &'static str) -> Detector {
    Detector::Test {
        package: "client",
        test: Some("mutations"),
        name,
    }
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::OneReplyIsEnough,
        id: "one-reply-is-enough",
        rule: "P6.1",
        breaks: "a client believes the first answer",
        detectors: &[lied_to("one_node_is_not_believed")],
    },
    Entry {
        mutation: Mutation::RepeatsExecuted,
        id: "repeats-executed",
        rule: "P6.5",
        breaks: "the ledger executes a request again when it comes again",
        detectors: &[Detector::Test {
            package: "ledger",
            test: Some("mutations"),
            name: "a_repeated_payment_moves_money_once",
        }],
    },
    Entry {
        mutation: Mutation::ReadTrustsEqualAnswers,
        id: "read-trusts-equal-answers",
        rule: "P7.2",
        breaks: "a linearizable read trusts Q equal answers, however old they are",
        detectors: &[lied_to("a_quorum_of_equal_answers_may_be_stale")],
    },
];
