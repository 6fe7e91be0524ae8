//! From the vectors in `crates/consensus/tests/data/wire`, which are statements of every kind.

use consensus::{
    Message,
    encoding::{Canonical, Writer},
    message::Grant,
    record::VoteState,
    signed::Signed,
};
use serde_json::Value;

use super::Seeds;
use crate::{input::block, network::network, target::cluster::raw};

const FILES: [&str; 5] = [
    include_str!("../../../crates/consensus/tests/data/wire/entries.json"),
    include_str!("../../../crates/consensus/tests/data/wire/certificates.json"),
    include_str!("../../../crates/consensus/tests/data/wire/messages.json"),
    include_str!("../../../crates/consensus/tests/data/wire/raft-messages.json"),
    include_str!("../../../crates/consensus/tests/data/wire/evidence.json"),
];

struct Vector {
    name: String,
    layout: String,
    /// As [`network`] counts modes.
    mode: u8,
    signer: u8,
    bytes: Vec<u8>,
}

fn vectors() -> Vec<Vector> {
    let read = |vector: &Value| {
        let text = |field: &str| vector.get(field)?.as_str();
        Some(Vector {
            name: format!("{}-{}", text("mode")?, text("name")?),
            layout: text("layout")?.to_owned(),
            mode: match text("mode")? {
                "byzantine" => 0,
                "raft-signed" => 1,
                _ => 2,
            },
            signer: text("signer").and_then(|it| it.parse().ok()).unwrap_or(0),
            bytes: from_hex(text("bytes")?),
        })
    };
    FILES
        .iter()
        .flat_map(|file| serde_json::from_str::<Vec<Value>>(file).expect("vectors are JSON"))
        .filter_map(|vector| read(&vector))
        .collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hexadecimal");
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::try_from(digit(pair[0]) << 4 | digit(pair[1])).expect("a byte"))
        .collect()
}

fn prefixed(first: u8, bytes: &[u8]) -> Vec<u8> {
    [&[first], bytes].concat()
}

fn record(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut input = vec![kind];
    block(&mut input, bytes);
    input
}

pub(super) fn add(seeds: &mut Seeds) {
    let mut log = Vec::new();
    for vector in vectors() {
        let Vector {
            name,
            layout,
            mode,
            signer,
            bytes,
        } = vector;
        match layout.as_str() {
            "message" => {
                seeds.add("message", &name, prefixed(mode | signer << 4, &bytes));
                if mode == 0 {
                    seeds.add("traitor", &name, prefixed(0, &raw(&bytes)));
                    parts(seeds, &name, &bytes);
                }
            }
            "entry" => {
                seeds.add("part", &name, prefixed(mode << 4, &bytes));
                for kind in [1, 3] {
                    log.extend(record(kind, &bytes));
                }
            }
            "signed header" => seeds.add("part", &name, prefixed(1, &bytes)),
            "entry header" => seeds.add("part", &name, prefixed(2, &bytes)),
            "quorum certificate" => {
                seeds.add("certificate", &name, prefixed(0, &bytes));
                for (kind, bytes) in [(6, &bytes), (7, &bytes), (9, &prefixed(2, &bytes))] {
                    log.extend(record(kind, bytes));
                }
            }
            "election certificate" => {
                seeds.add("certificate", &name, prefixed(1, &bytes));
                for (kind, bytes) in [(4, &bytes), (9, &prefixed(1, &bytes))] {
                    log.extend(record(kind, bytes));
                }
            }
            "leave certificate" => {
                seeds.add("certificate", &name, prefixed(2, &bytes));
                log.extend(record(5, &bytes));
            }
            "evidence" => {
                log.extend(record(10, &bytes));
                seeds.add("evidence", &name, bytes);
            }
            "term record" => seeds.add("term-record", &name, bytes),
            other => panic!("no target takes the layout {other}"),
        }
    }
    log.extend([
        2, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0, 8, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    ]);
    for (number, piece) in log.chunks(12 << 10).enumerate() {
        seeds.add("records", format!("all-{number}"), piece);
    }
    seeds.add("records", "counters", &log[log.len() - 22..]);
    seeds.add("records", "opening", record(9, &[0]));
}

/// What a message carries that is read by itself too.
fn parts(seeds: &mut Seeds, name: &str, bytes: &[u8]) {
    let Ok(message) = Message::from_bytes(&network(0).configuration, bytes) else {
        panic!("{name} is no message");
    };
    let signed = &bytes[1..];
    match message {
        Message::Vote(_) => seeds.add("part", name, prefixed(3, signed)),
        Message::Suspect(_) => seeds.add("part", name, prefixed(4, signed)),
        Message::Leave(_) => seeds.add("part", name, prefixed(7, signed)),
        Message::Report(_) => seeds.add("part", name, prefixed(5, signed)),
        Message::VoteGranted(grant) => {
            seeds.add("part", name, prefixed(6, signed));
            vote_states(seeds, &grant);
        }
        _ => {}
    }
}

fn vote_states(seeds: &mut Seeds, grant: &Signed<Grant>) {
    let fresh = VoteState::new(&network(0).configuration);
    seeds.add("vote-state", "fresh", fresh.to_bytes());
    let full = VoteState {
        term: grant.body.term,
        voted_for: Some(grant.signer),
        locked: Some(fresh.pair_point),
        granted: Some(grant.body.clone()),
        led: Some(grant.body.term),
        ..fresh
    };
    let mut writer = Writer::default();
    full.encode(&mut writer);
    seeds.add("vote-state", "full", writer.into_bytes());
}
