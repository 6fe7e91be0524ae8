//! What people type.

use super::Seeds;
use crate::network::key;

pub(super) fn add(seeds: &mut Seeds) {
    let alice = key("alice").public_key();
    let address = alice.address().to_string();
    let lines = [
        r#"{"from":"alice","to":"bob","amount":5,"asset":"USD"}"#.to_owned(),
        r#"{"from":"alice","to":"bob","amount":"250","asset":"EUR","memo":"rent","reference":"2026-7"}"#.to_owned(),
        format!(r#"{{"from":"{address}","to":"someone","amount":18446744073709551615,"asset":"USD"}}"#),
        r#"{"from":"a","to":"b","amount":1.5}"#.to_owned(),
        r#"{"from":"a","to":"b","amount":"2.50","asset":"USD"}"#.to_owned(),
        r#"["a","b",5]"#.to_owned(),
    ];
    for (number, line) in lines.into_iter().enumerate() {
        seeds.add("submit-line", format!("{number}"), line);
    }
    let texts = [
        "0",
        "18446744073709551615",
        "18446744073709551616",
        "10s",
        "250ms",
        "2min",
        "USD",
        "ABCDEFGHIJ12",
        "byzantine",
        "raft-signed",
        "leader",
        "insufficient-funds",
        "bank_7-b",
        &address,
        &address.to_uppercase(),
        &alice.to_string(),
        &alice.to_hex(),
        &key("n0").validator_key().to_string(),
    ];
    for (number, text) in texts.iter().enumerate() {
        seeds.add("text", format!("{number:02}"), *text);
    }
}
