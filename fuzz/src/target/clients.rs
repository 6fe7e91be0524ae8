//! What clients and nodes say to each other, and the ledger's questions and answers.

use std::sync::LazyLock;

use ledger::{Answer, Ledger, Query};
use node::frames::{ClientFrame, ServerFrame, encode};
use transport::codec;

use super::{Memory, Target};
use crate::network::{configuration, genesis};

/// What strangers send to a node.
const MEMORY: Memory = Memory {
    factor: 64,
    fixed: 16 << 10,
};

/// What a client reads from a node of its choice: serde reserves up to a mebibyte for a list.
const TRUSTING: Memory = Memory {
    factor: 256,
    fixed: 4 << 20,
};

pub(super) const CLIENT_FRAME: Target = Target {
    name: "client-frame",
    about: "a client's frame, as a node reads it: one encoding",
    run: |input| match ClientFrame::decode(input) {
        Ok(frame) => assert_eq!(encode(&frame).ok().as_deref(), Some(input)),
        Err(error) => drop(error.to_string()),
    },
    memory: MEMORY,
    longest: 16 << 10,
    replayed: 120_000,
};

pub(super) const SERVER_FRAME: Target = Target {
    name: "server-frame",
    about: "a node's frame, as a client reads it: one encoding",
    run: |input| match ServerFrame::decode(input) {
        Ok(frame) => {
            let _ = frame.id();
            assert_eq!(encode(&frame).ok().as_deref(), Some(input));
        }
        Err(error) => drop(error.to_string()),
    },
    memory: TRUSTING,
    longest: 16 << 10,
    replayed: 120_000,
};

pub(super) const QUERY: Target = Target {
    name: "query",
    about: "a client's question to the ledger: the answer can be read, is within its bound, and repeats",
    run: query,
    memory: Memory {
        factor: 64,
        fixed: 128 << 10,
    },
    longest: 600,
    replayed: 120_000,
};

fn query(input: &[u8]) {
    static LEDGER: LazyLock<Ledger> = LazyLock::new(|| Ledger::new(genesis(), configuration()));
    let answer = LEDGER.query(input);
    assert!(answer.len() <= ledger::limits::ANSWER_BYTES);
    let read = Answer::from_bytes(&answer).expect("an answer can be read");
    assert_eq!(LEDGER.query(input), answer);
    let question = codec::decode::<Query, { ledger::limits::QUERY_BYTES }>(input);
    assert_eq!(question.is_err(), read == Answer::Malformed);
    if let Ok(question) = question {
        assert_eq!(question.to_bytes(), input, "a question has one encoding");
    }
}

pub(super) const ANSWER: Target = Target {
    name: "answer",
    about: "a node's answer about the ledger, as a client reads it: what was read is written and read again",
    run: |input| match Answer::from_bytes(input) {
        Ok(answer) => {
            let again = Answer::from_bytes(&answer.to_bytes());
            assert_eq!(again.ok(), Some(answer));
        }
        Err(error) => drop(error.to_string()),
    },
    memory: TRUSTING,
    longest: 8 << 10,
    replayed: 120_000,
};
