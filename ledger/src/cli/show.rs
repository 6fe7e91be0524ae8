//! Transactions, outcomes and times in words and in JSON.

use crate::{Operation, Outcome, Transaction, TransactionResult};
use keys::{Address, Genesis};
use serde_json::{Value, json};

use super::money::Unit;

/// `applied`, `rejected` or `repeat`.
pub const fn status(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Applied => "applied",
        Outcome::Rejected(_) => "rejected",
        Outcome::Repeat => "repeat",
    }
}

/// Why it was rejected, if it was.
pub fn rejection(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Applied | Outcome::Repeat => Value::Null,
        Outcome::Rejected(rejection) => json!({
            "code": rejection.code.as_str(),
            "number": rejection.code.number(),
            "message": rejection.code.sentence(),
            "operation": rejection.operation,
            "other": rejection.other.map(|other| other.to_string()),
        }),
    }
}

/// The transaction that was applied under the same reference, if this one repeats it.
pub fn repeats(result: &TransactionResult) -> Value {
    result.repeats.map_or(Value::Null, |earlier| {
        json!({
            "id": earlier.transaction.to_string(),
            "index": earlier.place.index,
            "position": earlier.place.position,
        })
    })
}

/// What a transaction does, a line for each operation, and its memo.
pub fn operations(
    genesis: &Genesis,
    transaction: &Transaction,
    name: impl Fn(&Address) -> String,
) -> Vec<String> {
    let from = name(&transaction.account);
    let line = |operation: &Operation| match operation {
        Operation::Transfer { to, asset, amount } => format!(
            "transfer {} from {from} to {}",
            Unit::named(genesis, *asset).text(*amount),
            name(to)
        ),
        Operation::Issue { to, asset, amount } => format!(
            "issue {} to {}",
            Unit::named(genesis, *asset).text(*amount),
            name(to)
        ),
        Operation::OpenAccount { name: named, .. } => {
            let named = named.as_deref().unwrap_or("without a name");
            format!("open the account {named}")
        }
    };
    let mut lines: Vec<String> = transaction.operations.iter().map(line).collect();
    if !transaction.memo.is_empty() {
        lines.push(format!("memo: {}", transaction.memo));
    }
    lines
}

/// A transaction without its signature.
pub fn transaction(transaction: &Transaction) -> Value {
    let operation = |operation: &Operation| match operation {
        Operation::Transfer { to, asset, amount } => json!({
            "kind": "transfer",
            "to": to.to_string(),
            "asset": asset.as_str(),
            "amount": amount.to_string(),
        }),
        Operation::Issue { to, asset, amount } => json!({
            "kind": "issue",
            "to": to.to_string(),
            "asset": asset.as_str(),
            "amount": amount.to_string(),
        }),
        Operation::OpenAccount { key, name } => json!({
            "kind": "open-account",
            "key": keys::to_hex(&key.0),
            "name": name,
        }),
    };
    json!({
        "account": transaction.account.to_string(),
        "opened": transaction.opened.to_string(),
        "nonce": transaction.nonce,
        "valid_until": transaction.valid_until,
        "reference_hash": transaction.reference.map(|reference| keys::to_hex(&reference.name)),
        "reference_since": transaction.reference.map(|reference| reference.since),
        "memo": transaction.memo,
        "operations": transaction.operations.iter().map(operation).collect::<Vec<_>>(),
    })
}

/// A time in milliseconds since the Unix epoch, in UTC: `2026-01-01 00:00:00.000 UTC`.
pub fn time(unix_ms: u64) -> String {
    let (seconds, millis) = (unix_ms / 1000, unix_ms % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03} UTC")
}

/// The Gregorian date of a day since 1970, by counting in eras of 400 years that begin in March.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + (month <= 2) as u64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_in_utc() {
        assert_eq!(time(0), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(time(951_782_400_123), "2000-02-29 00:00:00.123 UTC");
        assert_eq!(time(1_767_225_599_999), "2025-12-31 23:59:59.999 UTC");
        assert_eq!(time(4_107_542_400_000), "2100-03-01 00:00:00.000 UTC");
        // The largest number is far in the future, and no panic.
        assert!(time(u64::MAX).ends_with("UTC"));
    }
}
