//! What became of a transaction, and the canonical layout of results (P7.1).
//!
//! | field | layout |
//! |---|---|
//! | transaction | 32 bytes, the transaction's id |
//! | repeats | one byte 0, or 1 and: transaction (32 bytes), index (`u64`), position (`u32`) |
//! | outcome | one byte: 0 applied; 1 rejected, followed by the rejection; 2 repeat |
//!
//! A rejection is: code (`u16`), operation (one byte 0, or 1 and `u16`), other transaction (one
//! byte 0, or 1 and 32 bytes).

use std::{fmt, str::FromStr};

use consensus::{
    Hash, Index,
    encoding::{Canonical, DecodeError, Reader, Writer},
};
use serde::{Deserialize, Serialize};

use crate::hexadecimal;

macro_rules! rejection_codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal, $sentence:literal;)*) => {
        /// Why a transaction changed nothing. Numbers and names never change their meaning.
        ///
        /// A rejected transaction is never applied later (P6.5): its rejection uses up its nonce, or,
        /// where it says otherwise, its reason lasts for ever. To try anew, sign a new one. Codes 14
        /// and 15 are said before execution only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum RejectionCode {
            $($(#[$doc])* $name = $number,)*
        }

        impl RejectionCode {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in JSON and on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// A sentence for people.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

rejection_codes! {
    /// The payload is no transaction of this network. No valid entry holds one; should one do so
    /// all the same, nothing happens. Uses up no nonce.
    Malformed = 1, "malformed", "the request is no transaction of this network";
    /// The acting account does not exist. Uses up no nonce.
    UnknownAccount = 10, "unknown-account", "the account does not exist";
    /// The key that signed may not act for the account. Uses up no nonce.
    WrongKey = 11, "wrong-key", "the key may not act for this account";
    /// `valid_until` lies behind. Uses up no nonce.
    Expired = 12, "expired", "the transaction is no longer valid";
    /// `valid_until` lies further ahead than [`crate::limits::VALIDITY_ENTRIES`].
    ValidityTooLong = 13, "validity-too-long", "valid_until lies too far ahead";
    /// The account's nonce was settled before. Execution calls that a repeat.
    NonceUsed = 14, "nonce-used", "the nonce was already used";
    /// The nonce lies beyond the account's window. Nodes do not propose it; should it be executed all
    /// the same, the window moves.
    NonceTooFar = 15, "nonce-too-far", "the nonce is too far ahead of the lowest unused one";
    /// The transaction names another entry than the one that opened the account. Uses up no nonce.
    OtherOpening = 16, "other-opening", "the transaction was made for another opening of the account";
    /// Another transaction of the account with the same reference did something else.
    ReferenceConflict = 20, "reference-conflict", "the reference already belongs to another payment";
    /// Nothing is known any more of the references that the account has taken since the client looked
    /// for this one, or the client says that it looked in the future.
    ReferenceTooOld = 22, "reference-too-old", "the reference was looked for too long ago";
    /// The receiving account does not exist.
    UnknownRecipient = 30, "unknown-recipient", "the receiving account does not exist";
    /// The asset does not exist.
    UnknownAsset = 31, "unknown-asset", "the asset does not exist";
    /// The amount is zero.
    AmountZero = 32, "amount-zero", "the amount must not be zero";
    /// Payer and receiver are the same.
    SelfTransfer = 33, "self-transfer", "payer and receiver are the same account";
    /// The account holds less than the amount.
    InsufficientFunds = 34, "insufficient-funds", "the account does not hold that much";
    /// The amount would exceed what can be counted.
    Overflow = 35, "overflow", "the supply would exceed what can be counted";
    /// Only the admin may do this.
    NotAdmin = 40, "not-admin", "only the admin may do this";
    /// The key's account is open already.
    AccountExists = 41, "account-exists", "the account exists already";
    /// Another account has the name.
    NameTaken = 42, "name-taken", "another account has that name";
    /// The ledger has as many accounts as it can.
    TooManyAccounts = 43, "too-many-accounts", "the ledger can hold no more accounts";
}

impl RejectionCode {
    /// The number in results.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Whether such a rejection uses up the transaction's nonce.
    #[must_use]
    pub const fn uses_nonce(self) -> bool {
        !matches!(
            self,
            Self::Malformed
                | Self::UnknownAccount
                | Self::WrongKey
                | Self::OtherOpening
                | Self::Expired
                | Self::NonceUsed
                | Self::NonceTooFar
        )
    }
}

impl RejectionCode {
    /// Whether what is refused for this reason before it is executed stays refused for ever,
    /// whatever happens to the account: time and used nonces do not come back.
    #[must_use]
    pub const fn is_lasting(self) -> bool {
        matches!(
            self,
            Self::Malformed | Self::Expired | Self::NonceUsed | Self::OtherOpening
        )
    }
}

impl fmt::Display for RejectionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RejectionCode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let named = |code: &&Self| code.as_str() == text;
        Self::ALL.iter().find(named).copied().ok_or(())
    }
}

impl Canonical for RejectionCode {
    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.number());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let number = reader.u16()?;
        let numbered = |code: &&Self| code.number() == number;
        let code = Self::ALL.iter().find(numbered).copied();
        code.ok_or(DecodeError::Unknown {
            what: "rejection code",
            found: number.into(),
        })
    }
}

