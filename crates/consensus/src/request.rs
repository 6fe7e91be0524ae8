//! Client requests as the core sees them: opaque payloads with an identity (P2.3, P6.5).

use std::sync::Arc;

use thiserror::Error;

use crate::{
    encoding::{Canonical, DecodeError, Reader, Writer},
    limits,
};

/// Identity of a request for deduplication: never a signature (attack J5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey {
    /// The account that asks.
    pub account: [u8; 32],
    /// The account's number for it.
    pub nonce: u64,
}

impl Canonical for RequestKey {
    fn encode(&self, writer: &mut Writer) {
        writer.raw(&self.account);
        writer.u64(self.nonce);
    }
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            account: reader.array()?,
            nonce: reader.u64()?,
        })
    }
}

/// A payload that no entry may contain.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("invalid request: {0}")]
pub struct InvalidPayload(pub String);

/// The application's pure judgement of payloads (P3.2): it depends on the payload and the network
/// alone, never on executed state.
pub trait Payloads: Send + Sync {
    /// Reads the identity out of a well-formed payload, without checking signatures.
    ///
    /// # Errors
    /// [`InvalidPayload`] if it is malformed.
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload>;

    /// Checks form, network and signatures.
    ///
    /// # Errors
    /// [`InvalidPayload`], with the reason.
    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload>;

    /// As [`Payloads::check`] for many at once; may use several threads.
    ///
    /// # Errors
    /// [`InvalidPayload`] if any is invalid.
    fn check_all(&self, payloads: &[Arc<[u8]>]) -> Result<Vec<RequestKey>, InvalidPayload> {
        payloads.iter().map(|payload| self.check(payload)).collect()
    }
}

/// What the applied state says of a request that is not agreed on yet (P6.2). It decides what a node
/// takes in, hands on and watches over, and never what an entry may hold (P3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admittance {
    /// It would not be refused at once.
    Admitted,
    /// It would be refused now, and may be admitted by a later state: its account may be opened.
    Refused,
    /// It is over, whatever comes: its nonce is settled, or its validity has ended.
    Settled,
}

/// A request whose payload passed [`Payloads::check`], so that every entry with it is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    key: RequestKey,
    payload: Arc<[u8]>,
}

impl Request {
    /// Checks a payload.
    ///
    /// # Errors
    /// [`InvalidPayload`], also if the payload is too long.
    pub fn check(payload: Arc<[u8]>, payloads: &dyn Payloads) -> Result<Self, InvalidPayload> {
        if payload.len() > limits::PAYLOAD_BYTES {
            return Err(InvalidPayload(format!(
                "{} bytes are more than the limit of {}",
                payload.len(),
                limits::PAYLOAD_BYTES
            )));
        }
        let key = payloads.check(&payload)?;
        Ok(Self { key, payload })
    }

    /// One that was checked before, and waits.
    pub(crate) const fn waiting(key: RequestKey, payload: Arc<[u8]>) -> Self {
        Self { key, payload }
    }

    /// Its identity.
    #[must_use]
    pub const fn key(&self) -> RequestKey {
        self.key
    }

    /// Its bytes.
    #[must_use]
    pub const fn payload(&self) -> &Arc<[u8]> {
        &self.payload
    }
}
