//! Signed statements, and the proof tokens that something was verified (P2.1, P2.2).

use std::ops::Deref;

use crate::{
    configuration::Configuration,
    encoding::{DecodeError, Reader, Writer},
    mutation::{self, Mutation},
    signature::{Signature, Signer, Verifier},
    types::{Epoch, NodeId},
};

/// What one validator can sign. Every kind has its own tag, so that no statement can be taken for
/// one of another kind.
pub trait Body: Sized {
    /// Domain tag.
    const TAG: &'static str;

    /// Whether nobody signs it, in any mode: it says nothing to whom it is passed on, and counts only
    /// when its maker's own channel brings it.
    const UNSIGNED: bool = false;

    /// The epoch the statement belongs to.
    fn epoch(&self) -> Epoch;

    /// Appends the layout.
    fn encode_body(&self, writer: &mut Writer);

    /// Reads the layout.
    ///
    /// # Errors
    /// Whatever is wrong with the bytes.
    fn decode_body(
        configuration: &Configuration,
        reader: &mut Reader<'_>,
    ) -> Result<Self, DecodeError>;
}

/// Makes a [`Canonical`](crate::encoding::Canonical) type with an `epoch` field a [`Body`].
macro_rules! body {
    ($type:ty, $tag:literal) => {
        $crate::signed::body!($type, $tag, false);
    };
    ($type:ty, $tag:literal, unsigned) => {
        $crate::signed::body!($type, $tag, true);
    };
    ($type:ty, $tag:literal, $unsigned:literal) => {
        impl $crate::signed::Body for $type {
            const TAG: &'static str = $tag;

            const UNSIGNED: bool = $unsigned;

            fn epoch(&self) -> $crate::types::Epoch {
                self.epoch
            }

            fn encode_body(&self, writer: &mut $crate::encoding::Writer) {
                $crate::encoding::Canonical::encode(self, writer);
            }

            fn decode_body(
                _: &$crate::configuration::Configuration,
                reader: &mut $crate::encoding::Reader<'_>,
            ) -> Result<Self, $crate::encoding::DecodeError> {
                $crate::encoding::Canonical::decode(reader)
            }
        }
    };
}
pub(crate) use body;

/// A statement with the validator that makes it and its signature.
///
/// The signer is a position in the configuration: whose key that is, the configuration says, never
/// the statement (attack J1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<T> {
    /// Who signs.
    pub signer: NodeId,
    /// What is signed.
    pub body: T,
    /// The signature, or [`Signature::NONE`] in a mode or of a kind without.
    pub signature: Signature,
}

/// What of a statement its signature covers: all of it.
fn covered_bytes<T: Body>(body: &T) -> Vec<u8> {
    let mut writer = Writer::default();
    body.encode_body(&mut writer);
    let mut bytes = writer.into_bytes();
    // Every body begins with its epoch, and those of a term go on with it.
    if mutation::active(Mutation::SignatureWithoutEpoch) {
        bytes.iter_mut().take(8).for_each(|byte| *byte = 0);
    }
    if mutation::active(Mutation::SignatureWithoutTerm) {
        bytes.iter_mut().skip(8).take(8).for_each(|byte| *byte = 0);
    }
    bytes
}

impl<T: Body> Signed<T> {
    /// Signs a statement, if the mode signs statements of its kind.
    pub fn new(configuration: &Configuration, me: NodeId, key: &dyn Signer, body: T) -> Self {
        let signature = if configuration.mode().signs() && !T::UNSIGNED {
            key.sign(
                &configuration
                    .domain()
                    .digest(T::TAG, body.epoch(), &covered_bytes(&body)),
            )
        } else {
            Signature::NONE
        };
        Self {
            signer: me,
            body,
            signature,
        }
    }

    /// Whether the signer's key signed this statement, for this network, mode and epoch. Of a kind
    /// or in a mode without signatures nothing can be said, and the channel decides.
    #[must_use]
    pub fn signature_holds(&self, configuration: &Configuration, verifier: &dyn Verifier) -> bool {
        if self.body.epoch() != configuration.epoch() {
            return false;
        }
        let Some(key) = configuration.key(self.signer) else {
            return false;
        };
        if !configuration.mode().signs() || T::UNSIGNED {
            // One statement has one encoding.
            return self.signature == Signature::NONE;
        }
        let digest = configuration.digest(T::TAG, &covered_bytes(&self.body));
        verifier.verify(key, &digest, &self.signature)
    }

    /// Appends the layout: signer, body, signature.
    pub fn encode(&self, writer: &mut Writer) {
        writer.u16(self.signer.0);
        self.body.encode_body(writer);
        writer.raw(&self.signature.0);
    }

    /// Reads the layout.
    ///
    /// # Errors
    /// Whatever is wrong with the bytes.
    pub fn decode(
        configuration: &Configuration,
        reader: &mut Reader<'_>,
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            signer: NodeId(reader.u16()?),
            body: T::decode_body(configuration, reader)?,
            signature: Signature(reader.array()?),
        })
    }
}

impl<T> crate::encoding::Canonical for Signed<T>
where
    T: Body + crate::encoding::Canonical,
{
    fn encode(&self, writer: &mut Writer) {
        Signed::encode(self, writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            signer: NodeId(reader.u16()?),
            body: crate::encoding::Canonical::decode(reader)?,
            signature: Signature(reader.array()?),
        })
    }
}

/// Proof that a value was verified: there is no other way to make one than the checks in
/// [`crate::verification`], so that forgetting to verify does not compile.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    from: NodeId,
    value: T,
}

impl<T> Verified<T> {
    pub(crate) const fn new(from: NodeId, value: T) -> Self {
        Self { from, value }
    }

    /// The peer whose channel brought it.
    #[must_use]
    pub const fn from(&self) -> NodeId {
        self.from
    }

    /// The value and the peer that brought it.
    #[must_use]
    pub fn into_parts(self) -> (NodeId, T) {
        (self.from, self.value)
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
