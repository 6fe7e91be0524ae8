//! TLS 1.3 in which both sides prove an Ed25519 key and nothing else: no authority, no names, no
//! dates, no resumption.

use std::sync::{Arc, OnceLock};

use ed25519_dalek::{Signature, VerifyingKey};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error,
    PeerMisbehaved, ServerConfig, SignatureScheme,
};

use crate::identity::{Identity, PeerKey};

/// QUIC wants a server name; it is never sent and nobody looks at it.
pub(crate) const SERVER_NAME: &str = "hawser";

const APPLICATION_PROTOCOL: &[u8] = b"hawser/1";

/// DER of a SubjectPublicKeyInfo for Ed25519 up to the 32 bytes of the key (RFC 8410).
const PUBLIC_KEY_INFO_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Whom the dialled server claimed to be, for a typed error when it is not whom we dialled.
pub(crate) type Presented = Arc<OnceLock<PeerKey>>;

pub(crate) fn server_config(identity: &Identity) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(AnyEd25519))
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified())));
    config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// A configuration that accepts a server holding `expected` and no other.
pub(crate) fn client_config(
    identity: &Identity,
    expected: PeerKey,
) -> Result<(ClientConfig, Presented), Error> {
    let presented = Presented::default();
    let verifier = PinnedEd25519 {
        expected,
        presented: presented.clone(),
    };
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified())));
    config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.enable_sni = false;
    Ok((config, presented))
}

/// The key a certificate was made for. Only plain Ed25519 keys that nobody can sign for without
/// the secret half are taken.
pub(crate) fn certificate_key(certificate: &CertificateDer<'_>) -> Result<PeerKey, Error> {
    let info = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    let key: PeerKey = info
        .as_ref()
        .strip_prefix(&PUBLIC_KEY_INFO_PREFIX)
        .and_then(|key| key.try_into().ok())
        .ok_or(CertificateError::BadEncoding)?;
    if acceptable(&key) {
        Ok(key)
    } else {
        Err(CertificateError::BadEncoding.into())
    }
}

/// Whether the bytes are a key that nobody can sign for without its secret half.
pub(crate) fn acceptable(key: &PeerKey) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|point| !point.is_weak())
}

pub(crate) fn public_key_info(key: &PeerKey) -> SubjectPublicKeyInfoDer<'static> {
    [&PUBLIC_KEY_INFO_PREFIX[..], key].concat().into()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The proof itself: the handshake is signed by the key the certificate names. The certificate's
/// own signature, names and dates carry no weight.
fn check_proof(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    if signature.scheme != SignatureScheme::ED25519 {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    if proves(
        &certificate_key(certificate)?,
        message,
        signature.signature(),
    ) {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(CertificateError::BadSignature.into())
    }
}

/// The one predicate (P2.2), not the TLS library's: ring takes an R of small order. No harm is
/// known to come of that in a handshake, but two predicates are one too many.
pub(crate) fn proves(key: &PeerKey, message: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::from_bytes(key);
    let signature = Signature::from_slice(signature);
    key.is_ok_and(|key| signature.is_ok_and(|it| key.verify_strict(message, &it).is_ok()))
}

fn refuse_tls12() -> Result<HandshakeSignatureValid, Error> {
    Err(Error::General("TLS 1.2 is not spoken here".to_owned()))
}

/// Listener's side: any key, as the hello decides who may stay.
#[derive(Debug)]
struct AnyEd25519;

impl ClientCertVerifier for AnyEd25519 {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        certificate_key(end_entity).map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        refuse_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        check_proof(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

/// Dialler's side: exactly the key that was dialled.
#[derive(Debug)]
struct PinnedEd25519 {
    expected: PeerKey,
    presented: Presented,
}

impl ServerCertVerifier for PinnedEd25519 {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let key = certificate_key(end_entity)?;
        // Set once per dial; a second certificate in one handshake is impossible.
        let _ = self.presented.set(key);
        if key == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        refuse_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        check_proof(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, date_time_ymd};

    use super::*;

    #[test]
    fn dates_of_a_certificate_are_irrelevant() {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut parameters = CertificateParams::default();
        parameters.not_after = date_time_ymd(1976, 1, 1);
        let certificate = parameters.self_signed(&key).unwrap();
        assert_eq!(
            certificate_key(certificate.der()).unwrap(),
            key.public_key_raw()
        );
    }

    #[test]
    fn keys_of_other_algorithms_are_refused() {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        assert!(certificate_key(certificate.der()).is_err());
    }

    /// The neutral element: everybody can make signatures that it "made".
    #[test]
    fn a_weak_key_is_refused() {
        struct Weak([u8; 32]);
        impl rcgen::PublicKeyData for Weak {
            fn der_bytes(&self) -> &[u8] {
                &self.0
            }
            fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
                &PKCS_ED25519
            }
        }
        impl rcgen::SigningKey for Weak {
            fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
                Ok(vec![0; 64])
            }
        }
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let certificate = CertificateParams::default()
            .self_signed(&Weak(neutral))
            .unwrap();
        assert!(ParsedCertificate::try_from(certificate.der()).is_ok());
        assert!(certificate_key(certificate.der()).is_err());
    }

    /// Case 2 of ed25519-speccheck: R is of small order. It is why the handshake is not left to the
    /// library's predicate.
    #[test]
    fn a_signature_whose_point_is_of_small_order_proves_nothing() {
        let bytes = |text: &str| -> Vec<u8> {
            let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
            let pairs = text.as_bytes().as_chunks::<2>().0.iter();
            pairs
                .map(|[high, low]| digit(*high) << 4 | digit(*low))
                .collect()
        };
        let message = bytes("aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab");
        let key = bytes("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43");
        let signature = bytes(
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa\
             8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
        );
        let library = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, &key);
        assert!(library.verify(&message, &signature).is_ok());
        let key = key.try_into().unwrap();
        assert!(acceptable(&key));
        assert!(!proves(&key, &message, &signature));
    }

    #[test]
    fn garbage_is_no_certificate() {
        assert!(certificate_key(&CertificateDer::from(vec![0x30, 0x80, 1])).is_err());
    }
}
