//! What people type, and lists that programs make for the command line.

use keys::{
    Address, ClientChecks, Mode, PublicKey, ValidatorKey, check_name, from_hex,
    genesis::parse_amount, to_hex,
};
use ledger::{AssetCode, RejectionCode, cli::testing};

use super::{Memory, Target};
use crate::network::genesis;

pub(super) const SUBMIT_LINE: Target = Target {
    name: "submit-line",
    about: "a line of `ledger submit`: a payment within its bounds, or a complaint fit for a terminal",
    run: submit_line,
    memory: Memory {
        factor: 256,
        fixed: 64 << 10,
    },
    longest: 16 << 10,
    replayed: 80_000,
};

fn submit_line(input: &[u8]) {
    match testing::submit_line(genesis(), input) {
        Ok(line) => {
            assert!(line.amount > 0);
            assert!(genesis().asset(&line.asset).is_some());
            assert!(line.memo.len() <= ledger::limits::MEMO_BYTES);
            assert!(!line.memo.chars().any(char::is_control));
        }
        Err(text) => assert!(!text.is_empty()),
    }
}

pub(super) const TEXT: Target = Target {
    name: "text",
    about: "amounts, spans, addresses, keys, codes, names: everything has one text, but for the case of letters in keys",
    run: text,
    memory: Memory {
        factor: 256,
        fixed: 16 << 10,
    },
    longest: 256,
    replayed: 160_000,
};

fn text(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(amount) = parse_amount(text) {
        assert_eq!(amount.to_string(), text);
    }
    if let Ok(millis) = testing::span_millis(text) {
        assert!((1..=24 * 60 * 60 * 1000).contains(&millis));
    }
    let lower = text.to_ascii_lowercase();
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string(), lower);
    }
    if let Ok(key) = text.parse::<PublicKey>() {
        assert_eq!(key.to_string(), lower);
        assert_eq!(PublicKey::from_bytes(key.as_bytes()), Ok(key));
    }
    if let Ok(key) = text.parse::<ValidatorKey>() {
        assert_eq!(key.to_string(), lower);
    }
    if let Ok(code) = text.parse::<AssetCode>() {
        assert_eq!(code.as_str(), text);
    }
    if let Some(bytes) = from_hex(text) {
        assert_eq!(to_hex(&bytes), lower);
    }
    if let Ok(mode) = text.parse::<Mode>() {
        assert_eq!(mode.as_str(), text);
    }
    if let Ok(code) = text.parse::<RejectionCode>() {
        assert_eq!(code.as_str(), text);
    }
    drop(text.parse::<ClientChecks>());
    if check_name(text).is_ok() {
        assert!(text.len() <= keys::MAX_NAME_BYTES && !text.contains(['/', '.']));
    }
}
