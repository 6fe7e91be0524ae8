//! References: the user's own name for a payment, under which it is made once at most.

use consensus::hashing::tagged_hash;

use super::failure::{Failure, Outcome};

/// Most bytes of a reference on the command line.
const LIMIT: usize = 128;
/// The tag under which its text becomes the 32 bytes in a transaction.
const TAG: &str = "hawser/v1/reference";

/// A reference as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(String);

impl Reference {
    /// The one that was given.
    pub fn given(text: &str) -> Outcome<Self> {
        if (1..=LIMIT).contains(&text.len()) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Failure::usage(format!(
                "a reference is 1 to {LIMIT} bytes of text without control characters"
            ))
            .meaning("Nothing was sent."))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands in the transaction: the tagged SHA-256 of the text.
    pub fn bytes(&self) -> [u8; 32] {
        tagged_hash(TAG, &[self.0.as_bytes()]).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_is_one_reference() {
        let given = || Reference::given("invoice 2026-7").unwrap();
        assert_eq!(given().bytes(), given().bytes());
        assert_ne!(
            given().bytes(),
            Reference::given("invoice 2026-8").unwrap().bytes()
        );
    }

    #[test]
    fn references_are_plain_and_short() {
        for bad in ["", "a\nb", &"x".repeat(129)] {
            assert!(Reference::given(bad).is_err(), "{bad:?}");
        }
        assert!(Reference::given(&"x".repeat(128)).is_ok());
    }
}
