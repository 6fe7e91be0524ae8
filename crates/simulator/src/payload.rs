//! What simulated clients ask for: payments between their accounts, sealed so that a node cannot
//! invent one.

use std::sync::Arc;

use consensus::{InvalidPayload, Payloads, RequestKey, limits};

use crate::random::mix;

/// Bytes of a payment without filler.
pub const PAYMENT_BYTES: usize = CONTENT_BYTES + SEAL_BYTES;
const CONTENT_BYTES: usize = 32 + 8 + 2 + 4;
const SEAL_BYTES: usize = 8;

/// One client's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Who pays.
    pub from: u16,
    /// The payer's number for this payment.
    pub nonce: u64,
    /// Who is paid.
    pub to: u16,
    /// How much.
    pub amount: u32,
}

/// The account of a client.
#[must_use]
pub fn account(client: u16) -> [u8; 32] {
    let mut account = [0xac; 32];
    account[..2].copy_from_slice(&client.to_le_bytes());
    account
}

/// The client of an account.
#[must_use]
pub fn client_of(account: &[u8; 32]) -> u16 {
    u16::from_le_bytes([account[0], account[1]])
}

/// Seals and judges payments. The seal stands for the client's signature: only clients are given
/// [`PaymentSeal::seal`], nodes only see it as [`Payloads`].
#[derive(Clone, Copy, Debug)]
pub struct PaymentSeal {
    secret: u64,
}

impl PaymentSeal {
    /// The seal of a network.
    #[must_use]
    pub const fn new(secret: u64) -> Self {
        Self { secret }
    }

    /// The bytes of a payment, sealed.
    #[must_use]
    pub fn seal(&self, payment: &Payment) -> Arc<[u8]> {
        self.seal_with(payment, 0)
    }

    /// As [`PaymentSeal::seal`], with so many bytes of filler: a memo of any length.
    #[must_use]
    pub fn seal_with(&self, payment: &Payment, filler: usize) -> Arc<[u8]> {
        let mut bytes = vec![0; PAYMENT_BYTES + filler];
        let content = bytes.len() - SEAL_BYTES;
        bytes[..32].copy_from_slice(&account(payment.from));
        bytes[32..40].copy_from_slice(&payment.nonce.to_le_bytes());
        bytes[40..42].copy_from_slice(&payment.to.to_le_bytes());
        bytes[42..46].copy_from_slice(&payment.amount.to_le_bytes());
        let seal = self.seal_of(&bytes[..content]);
        bytes[content..].copy_from_slice(&seal.to_le_bytes());
        Arc::from(bytes)
    }

    fn seal_of(&self, content: &[u8]) -> u64 {
        content.chunks(8).fold(self.secret, |state, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            mix(state ^ u64::from_le_bytes(word))
        })
    }
}

/// Reads a payment whose length is possible.
#[must_use]
pub fn read(payload: &[u8]) -> Option<Payment> {
    if payload.len() > limits::PAYLOAD_BYTES {
        return None;
    }
    let bytes: &[u8; PAYMENT_BYTES] = payload.first_chunk()?;
    let mut nonce = [0; 8];
    nonce.copy_from_slice(&bytes[32..40]);
    let mut amount = [0; 4];
    amount.copy_from_slice(&bytes[42..46]);
    Some(Payment {
        from: u16::from_le_bytes([bytes[0], bytes[1]]),
        nonce: u64::from_le_bytes(nonce),
        to: u16::from_le_bytes([bytes[40], bytes[41]]),
        amount: u32::from_le_bytes(amount),
    })
}

impl Payloads for PaymentSeal {
    fn key(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        let payment = read(payload)
            .ok_or_else(|| InvalidPayload(format!("{} bytes are no payment", payload.len())))?;
        if payload[..32] != account(payment.from) {
            return Err(InvalidPayload("no such account".to_owned()));
        }
        Ok(RequestKey {
            account: account(payment.from),
            nonce: payment.nonce,
        })
    }

    fn check(&self, payload: &[u8]) -> Result<RequestKey, InvalidPayload> {
        let key = self.key(payload)?;
        let (content, seal) = payload.split_at(payload.len() - SEAL_BYTES);
        if self.seal_of(content).to_le_bytes() == *seal {
            Ok(key)
        } else {
            Err(InvalidPayload("the client did not seal this".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_payment_is_invalid_whatever_byte_was_touched() {
        let seal = PaymentSeal::new(77);
        let payment = Payment {
            from: 3,
            nonce: 9,
            to: 1,
            amount: 250,
        };
        let bytes = seal.seal(&payment);
        assert_eq!(read(&bytes), Some(payment));
        assert_eq!(seal.check(&bytes).unwrap().nonce, 9);
        for position in 0..bytes.len() {
            let mut forged = bytes.to_vec();
            forged[position] ^= 1;
            assert!(seal.check(&forged).is_err(), "byte {position}");
        }
        assert!(seal.check(&bytes[1..]).is_err());
        let filled = seal.seal_with(&payment, 1_000);
        assert_eq!(filled.len(), PAYMENT_BYTES + 1_000);
        assert_eq!(read(&filled), Some(payment));
        assert_eq!(seal.check(&filled).unwrap().nonce, 9);
        assert!(seal.check(&filled[..filled.len() - 1]).is_err());
        let most = limits::PAYLOAD_BYTES - PAYMENT_BYTES;
        assert!(seal.check(&seal.seal_with(&payment, most)).is_ok());
        assert!(seal.check(&seal.seal_with(&payment, most + 1)).is_err());
        assert!(PaymentSeal::new(78).check(&bytes).is_err());
    }
}
