//! Who we are: an Ed25519 key and the certificate made from it.

use std::fmt;
use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use ring::hmac;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::sign::{CertifiedKey, Signer};
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::error::IdentityError;
use crate::tls;

/// An Ed25519 public key in its 32 byte form. It is the whole identity of a peer.
pub type PeerKey = [u8; 32];

/// Our own key, ready to prove itself in handshakes. Cheap to clone; `Debug` shows the public
/// half only, and the secret half is wiped from memory with the last clone.
#[derive(Clone)]
pub struct Identity {
    key: Arc<ProvingKey>,
    certified: Arc<CertifiedKey>,
}

impl Identity {
    /// Makes an identity and its self-signed certificate from `key`.
    ///
    /// # Errors
    /// [`IdentityError`] if the certificate cannot be made.
    pub fn new(key: SigningKey) -> Result<Self, IdentityError> {
        let public = key.verifying_key().to_bytes();
        let key = Arc::new(ProvingKey {
            secret: key,
            public,
        });
        let certificate = make_certificate(&key)?;
        let certified = CertifiedKey::new(vec![certificate], Arc::new(TlsKey(key.clone())));
        Ok(Self {
            key,
            certified: Arc::new(certified),
        })
    }

    /// The key others know us by.
    #[must_use]
    pub fn public_key(&self) -> PeerKey {
        self.key.public
    }

    /// Someone who shows the certificate of `victim` and holds only `own`.
    #[cfg(test)]
    pub(crate) fn with_stolen_certificate(victim: &Self, own: SigningKey) -> Self {
        let public = own.verifying_key().to_bytes();
        let key = Arc::new(ProvingKey {
            secret: own,
            public,
        });
        let signer = Arc::new(TlsKey(key.clone()));
        let certified = CertifiedKey::new(victim.certified.cert.clone(), signer);
        Self {
            key,
            certified: Arc::new(certified),
        }
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }

    /// A secret for `purpose` that is the same after every restart.
    pub(crate) fn derive_secret(&self, purpose: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.secret.as_bytes());
        let tag = hmac::sign(&key, purpose.as_bytes());
        let mut secret = [0; 32];
        secret.copy_from_slice(tag.as_ref());
        secret
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Identity({})", Short(&self.key.public))
    }
}

/// The first bytes of a key in hexadecimal, enough to tell peers apart in a log.
pub(crate) struct Short<'a>(pub(crate) &'a PeerKey);

impl fmt::Display for Short<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4]
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The dalek key itself signs for TLS and for the certificate: no second copy of the secret, in
/// DER or otherwise, is ever made. dalek wipes it on drop.
struct ProvingKey {
    secret: SigningKey,
    public: PeerKey,
}

impl fmt::Debug for ProvingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ProvingKey({})", Short(&self.public))
    }
}

fn make_certificate(key: &ProvingKey) -> Result<CertificateDer<'static>, IdentityError> {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, tls::SERVER_NAME);
    let certificate = parameters
        .self_signed(key)
        .map_err(|error| IdentityError(error.to_string()))?;
    Ok(certificate.der().clone())
}

impl rcgen::PublicKeyData for ProvingKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

impl rcgen::SigningKey for ProvingKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.secret.sign(message).to_bytes().to_vec())
    }
}

#[derive(Debug, Clone)]
struct TlsKey(Arc<ProvingKey>);

impl rustls::sign::SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&SignatureScheme::ED25519)
            .then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(tls::public_key_info(&self.0.public))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for TlsKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(self.0.secret.sign(message).to_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_holds_the_key() {
        let identity = Identity::new(SigningKey::from_bytes(&[7; 32])).unwrap();
        let certificate = &identity.certified().cert[0];
        assert_eq!(
            tls::certificate_key(certificate).unwrap(),
            identity.public_key()
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let identity = Identity::new(SigningKey::from_bytes(&[0xab; 32])).unwrap();
        let text = format!("{identity:?} {:?}", identity.certified()).to_lowercase();
        assert!(
            !text.contains("abab") && !text.contains("171, 171"),
            "{text}"
        );
    }
}