/// Why a transaction was rejected, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Why.
    pub code: RejectionCode,
    /// The operation that failed, counted from zero, if one did. None of the others has an effect.
    pub operation: Option<u16>,
    /// For `nonce-used` and `reference-conflict`: the transaction that came first, if still known.
    #[serde(with = "hexadecimal::optional_hash")]
    pub other: Option<Hash>,
}

impl From<RejectionCode> for Rejection {
    fn from(code: RejectionCode) -> Self {
        Self {
            code,
            operation: None,
            other: None,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.code.sentence(), self.code)?;
        if let Some(operation) = self.operation {
            write!(f, ", operation {operation}")?;
        }
        if let Some(other) = &self.other {
            write!(f, ", by transaction {other}")?;
        }
        Ok(())
    }
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All of its operations took effect.
    Applied,
    /// None did, and none ever will.
    Rejected(Rejection),
    /// Nothing was done here, because it was settled before: under this nonce, by the same transaction
    /// or another; or under the same reference, by the one that [`TransactionResult::repeats`] names.
    Repeat,
}

/// Where a transaction was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Index of its entry.
    pub index: u64,
    /// Its position in the entry's body, counted from zero.
    pub position: u32,
}

impl Canonical for Place {
    fn encode(&self, writer: &mut Writer) {
        Index(self.index).encode(writer);
        writer.u32(self.position);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            index: reader.u64()?,
            position: reader.u32()?,
        })
    }
}

/// The execution that a repeat was answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The transaction executed then: the same one, or one with the same reference.
    #[serde(with = "hexadecimal::hash")]
    pub transaction: Hash,
    /// Where.
    pub place: Place,
}

impl Canonical for Earlier {
    fn encode(&self, writer: &mut Writer) {
        self.transaction.encode(writer);
        self.place.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            transaction: Hash::decode(reader)?,
            place: Place::decode(reader)?,
        })
    }
}

/// The result of one payload of an entry: a leaf of the tree under the entry's results root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionResult {
    /// The transaction's id; of a malformed payload, its hash.
    #[serde(with = "hexadecimal::hash")]
    pub transaction: Hash,
    /// Of a [`Outcome::Repeat`] under a reference: the transaction that was applied under it.
    pub repeats: Option<Earlier>,
    /// What became of it.
    pub outcome: Outcome,
}

impl Canonical for TransactionResult {
    fn encode(&self, writer: &mut Writer) {
        self.transaction.encode(writer);
        writer.option(self.repeats.as_ref());
        match &self.outcome {
            Outcome::Applied => writer.u8(0),
            Outcome::Rejected(rejection) => {
                writer.u8(1);
                rejection.code.encode(writer);
                writer.bool(rejection.operation.is_some());
                if let Some(operation) = rejection.operation {
                    writer.u16(operation);
                }
                writer.option(rejection.other.as_ref());
            }
            Outcome::Repeat => writer.u8(2),
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            transaction: Hash::decode(reader)?,
            repeats: reader.option()?,
            outcome: match reader.u8()? {
                0 => Outcome::Applied,
                1 => Outcome::Rejected(Rejection {
                    code: RejectionCode::decode(reader)?,
                    operation: reader.bool()?.then(|| reader.u16()).transpose()?,
                    other: reader.option()?,
                }),
                2 => Outcome::Repeat,
                found => {
                    return Err(DecodeError::Unknown {
                        what: "outcome",
                        found: found.into(),
                    });
                }
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_distinct_names_and_numbers_that_read_back() {
        for code in RejectionCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert_eq!(RejectionCode::from_bytes(&code.to_bytes()), Ok(*code));
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
        }
        assert!(RejectionCode::from_bytes(&[0xff, 0xff]).is_err());
        assert!("no-such-code".parse::<RejectionCode>().is_err());
    }

    #[test]
    fn a_result_has_one_layout() {
        let result = TransactionResult {
            transaction: Hash([1; 32]),
            repeats: Some(Earlier {
                transaction: Hash([2; 32]),
                place: Place {
                    index: 3,
                    position: 4,
                },
            }),
            outcome: Outcome::Rejected(Rejection {
                code: RejectionCode::InsufficientFunds,
                operation: Some(5),
                other: None,
            }),
        };
        let bytes = result.to_bytes();
        let expected = [
            &[1; 32][..],
            &[1],
            &[2; 32],
            &[3, 0, 0, 0, 0, 0, 0, 0],
            &[4, 0, 0, 0],
            &[1, 34, 0, 1, 5, 0, 0],
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(TransactionResult::from_bytes(&bytes), Ok(result));
        for length in 0..bytes.len() {
            assert!(TransactionResult::from_bytes(&bytes[..length]).is_err());
        }
        let repeat = TransactionResult {
            repeats: None,
            outcome: Outcome::Repeat,
            ..result
        };
        let bytes = repeat.to_bytes();
        assert_eq!(bytes, [&[1; 32][..], &[0, 2]].concat());
        assert_eq!(TransactionResult::from_bytes(&bytes), Ok(repeat));
        let unknown = [&[1; 32][..], &[0, 3]].concat();
        assert!(TransactionResult::from_bytes(&unknown).is_err());
    }
}
