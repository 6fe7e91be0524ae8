//! Names of keys, accounts and validators.

use thiserror::Error;

use crate::encoding::{ADDRESS_PREFIX, PUBLIC_KEY_PREFIX, VALIDATOR_KEY_PREFIX};

/// The longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 32;

/// What addresses and public keys begin with, so that no name may.
const OTHERS: [&str; 3] = [ADDRESS_PREFIX, PUBLIC_KEY_PREFIX, VALIDATOR_KEY_PREFIX];

/// A name that cannot be used. It is shown escaped and cut, since it may come from outside.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{} is no valid name: use 1 to {MAX_NAME_BYTES} of the characters a-z, 0-9, `_` and `-`, and do not begin as addresses and keys do (hw1, hwk1, hwv1)", shorten(.0))]
pub struct NameError(pub String);

/// Checks a name: 1 to 32 of `a`–`z`, `0`–`9`, `_`, `-`. Such a name is safe as a file name and in
/// a terminal, and is never taken for an address or a key.
///
/// # Errors
/// [`NameError`] with the name.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    let other = |prefix: &&str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.starts_with('1'))
    };
    let named = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(allowed);
    if named && !OTHERS.iter().any(other) {
        Ok(())
    } else {
        Err(NameError(name.chars().take(2 * MAX_NAME_BYTES).collect()))
    }
}

/// A foreign text in quotes, escaped, and not longer than a line.
pub(crate) fn shorten(text: &str) -> String {
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(40).collect();
    if characters.next().is_some() {
        format!("{start:?}…")
    } else {
        format!("{start:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in [
            "alice",
            "n0",
            "a",
            "bank_7-b",
            "-",
            "0",
            "hw",
            "hw2",
            "hwk",
            &"x".repeat(32),
        ] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "../a",
            "a.pem",
            "Alice",
            "a b",
            "a\0",
            "ä",
            "hw1foo",
            "hw1",
            "hwk1foo",
            "hwv1",
            "a\n",
            "\u{1b}[31m",
            &"x".repeat(33),
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_hostile_name_is_shown_escaped_and_short() {
        let error = check_name(&format!("\u{1b}[2J{}", "x".repeat(10_000))).unwrap_err();
        let shown = error.to_string();
        assert!(!shown.contains('\u{1b}') && shown.len() < 200, "{shown:?}");
    }
}
