//! Signatures under keys, and with points R, that have a torsion component: what a signer can make
//! who holds the secret and is free to add a point of order 1, 2, 4 or 8. Libraries differ on them,
//! and batch verification gives one or the other answer by chance.

use curve25519_dalek::{EdwardsPoint, Scalar, constants::EIGHT_TORSION};
use sha2::{Digest, Sha512};

/// A signer: the secret scalar a, and a key a·B + Tᵢ, where Tᵢ is i times a point of order 8.
pub struct Signer {
    secret: Scalar,
    torsion: usize,
    key: [u8; 32],
}

/// A signature, and whether the equation without cofactor holds for it, from the torsion alone.
pub struct Made {
    pub signature: [u8; 64],
    pub holds: bool,
}

fn scalar(parts: &[&[u8]]) -> Scalar {
    let mut hasher = Sha512::new();
    parts.iter().for_each(|part| hasher.update(part));
    Scalar::from_bytes_mod_order_wide(&hasher.finalize().into())
}

impl Signer {
    pub fn new(name: &[u8], torsion: usize) -> Self {
        let secret = scalar(&[b"secret", name]);
        let point = EdwardsPoint::mul_base(&secret) + EIGHT_TORSION[torsion];
        Self {
            secret,
            torsion,
            key: point.compress().to_bytes(),
        }
    }

    pub fn key(&self) -> [u8; 32] {
        self.key
    }

    /// Signs with R = r·B + Tⱼ; with r = 0 if `small`, so that R is of small order.
    pub fn sign(&self, message: &[u8], torsion: usize, small: bool) -> Made {
        let mut nonce = scalar(&[b"nonce", &self.secret.to_bytes(), message]);
        if small {
            nonce = Scalar::ZERO;
        }
        let point = EdwardsPoint::mul_base(&nonce) + EIGHT_TORSION[torsion];
        let point = point.compress().to_bytes();
        let challenge = scalar(&[&point, &self.key, message]);
        let response = nonce + challenge * self.secret;
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&point);
        signature[32..].copy_from_slice(&response.to_bytes());
        // S·B − k·A − R = −(k·i + j)·T, and T has order 8. The group order is 5 modulo 8, so it
        // matters that k is taken below it.
        let eighth = usize::from(challenge.to_bytes()[0] % 8);
        Made {
            signature,
            holds: (eighth * self.torsion + torsion).is_multiple_of(8),
        }
    }
}

/// The first message for which the equation holds or does not, as asked for; none if there is
/// none among the first 256.
pub fn message_for(
    signer: &Signer,
    torsion: usize,
    holds: bool,
    message: impl Fn(u64) -> Vec<u8>,
) -> Option<(u64, [u8; 64])> {
    (0..256).find_map(|number| {
        let made = signer.sign(&message(number), torsion, false);
        (made.holds == holds).then_some((number, made.signature))
    })
}
